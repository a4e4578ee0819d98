# Where somebody is: the first failure from a country that is not wanted blocks, one table spares a
# network in it, another tells of what is tried from elsewhere; who is from nowhere is counted.
> place 192.0.2.0/24 CN AS4134
> place 198.51.100.0/24 CN AS4713
> place 203.0.113.0/24 RU
> config
[[origin]]
countries = ["CN"]
as = ["AS4713"]
then = "allow"

[[origin]]
countries = ["CN"]
services = ["sshd"]
then = "block"
block = "1d"

[[origin]]
countries = ["!JP"]
then = "alarm"
severity = "notice"
> end
> at 2026-08-10 09:00:00
{now} web sshd[70]: Connection from 192.0.2.5 port 4000 on 192.0.2.80 port 22
{now} web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
{now} web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
> repeat 6 10s
{now} web sshd[72]: Failed password for root from 198.51.100.7 port 4001 ssh2
{now} web sshd[73]: Failed password for root from 203.0.113.9 port 4001 ssh2
> end
# Nobody knows where this one is.
{now} web sshd[74]: Failed password for root from 2001:db8::9 port 4001 ssh2
> wait 10m
{now} web sshd[75]: Failed password for root from 203.0.113.10 port 4001 ssh2
# Logins: from there, and from nowhere.
{now} web sshd[80]: Accepted password for alice from 192.0.2.6 port 4000 ssh2
{now} web sshd[81]: Accepted password for alice from 2001:db8::9 port 4000 ssh2
> allow 192.0.2.0/24
{now} web sshd[82]: Failed password for root from 192.0.2.99 port 4000 ssh2
==== ledger
08-10 09:00:00 found unwanted sshd 192.0.2.5 as root, 1 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
08-10 09:00:00 decided 192.0.2.5 block for 1d (from CN, AS4134 by [[origin]] 2 at story:6, policy default)
08-10 09:00:00 order block 192.0.2.5
08-10 09:00:00 applied 192.0.2.5
08-10 09:00:00 found unwanted sshd 192.0.2.5 as root, 1 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[71]: Failed password for root from 192.0.2.5 port 4001 ssh2
08-10 09:00:00 decided 192.0.2.5 nothing (blocked already)
08-10 09:00:00 order block 192.0.2.5
08-10 09:00:00 applied 192.0.2.5
08-10 09:00:00 found here origin-failure (notice) root address=203.0.113.9 origin=RU rule=[[origin]] 3 (story:12)
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[73]: Failed password for root from 203.0.113.9 port 4001 ssh2
08-10 09:00:40 found brute-force sshd 198.51.100.7 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[72]: Failed password for root from 198.51.100.7 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:10Z web sshd[72]: Failed password for root from 198.51.100.7 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:20Z web sshd[72]: Failed password for root from 198.51.100.7 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:30Z web sshd[72]: Failed password for root from 198.51.100.7 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:40Z web sshd[72]: Failed password for root from 198.51.100.7 port 4001 ssh2
08-10 09:00:40 decided 198.51.100.7 nothing (from CN, AS4713 by [[origin]] 1 at story:1, policy default)
08-10 09:00:40 found brute-force sshd 203.0.113.9 as root, 5 failures in 10m
    sshd/failed x1 2026-08-10T09:00:00Z web sshd[73]: Failed password for root from 203.0.113.9 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:10Z web sshd[73]: Failed password for root from 203.0.113.9 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:20Z web sshd[73]: Failed password for root from 203.0.113.9 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:30Z web sshd[73]: Failed password for root from 203.0.113.9 port 4001 ssh2
    sshd/failed x1 2026-08-10T09:00:40Z web sshd[73]: Failed password for root from 203.0.113.9 port 4001 ssh2
08-10 09:00:40 decided 203.0.113.9 block for 10m (policy default)
08-10 09:00:40 order block 203.0.113.9
08-10 09:00:40 applied 203.0.113.9
08-10 09:10:40 decided 203.0.113.9 free (its time is over)
08-10 09:11:00 found here origin-failure (notice) root address=203.0.113.10 origin=RU rule=[[origin]] 3 (story:12) more=5
    sshd/failed x1 2026-08-10T09:11:00Z web sshd[75]: Failed password for root from 203.0.113.10 port 4001 ssh2
08-10 09:11:00 login sshd 192.0.2.6 as alice with password never before
    sshd/accepted x1 2026-08-10T09:11:00Z web sshd[80]: Accepted password for alice from 192.0.2.6 port 4000 ssh2
08-10 09:11:00 found here origin-login (warning) alice address=192.0.2.6 origin=CN, AS4134 rule=[[origin]] 2 (story:6)
    sshd/accepted x1 2026-08-10T09:11:00Z web sshd[80]: Accepted password for alice from 192.0.2.6 port 4000 ssh2
08-10 09:11:00 login sshd 2001:db8::9 as alice with password after failures: 1 elsewhere last at 2026-08-10T09:11:00Z
    sshd/accepted x1 2026-08-10T09:11:00Z web sshd[81]: Accepted password for alice from 2001:db8::9 port 4000 ssh2
08-10 09:11:00 decided 192.0.2.5 free (192.0.2.0/24 is allowed)
08-10 09:11:00 order free 192.0.2.5
08-10 09:11:00 applied 192.0.2.5
==== blocked
