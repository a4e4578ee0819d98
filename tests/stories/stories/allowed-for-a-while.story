# A blocked address is allowed, so its block ends; then it is off the list again. It fails in the
# same second: that is a new attack, and not one that came through an old block.
> at 2026-08-10 09:00:00
{now} web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
{now} web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
{now} web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
{now} web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
{now} web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
> allow 192.0.2.5
> allow 198.51.100.1
{now} web sshd[81]: Failed password for root from 192.0.2.5 port 4001 ssh2
{now} web sshd[82]: Failed password for root from 192.0.2.5 port 4002 ssh2
{now} web sshd[83]: Failed password for root from 192.0.2.5 port 4003 ssh2
{now} web sshd[84]: Failed password for root from 192.0.2.5 port 4004 ssh2
{now} web sshd[85]: Failed password for root from 192.0.2.5 port 4005 ssh2
==== ledger
08-10 09:00:00 found brute-force sshd 192.0.2.5 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
08-10 09:00:00 decided 192.0.2.5 block for 10m (policy default)
08-10 09:00:00 order block 192.0.2.5
08-10 09:00:00 applied 192.0.2.5
08-10 09:00:00 decided 192.0.2.5 free (192.0.2.5 is allowed)
08-10 09:00:00 order free 192.0.2.5
08-10 09:00:00 applied 192.0.2.5
08-10 09:00:00 found brute-force sshd 192.0.2.5 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[81]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[82]: Failed password for root from 192.0.2.5 port 4002 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[83]: Failed password for root from 192.0.2.5 port 4003 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[84]: Failed password for root from 192.0.2.5 port 4004 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[85]: Failed password for root from 192.0.2.5 port 4005 ssh2
08-10 09:00:00 decided 192.0.2.5 block for 20m (policy default)
08-10 09:00:00 order block 192.0.2.5
08-10 09:00:00 applied 192.0.2.5
==== blocked
192.0.2.5 until 2026-08-10T09:20:00Z
