# Three tries every half hour stay below five in ten minutes. The tenth line ends it: nobody ever
# logged in from there.
> at 2026-08-10 14:25:00
Aug 10 14:25:01 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
Aug 10 14:25:05 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
Aug 10 14:25:09 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
Aug 10 14:55:01 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
Aug 10 14:55:05 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
Aug 10 14:55:09 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
Aug 10 15:25:01 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
Aug 10 15:25:05 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
Aug 10 15:25:09 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
Aug 10 15:55:01 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
==== ledger
08-10 15:55:01 found slow brute-force dovecot 94.102.63.160, 10 failures in 1d
    dovecot/auth-failed x1 Aug 10 14:25:01 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
    dovecot/auth-failed x1 Aug 10 14:25:05 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
    dovecot/auth-failed x1 Aug 10 14:25:09 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
    dovecot/auth-failed x1 Aug 10 14:55:01 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
    dovecot/auth-failed x1 Aug 10 14:55:05 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
    dovecot/auth-failed x1 Aug 10 14:55:09 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
    dovecot/auth-failed x1 Aug 10 15:25:01 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
    dovecot/auth-failed x1 Aug 10 15:25:05 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
    dovecot/auth-failed x1 Aug 10 15:25:09 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
    dovecot/auth-failed x1 Aug 10 15:55:01 mail dovecot: pop3-login: Aborted login (auth failed, 1 attempts): user=<>, method=PLAIN, rip=94.102.63.160, lip=192.168.10.23
08-10 15:55:01 decided 94.102.63.160 block for 10m (policy default)
08-10 15:55:01 order block 94.102.63.160
08-10 15:55:01 applied 94.102.63.160
==== blocked
94.102.63.160 until 2026-08-10T16:05:01Z
