# An address that is allowed while it is blocked is free at once, and is not blocked afterwards;
# its neighbour is.
> at 2026-08-10 09:00:00
{now} web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
{now} web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
{now} web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
{now} web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
{now} web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
> wait 1m
> allow 192.0.2.5
> repeat 5 1s
{now} web sshd[81]: Failed password for root from 192.0.2.5 port 4006 ssh2
{now} web sshd[82]: Failed password for root from 192.0.2.6 port 4007 ssh2
> end
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
08-10 09:01:00 decided 192.0.2.5 free (192.0.2.5 is allowed)
08-10 09:01:00 order free 192.0.2.5
08-10 09:01:00 applied 192.0.2.5
08-10 09:01:04 found brute-force sshd 192.0.2.5 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:01:00Z web sshd[81]: Failed password for root from 192.0.2.5 port 4006 ssh2
    sshd/failed x1 2026-08-10T09:01:01Z web sshd[81]: Failed password for root from 192.0.2.5 port 4006 ssh2
    sshd/failed x1 2026-08-10T09:01:02Z web sshd[81]: Failed password for root from 192.0.2.5 port 4006 ssh2
    sshd/failed x1 2026-08-10T09:01:03Z web sshd[81]: Failed password for root from 192.0.2.5 port 4006 ssh2
    sshd/failed x1 2026-08-10T09:01:04Z web sshd[81]: Failed password for root from 192.0.2.5 port 4006 ssh2
08-10 09:01:04 decided 192.0.2.5 nothing (192.0.2.5 is allowed)
08-10 09:01:04 found brute-force sshd 192.0.2.6 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:01:00Z web sshd[82]: Failed password for root from 192.0.2.6 port 4007 ssh2
    sshd/failed x1 2026-08-10T09:01:01Z web sshd[82]: Failed password for root from 192.0.2.6 port 4007 ssh2
    sshd/failed x1 2026-08-10T09:01:02Z web sshd[82]: Failed password for root from 192.0.2.6 port 4007 ssh2
    sshd/failed x1 2026-08-10T09:01:03Z web sshd[82]: Failed password for root from 192.0.2.6 port 4007 ssh2
    sshd/failed x1 2026-08-10T09:01:04Z web sshd[82]: Failed password for root from 192.0.2.6 port 4007 ssh2
08-10 09:01:04 decided 192.0.2.6 block for 10m (policy default)
08-10 09:01:04 order block 192.0.2.6
08-10 09:01:04 applied 192.0.2.6
==== blocked
192.0.2.6 until 2026-08-10T09:11:04Z
