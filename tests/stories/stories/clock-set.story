# The clock is set back by two hours between the fourth failure and the fifth, while another
# address is blocked: neither the window nor the block changes.
> at 2026-08-10 09:00:00
> ban 203.0.113.9 1h
Aug 10 09:00:01 web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
Aug 10 09:00:02 web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
Aug 10 09:00:03 web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
Aug 10 09:00:04 web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
> set -2h
Aug 10 07:00:06 web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
> wait 59m
> wait 2m
==== ledger
08-10 09:00:00 decided 203.0.113.9 block for 1h (operator: story)
08-10 09:00:00 order block 203.0.113.9
08-10 09:00:00 applied 203.0.113.9
08-10 07:00:04 notice clock-set seconds=-7200
08-10 07:00:06 found brute-force sshd 192.0.2.5 as root, 5 failures in 10m
    sshd/failed x1 Aug 10 09:00:01 web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x1 Aug 10 09:00:02 web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
    sshd/failed x1 Aug 10 09:00:03 web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
    sshd/failed x1 Aug 10 09:00:04 web sshd[74]: Failed password for root from 192.0.2.5 port 4004 ssh2
    sshd/failed x1 Aug 10 07:00:06 web sshd[75]: Failed password for root from 192.0.2.5 port 4005 ssh2
08-10 07:00:06 decided 192.0.2.5 block for 10m (policy default)
08-10 07:00:06 order block 192.0.2.5
08-10 07:00:06 applied 192.0.2.5
08-10 07:10:06 decided 192.0.2.5 free (its time is over)
08-10 08:00:00 decided 203.0.113.9 free (its time is over)
==== blocked
