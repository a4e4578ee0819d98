"""Who is banned by fail2ban's own classes, for the same failures at the same times."""

import json
import logging
import sys

from fail2ban.server import observer as observers
from fail2ban.server.database import Fail2BanDb
from fail2ban.server.jail import Jail
from fail2ban.server.mytime import MyTime
from fail2ban.server.ticket import FailTicket


class Heard(logging.Handler):
    """Keeps what the server says."""

    def __init__(self):
        logging.Handler.__init__(self)
        self.said = []

    def emit(self, record):
        self.said.append(record.getMessage())


class Given:
    """An action that keeps what it is given."""

    _prolongable = False

    def __init__(self, said):
        self.said = said

    def ban(self, info):
        self.said.append("[x] Given %s, failures %s" % (info["fid"], info["failures"]))

    def unban(self, info):
        pass


class AtOnce(observers.ObserverThread):
    """The observer, without its thread."""

    def add(self, name, *args):
        getattr(self, name)(*args)

    def add_timer(self, *args):
        pass


def main():
    setup = json.loads(sys.stdin.readline())
    heard = Heard()
    logger = logging.getLogger("fail2ban")
    logger.addHandler(heard)
    logger.setLevel(logging.DEBUG)
    MyTime.setTime(setup["now"])
    database = Fail2BanDb(":memory:")
    jail = Jail("x", "polling", database)
    database.addJail(jail)
    jail.isAlive = lambda: True
    observers.Observers.Main = AtOnce()
    failures = jail.filter.failManager
    failures.setMaxRetry(setup["maxretry"])
    failures.setMaxTime(setup["findtime"])
    jail.actions._actions["given"] = Given(heard.said)
    jail.actions.setBanTime(setup["bantime"])
    for option, value in setup["extra"]:
        jail.setBanTimeExtra(option, value)
    for line in sys.stdin:
        now, time, address = json.loads(line)
        heard.said.clear()
        MyTime.setTime(now)
        failures.cleanup(now)
        jail.actions._Actions__checkUnBan(1000000)
        if address and time >= now - setup["findtime"]:
            ticket = FailTicket(address, min(time, now))
            attempts = failures.addFailure(ticket)
            if attempts >= failures.getMaxRetry():
                jail.filter.performBan(address)
            # The thread of the actions is as fast as it can be.
            jail.actions._Actions__checkBan()
            observers.Observers.Main.failureFound(jail, ticket)
            jail.actions._Actions__checkBan()
        wanted = ("Ban ", "Given ", "Unban ", "Increase Ban ", "already banned", ", bad - ", "expired bantime")
        said = [one for one in heard.said if one.startswith("[x]")]
        said = [one for one in said if any(word in one for word in wanted)]
        print(json.dumps(said), flush=True)


main()
