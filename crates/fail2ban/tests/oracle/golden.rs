//! Small configurations of our own, one for each rule, judged by fail2ban itself.

use std::fs;
use std::path::Path;

use super::{compare, is_here, ours, theirs};

/// What fail2ban makes of a configuration.
#[derive(Clone, Copy, PartialEq)]
enum Expected {
    /// The same commands as we.
    Same,
    /// It refuses all of it; we run what is not touched and complain of this.
    Refused(&'static str),
    /// It leaves out the jail; so do we, and complain of this.
    Skipped(&'static str),
}

use Expected::{Refused, Same, Skipped};

/// A name, files with their texts, and what is expected.
type Case = (&'static str, &'static [(&'static str, &'static str)], Expected);

const FILTER: (&str, &str) = ("filter.d/f.conf", "[Definition]\nfailregex = ^bad <HOST>$\n");
const MAIN: (&str, &str) = ("fail2ban.conf", "[Definition]\nloglevel = INFO\n");

const CASES: &[Case] = &[
    (
        "comments, colons, blank lines",
        &[
            MAIN,
            FILTER,
            (
                "jail.conf",
                "# c\n[j]\nenabled: YES ; c\nFilter = f\nignoreip = 1.1.1.1 ; x\n  # no\n\n  ;no\n  2.2.2.2,3.3.3.3#4\n",
            ),
        ],
        Same,
    ),
    (
        "deeper keys",
        &[MAIN, FILTER, ("jail.conf", "[j]\n  enabled = 1\n  filter = f\n    \n  maxretry = +7\n")],
        Same,
    ),
    (
        "layers",
        &[
            MAIN,
            FILTER,
            (
                "jail.conf",
                "[DEFAULT]\nmaxretry=1\nbantime=2m\n[j]\nfilter=f\nfindtime=%(bantime)s\n",
            ),
            ("jail.d/b.conf", "[j]\nmaxretry=2\nenabled=true\n"),
            ("jail.d/a.conf", "[j]\nmaxretry=9\nlogencoding=a\n"),
            ("jail.local", "[DEFAULT]\nbantime=3m\n[k]\nenabled=1\nfilter=f\n"),
            ("jail.d/z.local", "[j]\nlogencoding=%(known/logencoding)s-z\n"),
        ],
        Same,
    ),
    (
        "includes and their locals",
        &[
            MAIN,
            FILTER,
            (
                "jail.conf",
                "[INCLUDES]\nbefore = x.conf\n  sub/y.conf\nafter = no.local\n  z.conf\n[j]\nenabled=1\nfilter=f\nmaxretry=%(known/maxretry)s1\n",
            ),
            ("x.conf", "[j]\nmaxretry=1\nfindtime=1\n"),
            ("x.local", "[j]\nmaxretry=4\n"),
            ("sub/y.conf", "[INCLUDES]\nafter=w.conf\n[DEFAULT]\nbantime=7\n"),
            ("sub/w.conf", "[DEFAULT]\nbantime=8\n"),
            ("z.conf", "[j]\nfindtime=3\n"),
        ],
        Same,
    ),
    (
        "includes in a circle",
        &[
            MAIN,
            FILTER,
            ("jail.conf", "[INCLUDES]\nbefore = x.conf\n[j]\nenabled=1\nfilter=f\n"),
            ("x.conf", "[INCLUDES]\nafter = jail.conf\n[DEFAULT]\nmaxretry=2\n"),
        ],
        Same,
    ),
    (
        "only a local filter, with its folder",
        &[
            MAIN,
            ("jail.local", "[j]\nenabled=1\nfilter=g\n"),
            ("filter.d/g.local", "[Definition]\nfailregex = a <HOST>\n"),
            ("filter.d/g.d/1.conf", "[Definition]\nfailregex = b <HOST>\nignoreregex = i\n"),
            (
                "filter.d/g.d/2.local",
                "[Definition]\nfailregex = %(known/failregex)s\n   c <HOST>\n",
            ),
        ],
        Same,
    ),
    (
        "percent",
        &[
            MAIN,
            (
                "filter.d/f.conf",
                "[DEFAULT]\nd = D%%\n[Definition]\n_a = %(__name__)s-%(d)s\nfailregex = %(_a)s <HOST> %%d %(other/x)s\ndatepattern = %%Y %(other/y)s\n[other]\nx = X%(d)s\ny = %(other/x)s\n",
            ),
            (
                "jail.conf",
                "[DEFAULT]\nmaxretry=4\nx=%(default/maxretry)s\n[j]\nenabled=1\nfilter=f\nmaxmatches=%(x)s2\n",
            ),
        ],
        Same,
    ),
    (
        "known values of the filter",
        &[
            MAIN,
            (
                "filter.d/f.conf",
                "[Definition]\nfailregex = ^<p> <HOST>\np = <q>\nq = Q\n[Init]\nmaxlines = 3\n",
            ),
            (
                "jail.conf",
                "[j]\nenabled=1\nfilter=f\nfailregex = %(known/failregex)s\n  ^mine <HOST> <p>\n",
            ),
        ],
        Same,
    ),
    (
        "tags",
        &[
            MAIN,
            (
                "filter.d/f.conf",
                "[Definition]\nfailregex = <re-<mode>>\n  <sec/x> <known/w> <HOST>\nre-a = A <w> <HOST>\nre-b = B <w> <HOST>\nmode = a\n[Init]\nw = init\njournalmatch = _A=b + _C='d e'\n\n  _E=f\n[sec]\nx = <w>%%\n",
            ),
            (
                "jail.conf",
                "[j]\nenabled=1\nfilter=f[mode=b, w=\"given, ]\"]\n[k]\nenabled=1\nfilter=f\nbackend=systemd[journalflags=1]\n",
            ),
        ],
        Same,
    ),
    (
        "logtype",
        &[
            MAIN,
            (
                "filter.d/f.conf",
                "[Definition]\nfailregex = <t-<logtype>> <HOST>\nt-file = F\nt-journal = J\n",
            ),
            (
                "jail.conf",
                "[a]\nenabled=1\nfilter=f\n[b]\nenabled=1\nfilter=f\nbackend=systemd\n[c]\nenabled=1\nfilter=f[logtype=journal]\n",
            ),
        ],
        Same,
    ),
    (
        "who goes before whom",
        &[
            MAIN,
            (
                "filter.d/f.conf",
                "[Definition]\nfailregex = d <HOST>\nmaxlines = 2\nusedns = no\nprefregex = ^p\ndatepattern = dd\n[Init]\nmaxlines = 5\ndatepattern = ii\n",
            ),
            (
                "jail.conf",
                "[a]\nenabled=1\nfilter=f[maxlines=7, usedns=raw]\n[b]\nenabled=1\nfilter=f\nmaxlines=9\nprefregex = ^q\nusedns=yes\nignoreregex = x\n  y\n",
            ),
        ],
        Same,
    ),
    (
        "actions",
        &[
            MAIN,
            FILTER,
            (
                "action.d/x.conf",
                "[Definition]\nactionstart = s <p> <name>\nactionban = b <ip> <matches> <bantime>\nactionunban =\nnorestored = yes\nactionstart_on_demand = false\n[Init]\np = P<name>\nq = %(p)s\n[Init?family=inet6]\np = six\n",
            ),
            (
                "jail.conf",
                "[DEFAULT]\nport=22\naction_ = x[port=\"%(port)s\"]\n[a]\nenabled=1\nfilter=f\naction = %(action_)s\n  x[name=%(__name__)s-2, p='<q>']\n  x[name=other][actname=third,\n  q=1]\n[b]\nenabled=1\nfilter=f\naction = x y\n[c]\nenabled=1\nfilter=f\nport=1\naction = %(action_)s\n",
            ),
            ("action.d/y.conf", "[Definition]\nactionflush = f\n"),
        ],
        Same,
    ),
    (
        "chain of the file itself",
        &[
            MAIN,
            FILTER,
            ("action.d/x.conf", "[Definition]\nactionban = b <chain>\n[Init]\nchain = INPUT\n"),
            (
                "jail.conf",
                "[a]\nenabled=1\nfilter=f\naction = x[chain=\"<known/chain>\"]\n[b]\nenabled=1\nfilter=f\naction = x\n",
            ),
        ],
        Same,
    ),
    (
        "a Python action",
        &[
            MAIN,
            FILTER,
            (
                "jail.conf",
                "[a]\nenabled=1\nfilter=f\naction = m.py[actname=n, host='h\"\\\', x=\u{e9}\u{1f600}]\n  o.py\n",
            ),
        ],
        Same,
    ),
    (
        "server",
        &[
            (
                "fail2ban.conf",
                "[Definition]\nloglevel = debug\nlogtarget = SYSLOG\nallowipv6 = no\ndbfile = None\ndbmaxmatches = 5\ndbpurgeage = 1w\n[Thread]\nstacksize = 32\n",
            ),
            ("jail.conf", "[DEFAULT]\n"),
        ],
        Same,
    ),
    (
        "a swallowed header",
        &[
            MAIN,
            FILTER,
            ("jail.conf", "[a]\nenabled=1\nfilter=f\nignorecommand = x\n  [b]\n  enabled=1\n"),
        ],
        Same,
    ),
    (
        "text behind a header",
        &[MAIN, FILTER, ("jail.conf", "[a] enabled = true\nfilter=f\n[b]\nenabled=1\nfilter=f\n")],
        Same,
    ),
    (
        "every option",
        &[
            MAIN,
            FILTER,
            (
                "jail.conf",
                "[a]\nenabled=on\nfilter=f\nmaxretry=1_0\nmaxmatches=2\nfindtime=1h 30m\nbantime=-1\nbantime.increment=true\nbantime.factor=1\nbantime.formula=ban.Time * 2\nbantime.multipliers=1 2 4\nbantime.maxtime=5w\nbantime.rndtime=10\nbantime.overalljails=no\nignorecommand=/bin/x <ip>\nignoreself=false\nignorecache=key=\"<ip>\"\nlogtimezone=UTC+1\nlogencoding=utf-8\n",
            ),
        ],
        Same,
    ),
    (
        "numbers of no and fewer failures",
        &[
            MAIN,
            FILTER,
            (
                "jail.conf",
                "[a]\nenabled=1\nfilter=f\nmaxretry=0\nmaxmatches=-1\n[b]\nenabled=1\nfilter=f\nmaxretry=-2\n",
            ),
        ],
        Same,
    ),
    (
        "a section twice",
        &[MAIN, FILTER, ("jail.conf", "[a]\nenabled=1\nfilter=f\n[a]\nmaxretry=3\n")],
        Refused("twice-section"),
    ),
    (
        "a key twice",
        &[
            MAIN,
            FILTER,
            ("jail.conf", "[a]\nenabled=1\nfilter=f\nfilter=g\n[b]\nenabled=1\nfilter=f\n"),
        ],
        Refused("twice-key"),
    ),
    (
        "no header",
        &[MAIN, FILTER, ("jail.conf", "enabled=1\n[a]\nfilter=f\n")],
        Refused("no-section"),
    ),
    (
        "a byte order mark",
        &[MAIN, FILTER, ("jail.conf", "\u{feff}[a]\nfilter=f\n")],
        Refused("byte-order-mark"),
    ),
    (
        "a line without a delimiter",
        &[MAIN, FILTER, ("jail.conf", "[a]\nenabled=1\nfilter=f\nword\n")],
        Refused("no-delimiter"),
    ),
    (
        "no key",
        &[MAIN, FILTER, ("jail.conf", "[a]\nenabled=1\nfilter=f\n= 1\n")],
        Refused("no-key"),
    ),
    (
        "a filter line that lost its indentation",
        &[
            MAIN,
            ("filter.d/f.conf", "[Definition]\nfailregex = a <HOST>\nb <HOST>\n"),
            ("jail.conf", "[a]\nenabled=1\nfilter=f\n"),
        ],
        Refused("lost-indent-line"),
    ),
    (
        "a filter key twice",
        &[
            MAIN,
            (
                "filter.d/f.conf",
                "[Definition]\nfailregex = a <HOST>\nauth: b <HOST>\nauth: c <HOST>\n",
            ),
            ("jail.conf", "[a]\nenabled=1\nfilter=f\n"),
        ],
        Refused("twice-key"),
    ),
    (
        "a lone percent",
        &[MAIN, FILTER, ("jail.conf", "[a]\nenabled=1\nfilter=f\nfindtime=5%\n")],
        Refused("bad-percent"),
    ),
    (
        "a missing name",
        &[MAIN, FILTER, ("jail.conf", "[a]\nenabled=1\nfilter=f\nfindtime=%(no)s\n")],
        Refused("missing-name"),
    ),
    (
        "a name with capitals",
        &[MAIN, FILTER, ("jail.conf", "[a]\nenabled=1\nfilter=f\nfindtime=%(B/q)s\n[B]\nq=1\n")],
        Refused("upper-case-section"),
    ),
    (
        "a tag in a circle",
        &[
            MAIN,
            ("filter.d/f.conf", "[Definition]\nfailregex = <x> <HOST>\nx = <y>\ny = <x>\n"),
            ("jail.conf", "[a]\nenabled=1\nfilter=f\n"),
        ],
        Refused("tag-recursion"),
    ),
    (
        "an open quote",
        &[
            MAIN,
            ("filter.d/f.conf", "[Definition]\nfailregex = <HOST>\njournalmatch = A='b\n"),
            ("jail.conf", "[a]\nenabled=1\nfilter=f\n"),
        ],
        Refused("open-quote"),
    ),
    (
        "no such filter",
        &[MAIN, FILTER, ("jail.conf", "[a]\nenabled=1\nfilter=ff\n[b]\nenabled=1\nfilter=f\n")],
        Skipped("no-filter-file"),
    ),
    (
        "no such action",
        &[
            MAIN,
            FILTER,
            ("jail.conf", "[a]\nenabled=1\nfilter=f\naction=no\n[b]\nenabled=1\nfilter=f\n"),
        ],
        Skipped("no-action-file"),
    ),
    (
        "wrong options of a filter",
        &[MAIN, FILTER, ("jail.conf", "[a]\nenabled=1\nfilter=f[x]\n[b]\nenabled=1\nfilter=f\n")],
        Skipped("bad-reference"),
    ),
    (
        "wrong options of an action",
        &[
            MAIN,
            FILTER,
            (
                "jail.conf",
                "[a]\nenabled=1\nfilter=f\naction=x[name=\"a\" b]\n[b]\nenabled=1\nfilter=f\n",
            ),
        ],
        Skipped("bad-reference"),
    ),
];

fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    }
}

#[test]
fn each_rule_is_as_in_fail2ban() {
    if !is_here() {
        return;
    }
    let mut failed = Vec::new();
    for (name, files, expected) in CASES {
        let judged = std::panic::catch_unwind(|| judge(files, *expected));
        if judged.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "{} of {} cases: {failed:?}", failed.len(), CASES.len());
}

fn judge(files: &[(&str, &str)], expected: Expected) {
    let folder = tempfile::tempdir().expect("a folder");
    write(folder.path(), files);
    let (ours, found) = ours(folder.path());
    let theirs = theirs(folder.path());
    let kinds: Vec<&str> = found.complaints.list().iter().map(|found| found.kind).collect();
    match expected {
        Same => {
            compare(&ours, &theirs.expect("fail2ban reads it"));
            assert!(found.broken.is_empty(), "{kinds:?}");
        }
        Refused(kind) => {
            assert!(theirs.is_err(), "fail2ban takes it");
            assert!(kinds.contains(&kind), "{kinds:?}");
        }
        Skipped(kind) => {
            let theirs = theirs.expect("fail2ban skips the jail only");
            assert_eq!(theirs.iter().filter(|c| c[0] == "config-error").count(), 1);
            let rest: Vec<_> = theirs.into_iter().filter(|c| c[0] != "config-error").collect();
            compare(&ours, &rest);
            assert_eq!(found.broken.len(), 1);
            assert!(kinds.contains(&kind), "{kinds:?}");
        }
    }
}
