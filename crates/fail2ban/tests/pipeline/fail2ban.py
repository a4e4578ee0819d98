"""The installed fail2ban's own filter, over JSON lines: one answer for each line.

{"new": {"folder", "filter", "usedns", "all", "raw", "rules"}} begins a fresh filter, and
{"line": text, "now": seconds, "journal": bool} is fed to it. `rules` names what newer versions do
otherwise; see `main.rs`.
"""
import json
import os
import signal
import sys
import time

sys.path.insert(0, "/usr/lib/python3/dist-packages")
try:
    from fail2ban.client.filterreader import FilterReader
    from fail2ban.helpers import extractOptions
    from fail2ban.server import datedetector, failregex, ipdns, utils
    from fail2ban.server import filter as server_filter
    from fail2ban.server.filter import Filter
    from fail2ban.server.mytime import MyTime
    from fail2ban.version import version
except ImportError as error:
    print(json.dumps({"absent": str(error)}), flush=True)
    sys.exit(0)

import logging
import socket

logging.disable(logging.CRITICAL)
print(json.dumps({"version": version}), flush=True)
os.environ["TZ"] = "CET-01CEST-02,M3.5.0,M10.5.0"
time.tzset()


class Clock:
    """What fail2ban takes for the time of the machine: that of the orders."""

    now = 0

    @classmethod
    def time(cls):
        return cls.now


datedetector.time = Clock
# The addresses of a process are kept for five minutes of the true time, the connections of a
# filter for five of ours.
utils.time = Clock


class Name(str):
    """A name that would be looked up."""


ipdns.DNSUtils.dnsToIp = staticmethod(lambda name: [Name(name)])

LONE_COLON = "lone colon"
PREFIX_STAYS = "prefix stays"
PLAIN_TAGS = dict(failregex.RH4TAG), list(failregex.R_HOST)
NEWER = lambda text: text.replace("::?|::){1,7}", "::?|:){1,7}")


def set_tags(newer):
    tags, hosts = PLAIN_TAGS
    change = NEWER if newer else (lambda text: text)
    failregex.RH4TAG.update({name: change(text) for name, text in tags.items()})
    failregex.R_HOST[:] = [change(text) for text in hosts]


class Prefix(dict):
    """Groups of the prefregex: what a failregex did not set does not take them away."""

    def copy(self):
        return Merging(self)


class Merging(dict):
    def update(self, other):
        if isinstance(other, dict):
            other = {k: v for k, v in other.items() if v is not None or k not in self}
        dict.update(self, other)

    def copy(self):
        return dict(self)


class TooSlow(BaseException):
    pass


def too_slow(*_):
    raise TooSlow()


signal.signal(signal.SIGALRM, too_slow)


def commands(order):
    name, options = extractOptions(order["filter"])
    reader = FilterReader(name, "jail", options, basedir=order["folder"])
    reader.read()
    reader.getOptions({})
    texts = {"failregex": [], "ignoreregex": [], "prefregex": None, "datepattern": None,
             "maxlines": 1}
    for command in reader.convert():
        what, key, value = command[0], command[2], command[3]
        if key in ("addfailregex", "addignoreregex"):
            texts[key[3:]] += value if what == "multi-set" else [value]
        elif key in texts:
            texts[key] = value
    texts["maxlines"] = int(texts["maxlines"])
    return texts


def fresh(order):
    # What mktime remembers of the dates before is forgotten with a date of UTC.
    os.environ["TZ"] = "UTC0"
    time.tzset()
    time.mktime((2005, 1, 1, 0, 0, 0, 0, 1, -1))
    os.environ["TZ"] = "CET-01CEST-02,M3.5.0,M10.5.0"
    time.tzset()
    rules = order["rules"]
    set_tags(LONE_COLON in rules)
    filter_ = Filter(None, useDns=order["usedns"])
    filter_.returnRawHost = order["raw"]
    filter_.checkAllRegex = order["all"]
    filter_.checkFindTime = False
    try:
        texts = commands(order)
        if texts["datepattern"] is not None:
            filter_.setDatePattern(texts["datepattern"])
        filter_.setMaxLines(texts["maxlines"])
        if texts["prefregex"] is not None:
            filter_.prefRegex = texts["prefregex"]
        for text in texts["failregex"]:
            filter_.addFailRegex(text)
        for text in texts["ignoreregex"]:
            filter_.addIgnoreRegex(text)
        detector = filter_.dateDetector
        if not detector.templates:
            detector.addDefaultTemplate()
        # Templates are shared by all detectors of a process.
        for slot in detector.templates:
            slot.template.hits = 0
            slot.template._compileRegex()
    except Exception as error:
        return None, {"refused": str(error)}
    prefix = filter_.prefRegex
    if prefix is not None and PREFIX_STAYS in rules:
        groups = prefix.getGroups
        prefix.getGroups = lambda: Prefix(groups())
    return filter_, {"texts": texts}


def kind_of(who):
    if who is None:
        return None
    if isinstance(who, Name):
        return "name"
    if isinstance(who, ipdns.IPAddr) and who.family in (socket.AF_INET, socket.AF_INET6):
        return "net"
    return "text"


SPECIAL = ("matches", "nofail-matches", "mlfpending", "users", "ip")


def hit(found):
    regex, who, when, fail = found
    lines = fail.get("matches", [])
    groups = {k: v for k, v in fail.items() if k not in SPECIAL and v is not None}
    return {
        "regex": regex,
        "id": None if who is None else str(who),
        "kind": kind_of(who),
        "time": None if when is None else int(when),
        "groups": groups,
        "users": sorted(fail["users"]) if fail.get("users") else None,
        "ip": str(fail["ip"]) if "ip" in fail else None,
        "count": len(lines),
        "lines": ["".join(line) for line in lines[-50:]],
        "quiet": len(fail.get("nofail-matches", [])),
    }


def feed(filter_, order):
    if filter_ is None:
        return {"hits": []}
    line = order["line"]
    signal.setitimer(signal.ITIMER_REAL, 1.0)
    try:
        if order["journal"]:
            found = filter_.processLine(("", "", line), order["now"])
        else:
            found = filter_.processLine(line)
    except TooSlow:
        return {"slow": True}
    except Exception as error:
        return {"stumbles": "%s: %s" % (type(error).__name__, error)}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return {"hits": [hit(one) for one in found]}


state = None
for order in sys.stdin:
    order = json.loads(order)
    if "new" in order:
        state, answer = fresh(order["new"])
    else:
        MyTime.setTime(order["now"])
        Clock.now = order["now"]
        answer = feed(state, order)
    print(json.dumps(answer))
