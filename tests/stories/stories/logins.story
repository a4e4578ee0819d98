# Who came in: over the network, at the console, as another user; how, and whether from a new place.
# sudo is told where it opens a shell, the first time, after a wrong password, and where it refuses: that once a minute.
> at 2026-08-10 09:00:00
{now} web sshd[70]: Accepted publickey for alice from 192.0.2.5 port 4000 ssh2: ED25519 SHA256:abc
{now} web sshd[70]: pam_unix(sshd:session): session opened for user alice(uid=1000) by (uid=0)
> wait 1m
{now} web sshd[80]: Accepted password for alice from 192.0.2.6 port 4000 ssh2
> wait 1m
{now} web sshd[90]: Accepted password for alice from 2001:db8::6 port 4000 ssh2
> wait 1m
{now} web sshd[91]: Accepted password for alice from 192.0.2.5 port 4000 ssh2
> wait 1m
{now} web login[300]: pam_unix(login:session): session opened for user bob(uid=1001) by LOGIN(uid=0)
{now} web su: (to root) alice on pts/0
{now} web su: (to postgres) root on none
{now} web sudo:    alice : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/apt update
{now} web sudo:    alice : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/apt upgrade
{now} web sudo:    alice : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/bin/bash
> repeat 3 10s
{now} web sudo:     eve : user NOT in sudoers ; TTY=pts/1 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/id
> end
> wait 1m
{now} web sudo:     eve : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/sh
{now} web sudo: pam_unix(sudo:auth): authentication failure; logname=alice uid=1000 euid=0 tty=/dev/pts/0 ruser=alice rhost=  user=alice
> wait 4s
{now} web sudo:    alice : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/id
{now} web sudo:    alice : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/id
==== ledger
08-10 09:00:00 login sshd 192.0.2.5 as alice with publickey key ED25519 SHA256:abc never before
    sshd/accepted x1 2026-08-10T09:00:00Z web sshd[70]: Accepted publickey for alice from 192.0.2.5 port 4000 ssh2: ED25519 SHA256:abc
08-10 09:01:00 login sshd 192.0.2.6 as alice with password near there last at 2026-08-10T09:00:00Z
    sshd/accepted x1 2026-08-10T09:01:00Z web sshd[80]: Accepted password for alice from 192.0.2.6 port 4000 ssh2
08-10 09:02:00 login sshd 2001:db8::6 as alice with password elsewhere last at 2026-08-10T09:01:00Z
    sshd/accepted x1 2026-08-10T09:02:00Z web sshd[90]: Accepted password for alice from 2001:db8::6 port 4000 ssh2
08-10 09:03:00 login sshd 192.0.2.5 as alice with password there last at 2026-08-10T09:00:00Z
    sshd/accepted x1 2026-08-10T09:03:00Z web sshd[91]: Accepted password for alice from 192.0.2.5 port 4000 ssh2
08-10 09:04:00 login login as bob never before
    pam/session-opened x1 2026-08-10T09:04:00Z web login[300]: pam_unix(login:session): session opened for user bob(uid=1001) by LOGIN(uid=0)
08-10 09:04:00 login su as root by alice on pts/0 never before
    su/used x1 2026-08-10T09:04:00Z web su: (to root) alice on pts/0
08-10 09:04:00 found here sudo-first (notice) alice target=root command=/usr/bin/apt update terminal=pts/0
    sudo/used x1 2026-08-10T09:04:00Z web sudo:    alice : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/apt update
08-10 09:04:00 login sudo as root by alice on pts/0 elsewhere last at 2026-08-10T09:04:00Z
    sudo/used x1 2026-08-10T09:04:00Z web sudo:    alice : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/bin/bash
08-10 09:04:00 found here sudo-refused (warning) eve target=root command=/usr/bin/id terminal=pts/1
    sudo/refused x1 2026-08-10T09:04:00Z web sudo:     eve : user NOT in sudoers ; TTY=pts/1 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/id
08-10 09:04:20 found here sudo-refused (warning) eve more=2
08-10 09:05:30 found here sudo-refused (warning) eve target=root command=/bin/sh terminal=pts/1
    sudo/wrong-password x1 2026-08-10T09:05:30Z web sudo:     eve : 3 incorrect password attempts ; TTY=pts/1 ; PWD=/ ; USER=root ; COMMAND=/bin/sh
08-10 09:05:34 found here sudo-mistyped (notice) alice target=root command=/usr/bin/id terminal=pts/0
    sudo/used x1 2026-08-10T09:05:34Z web sudo:    alice : TTY=pts/0 ; PWD=/tmp ; USER=root ; COMMAND=/usr/bin/id
==== blocked
