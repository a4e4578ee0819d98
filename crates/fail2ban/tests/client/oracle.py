# Runs the installed fail2ban-server with the configuration of a folder, and the installed
# fail2ban-client for each line of JSON words that comes in: exit code, output, errors go out.
# Each command runs in a child of its own; the program is imported once, to be quick.
import json
import os
import sys
import time

folder = sys.argv[1]
try:
    from fail2ban.client.fail2banclient import exec_command_line as client
    from fail2ban.client.fail2banserver import exec_command_line as server
    from fail2ban.client import fail2banclient
    # One of the jails reads the journal; without this the server ends.
    import systemd.journal
except Exception as error:
    print(json.dumps({"absent": repr(error)}), flush=True)
    sys.exit(0)

COMMON = ["-c", folder, "-s", folder + "/f2b.sock", "-p", folder + "/f2b.pid"]


def run(program, name, args):
    """Exit code, output and errors of a program in a child."""
    ends = [os.pipe(), os.pipe()]
    child = os.fork()
    if child == 0:
        os.dup2(os.open("/dev/null", os.O_RDONLY), 0)
        os.dup2(ends[0][1], 1)
        os.dup2(ends[1][1], 2)
        os.closerange(3, 64)
        sys.argv = [name] + COMMON + args
        try:
            program(sys.argv)
        except SystemExit as end:
            sys.stdout.flush()
            os._exit(end.code or 0)
        os._exit(99)
    texts = []
    for read, write in ends:
        os.close(write)
        with os.fdopen(read, encoding="utf-8", errors="replace") as text:
            texts.append(text.read())
    _, status = os.waitpid(child, 0)
    return {"code": os.waitstatus_to_exitcode(status), "out": texts[0], "err": texts[1]}


def serve():
    child = os.fork()
    if child == 0:
        null = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(null, number)
        sys.argv = ["fail2ban-server"] + COMMON + ["-xf", "start"]
        server(sys.argv)
        os._exit(0)
    return child


running = serve()
for _ in range(100):
    if run(client, "fail2ban-client", ["ping"])["code"] == 0:
        break
    time.sleep(0.1)
# The jails start after the socket is there.
for _ in range(100):
    if sys.argv[2] in run(client, "fail2ban-client", ["status"])["out"]:
        break
    time.sleep(0.1)
time.sleep(0.5)
print(json.dumps({"here": True}), flush=True)
for line in sys.stdin:
    words = json.loads(line)
    if words[:1] == ["test sleep"]:
        time.sleep(float(words[1]))
        answer = {"code": 0, "out": "", "err": ""}
    else:
        answer = run(client, "fail2ban-client", words)
    print(json.dumps(answer), flush=True)
run(client, "fail2ban-client", ["stop"])
os.waitpid(running, 0)
