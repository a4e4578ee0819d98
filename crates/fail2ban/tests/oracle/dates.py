"""The installed fail2ban's own date search, over JSON lines: one answer for each line.

A line is either {"new": {"pattern": text or null, "zone": text, "log_zone": text or null}}, which
begins a fresh detector, or {"line": text, "now": seconds}.
"""
import json
import os
import sys
import time

sys.path.insert(0, "/usr/lib/python3/dist-packages")
try:
    from fail2ban.server import datedetector
    from fail2ban.server.mytime import MyTime
    from fail2ban.server.filter import Filter
    from fail2ban.version import version
except ImportError as error:
    print(json.dumps({"absent": str(error)}), flush=True)
    sys.exit(0)

import logging

logging.disable(logging.CRITICAL)
print(json.dumps({"version": version}), flush=True)


class Clock:
    """What the detector takes for the time of the machine: that of the orders."""

    now = 0

    @classmethod
    def time(cls):
        return cls.now


datedetector.time = Clock


def fresh(order):
    # What mktime remembers of the dates before is forgotten with a date of UTC.
    os.environ["TZ"] = "UTC0"
    time.tzset()
    time.mktime((2005, 1, 1, 0, 0, 0, 0, 1, -1))
    os.environ["TZ"] = order["zone"]
    time.tzset()
    filter_ = Filter(None)
    try:
        if order["log_zone"]:
            filter_.setLogTimeZone(order["log_zone"])
        if order["pattern"] is not None:
            filter_.setDatePattern(order["pattern"])
    except Exception as error:
        return None, {"error": str(error)}
    detector = filter_.dateDetector
    if not detector.templates:
        detector.addDefaultTemplate()
    # Templates are shared by all detectors of a process; these begin as in a process of their own.
    for slot in detector.templates:
        slot.template.hits = 0
    try:
        for slot in detector.templates:
            slot.template._compileRegex()
    except Exception as error:
        return None, {"error": str(error)}
    names = [slot.template.name for slot in detector.templates]
    return (detector, {name: place for place, name in enumerate(names)}), {"names": names}


def search(state, line):
    if state is None:
        return {}
    detector, places = state
    try:
        match, template = detector.matchTime(line)
    except Exception as error:
        return {"stumbles": type(error).__name__}
    if not match:
        return {}
    try:
        cut = match.span(1)
    except IndexError:
        return {"stumbles": "no group"}
    if cut[0] < 0:
        # line[-1:-1] is empty and before the last character.
        cut = (max(len(line) - 1, 0),) * 2
    answer = {"cut": cut, "full": match.span(), "template": places[template.name]}
    text = line[cut[0]:cut[1]]
    if text:
        try:
            date = detector.getTime(text, (match, template))
            if date is not None and date[0] is not None:
                answer["epoch"] = int(date[0])
        except Exception as error:
            answer["stumbles"] = type(error).__name__
    return answer


state = None
for order in sys.stdin:
    order = json.loads(order)
    if "new" in order:
        state, answer = fresh(order["new"])
    else:
        MyTime.setTime(order["now"])
        Clock.now = order["now"]
        answer = search(state, order["line"])
    print(json.dumps(answer))
