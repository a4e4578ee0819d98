# One wrong password is told by PAM, by sshd and by the line that closes the connection. Each
# attempt counts once, so the fourth connection is the one with the fifth attempt.
> at 2026-08-10 09:00:00
Aug 10 09:00:01 web sshd[71]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost=192.0.2.5  user=root
Aug 10 09:00:03 web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
Aug 10 09:00:06 web sshd[71]: message repeated 2 times: [ Failed password for root from 192.0.2.5 port 4001 ssh2]
Aug 10 09:00:06 web sshd[71]: error: maximum authentication attempts exceeded for root from 192.0.2.5 port 4001 ssh2 [preauth]
Aug 10 09:00:06 web sshd[71]: Disconnecting authenticating user root 192.0.2.5 port 4001: Too many authentication failures [preauth]
Aug 10 09:00:07 web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
Aug 10 09:00:07 web sshd[72]: Connection closed by authenticating user root 192.0.2.5 port 4002 [preauth]
Aug 10 09:00:09 web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
==== ledger
08-10 09:00:09 found brute-force sshd 192.0.2.5 as root, 5 failures in 10m
    sshd/failed x1 Aug 10 09:00:03 web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
    sshd/failed x2 Aug 10 09:00:06 web sshd[71]: message repeated 2 times: [ Failed password for root from 192.0.2.5 port 4001 ssh2]
    sshd/failed x1 Aug 10 09:00:07 web sshd[72]: Failed password for root from 192.0.2.5 port 4002 ssh2
    sshd/failed x1 Aug 10 09:00:09 web sshd[73]: Failed password for root from 192.0.2.5 port 4003 ssh2
08-10 09:00:09 decided 192.0.2.5 block for 10m (policy default)
08-10 09:00:09 order block 192.0.2.5
08-10 09:00:09 applied 192.0.2.5
==== blocked
192.0.2.5 until 2026-08-10T09:10:09Z
