//! Commands that both are asked, in this order.

/// The jails.
pub const JAILS: &str = r#"
[DEFAULT]
backend = polling
filter = made
action = quiet[color=blue]
maxretry = 3
findtime = 10m
bantime = 600
ignoreip = 127.0.0.1/8 ::1
logpath = FOLDER/one.log

[web]
enabled = true
logpath = FOLDER/one.log
          FOLDER/two.log
action = quiet
         quiet[actname=second, color=green]

[mail]
enabled = true
usedns = no
datepattern = ^%%Y-%%m-%%d %%H:%%M:%%S
bantime.increment = true
bantime.factor = 2
bantime.maxtime = 5w
bantime.overalljails = yes
findtime = 1mo
ignorecache = key="<ip>", max-count=7, max-time=5m
ignorecommand = true <ip>
ignoreself = false
logencoding = utf-8

[journal]
enabled = true
backend = systemd
journalmatch = _SYSTEMD_UNIT=a.service + _COMM=b
               _COMM=c PRIORITY=5

[Bare]
enabled = true
action =
maxmatches = 2
datepattern = {^LN-BEG}EPOCH
logtimezone = UTC+0200
"#;

/// One command a line; words are split at blanks, `'..'` keeps them together. `# wait` lets the
/// server work, all other lines with `#` are for the reader.
///
/// Left out: `ping x`, `start` and the like, which the client does not send; `add JAIL` of a jail
/// that there is, where 1.0.2 stumbles over itself; `bantime` after a ban, which changes running
/// bans in fail2ban and not here.
pub const LINES: &str = r#"
# -- server
ping
ping 5
echo
echo a 'b c' d
version
server-status
help
foo
foo bar
status
status x
status --all x y
banned
banned 192.0.2.1
unban
get
get loglevel
get logtarget
get syslogsocket
get dbfile
get dbpurgeage
get dbmaxmatches
get thread
get nothing
get nothing at all
set
set loglevel
set loglevel debug
set loglevel loud
set loglevel 20
get loglevel
set loglevel INFO
set dbpurgeage 2d
set dbpurgeage 600
set dbmaxmatches 5
set dbmaxmatches five
get dbmaxmatches
set dbfile none
set dbfile /nowhere/x
set syslogsocket /dev/null
set syslogsocket auto
flushlogs
# -- status
status web
status web basic
status web short
status web odd
status web cymru
status mail
status journal
status Bare
status web a b
# -- get
get web
get web nothing
get none logpath
get web logpath
get mail logpath
get journal logpath
get web logencoding
get mail logencoding
get web journalmatch
get journal journalmatch
get web ignoreself
get mail ignoreself
get web ignoreip
get Bare ignoreip
get web ignorecommand
get mail ignorecommand
get web ignorecache
get mail ignorecache
get web prefregex
get web failregex
get mail failregex
get web ignoreregex
get web usedns
get mail usedns
get web findtime
get mail findtime
get web datepattern
get mail datepattern
get Bare datepattern
get web logtimezone
get Bare logtimezone
get web maxmatches
get Bare maxmatches
get web maxretry
get web maxlines
get web bantime
get mail bantime.increment
get mail bantime.factor
get mail bantime.maxtime
get mail bantime.overalljails
get mail bantime.rndtime
get mail bantime.nothing
get web bantime.increment
get web actions
get Bare actions
get web action
get web action quiet
get web action quiet actionban
get web action quiet actionstart
get web action quiet timeout
get web action second color
get web action quiet color
get web action third color
get web action quiet nothing
get none action quiet color
get web actionproperties
get web actionproperties third
get web banip
get web banned
# -- bans
set none banip 192.0.2.1
set web banip
set web banip 192.0.2.1
set web banip 192.0.2.1
set web banip 192.0.2.2 192.0.2.3 192.0.2.2
set web banip 198.51.100.0/24
set web banip 2001:db8::1
set web banip 2001:DB8:0:0::2
set web banip some-name-that-is-none
set mail banip 192.0.2.2 203.0.113.9
set Bare bantime -1
set Bare banip 192.0.2.4
# wait
status web
status web short
status mail
status Bare
get web banip
get web banip ,
get web banip '; '
get web banip --with-time
get Bare banip --with-time
get web banned
get web banned 192.0.2.1
get web banned 192.0.2.9
get web banned 192.0.2.1 192.0.2.9 2001:db8::2
get none banned
banned
banned 192.0.2.2
banned 192.0.2.2 192.0.2.9
banned 198.51.100.0/24 198.51.100.7
set web unbanip
set none unbanip 192.0.2.1
set web unbanip 192.0.2.1
set web unbanip 192.0.2.1
set web unbanip --report-absent 192.0.2.1
set web unbanip --report-absent 192.0.2.1 192.0.2.2 192.0.2.77
set web unbanip --report-absent
set web unbanip 198.51.100.0/24 2001:db8::1
set web unbanip some-name-that-is-none
get web banip
unban 192.0.2.3 203.0.113.9
unban 192.0.2.3
set web banip 192.0.2.1 192.0.2.2 192.0.2.3 192.0.2.200
unban 192.0.2.0/25
unban --all
unban --all
status web
# -- attempts
set web attempt
set none attempt 192.0.2.5
set web attempt 192.0.2.5
set web attempt 192.0.2.5
set web attempt 192.0.2.6 one two
# wait
status web
set web attempt 192.0.2.5 line
# wait
status web
unban --all
# -- set
set web
set web nothing
set web nothing x
set none nothing x
set web idle
set web idle x
set web idle on
set web idle off
set none idle on
set web ignoreself no
set web ignoreself True
set web ignoreself 1
set web addignoreip
set web addignoreip 192.0.2.200
set web addignoreip 203.0.113.0/24
set web addignoreip 203.0.113.77/24
set web delignoreip
set web delignoreip 192.0.2.200
set web delignoreip 192.0.2.200
set web delignoreip 127.0.0.0/8
set web delignoreip 203.0.113.0/24
set web delignoreip ::1
set none addignoreip 192.0.2.1
set none delignoreip 192.0.2.1
set web ignorecommand 'true <ip>'
set web ignorecommand ''
set web ignorecache 'key="<ip>", max-count=3, max-time=1h'
set web ignorecache ''
set web addlogpath
set web addlogpath FOLDER/two.log odd
set web addlogpath FOLDER/two.log head tail
set mail addlogpath FOLDER/two.log tail
set mail addlogpath FOLDER/two.log
set mail dellogpath FOLDER/two.log
set mail dellogpath FOLDER/three.log
set mail dellogpath FOLDER/one.log
status mail
set mail addlogpath FOLDER/one.log HEAD
set none addlogpath FOLDER/one.log
set journal addlogpath FOLDER/one.log
set web logencoding latin-1
set web logencoding utf-8
set web logencoding no-such-code
set web addjournalmatch A=b
set journal addjournalmatch _COMM=d + _COMM=e PRIORITY=3
set journal deljournalmatch _COMM=d
set journal deljournalmatch _COMM=nobody
status journal
get journal journalmatch
set web addfailregex '^ third <HOST>'
set web addfailregex '^ nobody'
set web addfailregex ''
set web addfailregex ' (?P<fid>x+) <F-ID/>'
set web delfailregex 99
set web delfailregex x
set web delfailregex 0
set web delfailregex -1
set web delfailregex 0
set web delfailregex 0
set web addignoreregex '^ cat'
set web delignoreregex 0
set web delignoreregex 0
get web ignoreregex
set web prefregex '^ pre <F-CONTENT>.+</F-CONTENT>$'
set web prefregex ''
set web usedns raw
set web usedns WARN
set web usedns odd
set web findtime 1h30m
set web findtime 1y
set web findtime 600
set none findtime 600
set web datepattern %Y-%m-%d
set web datepattern '{^LN-BEG}'
set web datepattern '%b %d'
set web datepattern '^[%Y]\s'
set web datepattern {NONE}
set web datepattern TAI64N
set web logtimezone UTC-0100
set web logtimezone Europe/Paris
set web maxmatches 7
set web maxmatches x
set none maxmatches x
set web maxretry 4
set web maxretry +5
set web maxretry 1.5
set web maxlines 2
set web maxlines 0
set web bantime 1h
set web bantime 1mo
set web bantime -1
set none bantime 1
set mail bantime.factor 1.5
set mail bantime.factor ''
set mail bantime.increment no
set mail bantime.increment ''
set mail bantime.maxtime 1d
set mail bantime.rndtime 10m
set mail bantime.formula 'ban.Time * 2'
set mail bantime.multipliers '1 2 4'
set mail bantime.overalljails true
get mail bantime.maxtime
# -- jails
add --all
start none
start web
stop none
stop mail
status
status mail
banned
get mail logpath
start mail
"#;
