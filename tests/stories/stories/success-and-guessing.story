# Whoever has one account here guesses the other accounts' passwords between his own logins: those
# logins take back nothing of it, and he is told as somebody who came in after failures.
> at 2026-08-10 09:00:00
{now} web sshd[70]: Accepted password for eve from 192.0.2.5 port 4000 ssh2
> wait 1s
> repeat 5 2s
{now} web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
{now} web sshd[72]: Accepted password for eve from 192.0.2.5 port 4002 ssh2
> end
==== ledger
08-10 09:00:00 login sshd 192.0.2.5 as eve with password never before
    sshd/accepted x1 2026-08-10T09:00:00Z web sshd[70]: Accepted password for eve from 192.0.2.5 port 4000 ssh2
08-10 09:00:01 login sshd 192.0.2.5 as eve with password after failures: 1 there last at 2026-08-10T09:00:00Z
    sshd/accepted x1 2026-08-10T09:00:01Z web sshd[72]: Accepted password for eve from 192.0.2.5 port 4002 ssh2
08-10 09:00:03 login sshd 192.0.2.5 as eve with password after failures: 2 there last at 2026-08-10T09:00:01Z
    sshd/accepted x1 2026-08-10T09:00:03Z web sshd[72]: Accepted password for eve from 192.0.2.5 port 4002 ssh2
08-10 09:00:05 login sshd 192.0.2.5 as eve with password after failures: 3 there last at 2026-08-10T09:00:03Z
    sshd/accepted x1 2026-08-10T09:00:05Z web sshd[72]: Accepted password for eve from 192.0.2.5 port 4002 ssh2
08-10 09:00:07 login sshd 192.0.2.5 as eve with password after failures: 4 there last at 2026-08-10T09:00:05Z
    sshd/accepted x1 2026-08-10T09:00:07Z web sshd[72]: Accepted password for eve from 192.0.2.5 port 4002 ssh2
08-10 09:00:09 found brute-force sshd 192.0.2.5 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:00:01Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:03Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:05Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:07Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:09Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
08-10 09:00:09 decided 192.0.2.5 block for 10m (policy default)
08-10 09:00:09 order block 192.0.2.5
08-10 09:00:09 applied 192.0.2.5
08-10 09:00:09 login sshd 192.0.2.5 as eve with password after failures: 5 there last at 2026-08-10T09:00:07Z
    sshd/accepted x1 2026-08-10T09:00:09Z web sshd[72]: Accepted password for eve from 192.0.2.5 port 4002 ssh2
==== blocked
192.0.2.5 until 2026-08-10T09:10:09Z
