# Three failures are counted, then a reload says that four are enough: the fourth blocks, for as
# long as the new configuration says.
> at 2026-08-10 09:00:00
{now} web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
{now} web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
{now} web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
> config
[policy.default]
failures = 4
block = "1h"
> end
{now} web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
==== ledger
08-10 09:00:00 found brute-force sshd 192.0.2.5 as root, 4 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
08-10 09:00:00 decided 192.0.2.5 block for 1h (policy default)
08-10 09:00:00 order block 192.0.2.5
08-10 09:00:00 applied 192.0.2.5
==== blocked
192.0.2.5 until 2026-08-10T10:00:00Z
