# Each further block is twice as long. The kernel ends a block by itself at the moment the ledger
# says so.
> at 2026-08-10 09:00:00
> repeat 3 30m
{now} web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
{now} web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
{now} web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
{now} web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
{now} web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
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
08-10 09:10:00 decided 192.0.2.5 free (its time is over)
08-10 09:30:00 found brute-force sshd 192.0.2.5 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:30:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:30:00Z web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
    sshd/failed x1 2026-08-10T09:30:00Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    sshd/failed x1 2026-08-10T09:30:00Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
    sshd/failed x1 2026-08-10T09:30:00Z web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
08-10 09:30:00 decided 192.0.2.5 block for 20m (policy default)
08-10 09:30:00 order block 192.0.2.5
08-10 09:30:00 applied 192.0.2.5
08-10 09:50:00 decided 192.0.2.5 free (its time is over)
08-10 10:00:00 found brute-force sshd 192.0.2.5 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T10:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T10:00:00Z web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
    sshd/failed x1 2026-08-10T10:00:00Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    sshd/failed x1 2026-08-10T10:00:00Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
    sshd/failed x1 2026-08-10T10:00:00Z web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
08-10 10:00:00 decided 192.0.2.5 block for 40m (policy default)
08-10 10:00:00 order block 192.0.2.5
08-10 10:00:00 applied 192.0.2.5
==== blocked
192.0.2.5 until 2026-08-10T10:40:00Z
