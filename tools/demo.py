"""`./dev run`: a real Tryton ERP with data, Fishplate in front of it, one connection, ready curl lines.

Without --check it stays until Ctrl-C and then stops everything. With --check it makes the same
calls itself, compares them with what Tryton says through its own RPC, and ends with
`N passed, N failed`.
"""
# SPDX-License-Identifier: Apache-2.0
import argparse
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import demo_check  # noqa: E402
from tests.systems.fishplate import Fishplate  # noqa: E402
from tests.systems.tryton import Tryton, free_port  # noqa: E402

BINARY = ROOT / "build" / "release" / "fishplate"


class Stop(Exception):
    """Ctrl-C, or a polite signal."""


def interrupt(_number, _frame):
    raise Stop


def port_or_free(port):
    """The wanted port where nobody has it, else a free one."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            return port
        except OSError:
            return free_port()


class Demo:
    """Both servers and the connection between them, in one directory."""

    def __init__(self, directory, fixed_ports):
        self.began = time.monotonic()
        shutil.rmtree(directory, ignore_errors=True)
        Path(directory).mkdir(parents=True)
        pick = port_or_free if fixed_ports else lambda _port: free_port()
        self.tryton = Tryton(Path(directory) / "tryton", pick(8000), self.say)
        self.fishplate = Fishplate(Path(directory) / "fishplate", BINARY)
        self.fishplate.use_ports(pick(8443), pick(9464))
        self.fishplate.use_console(pick(8444))
        self.app = self.app_token = self.connection = self.link = None

    def say(self, text):
        print(f"[{time.monotonic() - self.began:5.1f} s] {text}", flush=True)

    def start(self):
        self.say("creating Fishplate's data directory, copying the Tryton database")
        self.fishplate.init()
        self.tryton.create()
        self.say("starting Tryton and Fishplate")
        self.tryton.start(wait=False)
        self.fishplate.start(wait=False)
        self.fishplate.wait_ready()
        self.tryton.wait_ready()
        self.say("registering an application")
        self.app = self.fishplate.create_app("Demo", "test")
        self.app_token = self.fishplate.app_token(self.app)
        self.say("connecting the Tryton: Fishplate verifies the credential against it first")
        answer = self.fishplate.connect(self.app_token, {
            "url": self.tryton.url, "database": self.tryton.database,
            "username": self.tryton.user, "password": self.tryton.password})
        if answer.status != 200:
            raise SystemExit(f"dev: the connection was refused: {answer}")
        self.connection = demo_check.connection_of(answer)
        self.link = self.fishplate.command(
            "connection", "link", "--app", self.app["client_id"], "--name", "By hand", "--email",
            "by.hand@example.com")["url"]
        self.say("ready")

    def stop(self):
        self.fishplate.stop()
        self.tryton.stop()


def curl_lines(demo):
    """What a newcomer pastes: each line works as it stands."""
    server, tryton = demo.fishplate, demo.tryton
    certificate = os.path.relpath(server.certificate, ROOT)
    get = f"curl --cacert {certificate} -H \"Authorization: Bearer $TOKEN\" '{server.url}"
    first = server.get("/api/erp/purchase-orders?per_page=1", demo.connection["token"])
    key = first.data[0]["key"] if first.status == 200 and first.data else "KEY"
    send = (f"curl --cacert {certificate} -H \"Authorization: Bearer $TOKEN\" "
            "-H 'Content-Type: application/json'")
    vendors = server.get("/api/erp/vendors?per_page=1", demo.connection["token"])
    vendor = vendors.data[0]["key"] if vendors.status == 200 and vendors.data else "KEY"
    change = json.dumps({"id": 1, "method": "model.res.user.write",
                         "params": [[1], {"password": "Changed-secret1"}, {}]})
    return f"""
Fishplate {server.url}    Tryton {tryton.url} (database {tryton.database}, user {tryton.user})
metrics   http://127.0.0.1:{server.metrics_port}/metrics    log {os.path.relpath(
    server.directory / 'server.log', ROOT)}

The application: client_id {demo.app['client_id']}
                 client_secret {demo.app['client_secret']}
The connection's token, shown once:

  export TOKEN={demo.connection['token']}

The purchase orders, the vendors, one record:

  {get}/api/erp/purchase-orders?per_page=3'
  {get}/api/erp/vendors?per_page=3'
  {get}/api/erp/purchase-orders/{key}'

A new vendor, and a change of one: both go through to Tryton, and what it has afterwards comes back:

  {send} -X POST -d '{{"name": "Kugellager Neu GmbH"}}' '{server.url}/api/erp/vendors'
  {send} -X PUT -d '{{"name": "Kugellager Neu & Sohn"}}' '{server.url}/api/erp/vendors/{vendor}'

Connect the Tryton by hand, as a customer does, in a browser (its warning is about the development
certificate). Address {tryton.url}, database {tryton.database}, user {tryton.user}, password {tryton.password}:

  {demo.link}

The dashboard, for its first owner (the link works once; you choose a password with it):

  {server.invitation}

A wrong token, and what the answer says about it:

  curl -i --cacert {certificate} -H 'Authorization: Bearer wrong' '{server.url}/api/erp/vendors'

Change the password in Tryton; the next login there fails, and the token dies with that reason:

  curl -u {tryton.user}:{tryton.password} -H 'Content-Type: application/json' \\
    -d '{change}' {tryton.url}/{tryton.database}/
  {get}/api/erp/vendors?per_page=3'

Ctrl-C stops both servers.
"""


def stay(demo):
    """Until Ctrl-C, or until one of the servers ends by itself."""
    while True:
        time.sleep(0.5)
        if not demo.fishplate.running:
            raise SystemExit(f"dev: Fishplate ended:\n{demo.fishplate.log_text()[-3000:]}")
        if not demo.tryton.running:
            raise SystemExit(f"dev: Tryton ended:\n{demo.tryton.log()}")


def main():
    parser = argparse.ArgumentParser(prog="./dev run", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true",
                        help="make the calls, compare with Tryton, print the count, end")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    directory = tempfile.mkdtemp(prefix="fishplate-check-") if options.check \
        else Path(os.environ.get("FISHPLATE_RUN_DIR", ROOT / ".dev" / "run"))
    demo = Demo(directory, fixed_ports=not options.check)
    try:
        demo.start()
        if options.check:
            return demo_check.run(demo)
        print(curl_lines(demo), flush=True)
        stay(demo)
    except Stop:
        print("\nstopping", flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        demo.stop()
        if options.check:
            shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
