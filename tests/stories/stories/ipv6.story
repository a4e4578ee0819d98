# An attacker over IPv6 has a /64 to walk through: it is counted and blocked as one. The evidence
# names the exact addresses.
> at 2026-08-10 09:00:00
{now} web sshd[71]: Failed password for root from 2001:db8:7:7::1 port 4001 ssh2
{now} web sshd[72]: Failed password for root from 2001:db8:7:7::2 port 4002 ssh2
{now} web sshd[73]: Failed password for root from 2001:db8:7:7:ffff::3 port 4003 ssh2
{now} web sshd[74]: Failed password for root from 2001:db8:7:8::4 port 4004 ssh2
{now} web sshd[75]: Failed password for root from 2001:db8:7:7::5 port 4005 ssh2
{now} web sshd[76]: Failed password for root from 2001:db8:7:7::6 port 4006 ssh2
==== ledger
08-10 09:00:00 found brute-force sshd 2001:db8:7:7::6 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 2001:db8:7:7::1 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[72]: Failed password for root from 2001:db8:7:7::2 port 4002 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[73]: Failed password for root from 2001:db8:7:7:ffff::3 port 4003 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[75]: Failed password for root from 2001:db8:7:7::5 port 4005 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[76]: Failed password for root from 2001:db8:7:7::6 port 4006 ssh2
08-10 09:00:00 decided 2001:db8:7:7::/64 block for 10m (policy default)
08-10 09:00:00 order block 2001:db8:7:7::/64
08-10 09:00:00 applied 2001:db8:7:7::/64
==== blocked
2001:db8:7:7::/64 until 2026-08-10T09:10:00Z
