# The owner mistypes twice and gets in. His two lines are taken back, so three more mistakes an
# hour later are three and not five; what somebody tries for another account stays.
> at 2026-08-10 09:00:00
Aug 10 09:00:01 web sshd[71]: Failed password for owner from 192.0.2.9 port 50122 ssh2
Aug 10 09:00:07 web sshd[71]: Failed password for owner from 192.0.2.9 port 50122 ssh2
Aug 10 09:00:12 web sshd[71]: Accepted password for owner from 192.0.2.9 port 50122 ssh2
Aug 10 09:05:01 web sshd[80]: Failed password for owner from 192.0.2.9 port 50130 ssh2
Aug 10 09:05:03 web sshd[80]: Failed password for owner from 192.0.2.9 port 50130 ssh2
Aug 10 09:05:05 web sshd[80]: Failed password for owner from 192.0.2.9 port 50130 ssh2
==== ledger
08-10 09:00:12 login sshd 192.0.2.9 as owner with password never before
    sshd/accepted x1 Aug 10 09:00:12 web sshd[71]: Accepted password for owner from 192.0.2.9 port 50122 ssh2
==== blocked
