# Nobody locks out an administrator who is logged in, nor does his own block stay.
> at 2026-08-10 09:00:00
> ban 192.0.2.5 1h
> admin 192.0.2.5
{now} web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
{now} web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
{now} web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
{now} web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
{now} web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
> nobody
{now} web sshd[76]: Failed password for root from 192.0.2.5 port 4001 ssh2
==== ledger
08-10 09:00:00 decided 192.0.2.5 block for 1h (operator: story)
08-10 09:00:00 order block 192.0.2.5
08-10 09:00:00 applied 192.0.2.5
08-10 09:00:00 decided 192.0.2.5 free (an administrator is there)
08-10 09:00:00 order free 192.0.2.5
08-10 09:00:00 applied 192.0.2.5
08-10 09:00:00 found brute-force sshd 192.0.2.5 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
08-10 09:00:00 decided 192.0.2.5 nothing (an administrator is there)
==== blocked
