# Drives the installed fail2ban's CommandAction: one JSON line in, one out. Nothing is executed:
# what would be is recorded, and fails where the question says so.
import json
import logging
import sys

try:
    from fail2ban.server import action as f2b_action
    from fail2ban.server.action import CommandAction
    from fail2ban.server.actions import Actions
    from fail2ban.server.ipdns import DNSUtils, IPAddr
    from fail2ban.server.mytime import MyTime
    from fail2ban.server.ticket import BanTicket
except Exception as error:
    print(json.dumps({"absent": repr(error)}), flush=True)
    sys.exit(0)

logging.disable(logging.CRITICAL)
print(json.dumps({"here": True}), flush=True)
f2b_action.allowed_ipv6 = lambda: True
NAMES = {}
DNSUtils.getHostname = staticmethod(lambda fqdn=True: NAMES["full" if fqdn else "short"])
DNSUtils.ipToName = staticmethod(lambda ip: NAMES.get("host"))


class Bans:
    """Stands where the database of bans would."""

    def getBansMerged(self, ip=None, jail=None):
        return self.merged["jail" if jail is not None else "all"]


class Jail:
    """What actions see of their jail."""


def ticket_of(said):
    name = said["ip"] if said.get("ip") is not None else said["id"]
    ticket = BanTicket(said["id"], said["time"], list(said["matches"]))
    data = dict(said["captures"])
    if said.get("ip") is not None:
        data["ip"] = IPAddr(name)
    data["matches"] = list(said["matches"])
    data["failures"] = said["failures"]
    ticket.setData(data)
    ticket.setBanTime(said["bantime"])
    ticket.setBanCount(said["bancount"], always=True)
    ticket.restored = said["restored"]
    return ticket


def merged_of(said):
    if said is None:
        return None
    ticket = BanTicket("192.0.2.9", 1, list(said["matches"]))
    ticket.setAttempt(said["failures"])
    return ticket


def run(question):
    NAMES.clear()
    NAMES.update(question["hostnames"])
    MyTime.setTime(question["now"])
    jail = Jail()
    jail.name = question["jail"]
    jail.actions = actions = Actions(jail)
    actions.setBanTime(question["bantime"])
    counters = question["counters"]
    actions.banManager.size = lambda: counters["banned"]
    actions.banManager.getBanTotal = lambda: counters["banned_total"]

    class Found:
        def size(self):
            return counters["found"]

        def getFailTotal(self):
            return counters["found_total"]

    jail.filter = Jail()
    jail.filter.failManager = Found()
    jail.database = bans = Bans()
    bans.merged = {"all": None, "jail": None}
    recorded = []
    fails = list(question["fails"])

    def record(command, timeout=60, **_):
        # A command that is empty is not run.
        if not command:
            return True
        recorded.append(command if isinstance(command, list) else [command])
        return not (fails.pop(0) if fails else False)

    for one in question["actions"]:
        actions.add(one["name"])
        made = actions[one["name"]]
        for key, value in one["pairs"]:
            setattr(made, key, value)
        made.executeCmd = record
    answers = []
    for step in question["steps"]:
        del recorded[:]
        failed = []
        said = step.get("ticket")
        ticket = ticket_of(said) if said else None
        if said:
            NAMES["host"] = said["host"]
            bans.merged = {"all": merged_of(said["of_ip"]), "jail": merged_of(said["of_jail"])}
        info = actions._getActionInfo(ticket)
        # The counters are kept from the first time on.
        if hasattr(actions, "actionInfo"):
            delattr(actions, "actionInfo")
        order = list(actions._actions.items())
        job = step["job"]
        if job == "Stop":
            order.reverse()
        singly = []
        for name, action in order:
            try:
                if job in ("Ban", "Prolong") and ticket.restored and getattr(action, "norestored", False):
                    continue
                if job == "Ban":
                    action.ban(info)
                elif job == "Unban":
                    action.unban(info)
                elif job == "Reban":
                    action.reban(info)
                elif job == "Prolong":
                    if action._prolongable:
                        action.prolong(info)
                elif job == "Start":
                    action.start()
                elif job == "Stop":
                    action.stop()
                elif job == "Reload":
                    action.reload()
                elif job == "Check":
                    action.consistencyCheck()
                elif job == "Flush":
                    if action.actionflush:
                        try:
                            action.flush()
                        except Exception:
                            failed.append(name)
                            keep = lambda: not (
                                step["stopping"] and not getattr(action, "actionrepair_on_unban", None)
                            )
                            action.consistencyCheck(keep)
                    else:
                        singly.append(name)
            except Exception as error:
                if name not in failed:
                    failed.append(name)
                if job == "Reban":
                    break
        answers.append(
            {"commands": [c[:] for c in recorded], "failed": failed, "singly": singly,
             "epoch": actions.banEpoch}
        )
    return answers


for line in sys.stdin:
    print(json.dumps(run(json.loads(line))), flush=True)
