# The name that is typed holds an address. It is never the one that is blocked.
> at 2026-08-10 09:00:00
Aug 10 09:00:01 web sshd[71]: Invalid user x from 198.51.100.1 port 22 from 192.0.2.66 port 4001
Aug 10 09:00:02 web sshd[71]: Failed password for invalid user x from 198.51.100.1 port 22 from 192.0.2.66 port 4001 ssh2
Aug 10 09:00:03 web sshd[72]: Failed password for invalid user y from 192.0.2.66 port 4002 ssh2
Aug 10 09:00:04 web sshd[73]: Failed password for invalid user y from 192.0.2.66 port 4003 ssh2
Aug 10 09:00:05 web sshd[74]: Failed password for invalid user y from 192.0.2.66 port 4004 ssh2
Aug 10 09:00:06 web sshd[75]: Failed password for invalid user y from 192.0.2.66 port 4005 ssh2
==== ledger
08-10 09:00:06 found brute-force sshd 192.0.2.66 as y, 5 failures in 10m
    sshd/failed x1 Aug 10 09:00:02 web sshd[71]: Failed password for invalid user x from 198.51.100.1 port 22 from 192.0.2.66 port 4001 ssh2
    sshd/failed x1 Aug 10 09:00:03 web sshd[72]: Failed password for invalid user y from 192.0.2.66 port 4002 ssh2
    sshd/failed x1 Aug 10 09:00:04 web sshd[73]: Failed password for invalid user y from 192.0.2.66 port 4003 ssh2
    sshd/failed x1 Aug 10 09:00:05 web sshd[74]: Failed password for invalid user y from 192.0.2.66 port 4004 ssh2
    sshd/failed x1 Aug 10 09:00:06 web sshd[75]: Failed password for invalid user y from 192.0.2.66 port 4005 ssh2
08-10 09:00:06 decided 192.0.2.66 block for 10m (policy default)
08-10 09:00:06 order block 192.0.2.66
08-10 09:00:06 applied 192.0.2.66
==== blocked
192.0.2.66 until 2026-08-10T09:10:06Z
