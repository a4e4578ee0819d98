# This machine's own address lies in the attacker's /64, as where a provider gives one /64 to many
# customers. The /64 cannot be blocked, so each of its other addresses is counted alone.
> at 2026-08-10 09:00:00
> allow 2001:db8:7:7::1
> repeat 5 1s
{now} web sshd[71]: Failed password for root from 2001:db8:7:7::66 port 4001 ssh2
> end
{now} web sshd[72]: Failed password for root from 2001:db8:7:7::67 port 4001 ssh2
==== ledger
08-10 09:00:04 found brute-force sshd 2001:db8:7:7::66 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 2001:db8:7:7::66 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:01Z web sshd[71]: Failed password for root from 2001:db8:7:7::66 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:02Z web sshd[71]: Failed password for root from 2001:db8:7:7::66 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:03Z web sshd[71]: Failed password for root from 2001:db8:7:7::66 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:04Z web sshd[71]: Failed password for root from 2001:db8:7:7::66 port 4001 ssh2
08-10 09:00:04 decided 2001:db8:7:7::66/128 block for 10m (policy default)
08-10 09:00:04 order block 2001:db8:7:7::66/128
08-10 09:00:04 applied 2001:db8:7:7::66/128
==== blocked
2001:db8:7:7::66/128 until 2026-08-10T09:10:04Z
