"""A real Tryton server for tests and for `./dev run`: made from a seeded template, started, asked.

The template (a SQLite database filled by tryton_seed.py) is made once and kept under .dev/tryton/,
keyed by a hash of the seed and of the installed Tryton packages, so that later starts only copy it.
"""
# SPDX-License-Identifier: Apache-2.0
import base64
import contextlib
import datetime
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CACHE = Path(os.environ.get("FISHPLATE_DEV_DIR", ROOT / ".dev")) / "tryton"
PYTHON = "/usr/bin/python3"  # Debian's: the one that sees trytond and proteus
SEED = Path(__file__).resolve().with_name("tryton_seed.py")
DATABASE = "erp"
PASSWORD = "Adm1n-secret"
MODULES = ("purchase", "production", "account_asset", "purchase_request", "stock_lot",
           "stock_supply", "sale")
CONFIG = """[web]
listen = 127.0.0.1:{port}
[database]
uri = sqlite://
path = {path}
[session]
timeout = 600
"""


class TrytonError(Exception):
    """What Tryton answered instead of a result: `status` of HTTP, `error` as it stands in the body."""

    def __init__(self, status, error):
        super().__init__(f"HTTP {status}: {error}")
        self.status = status
        self.error = error


def free_port():
    """A port that nobody listens on now, below those that the kernel gives to outgoing connections:
    a server that is restarted on its port would find one of them there now and then."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    for _ in range(100):
        port = random.randrange(min(16384, first - 4096), first)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise OSError(f"no free port below {first}")


def decode(value):
    """Tryton's {"__class__": ...} values as Python's own."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("__class__")
    rest = {key: item for key, item in value.items() if key != "__class__"}
    if kind == "Decimal":
        return Decimal(value["decimal"])
    if kind == "date":
        return datetime.date(**rest)
    if kind == "datetime":
        return datetime.datetime(**rest)
    if kind == "timedelta":
        return datetime.timedelta(seconds=value["seconds"])
    if kind == "time":
        return datetime.time(**rest)
    if kind == "bytes":
        return base64.b64decode(value["base64"])
    return {key: decode(item) for key, item in value.items()}


class Tryton:
    """One Tryton in a directory of its own. `start()` makes what is missing and waits until it
    answers; `stop()` ends it. The file `tryton.log` in the directory is the server's log."""

    def __init__(self, directory, port=None, progress=None):
        self.directory = Path(directory).resolve()
        self.port = port or free_port()
        self.database = DATABASE
        self.user = "admin"
        self.password = PASSWORD
        self._progress = progress or (lambda text: None)
        self._process = None
        self._session = None
        self._number = 0

    # -- the server ---------------------------------------------------------------------------
    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self._process.pid if self._process else None

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def create(self):
        """Copies the seeded template (made first, where this machine has none) into place."""
        template = make_template(self._progress)
        target = self.directory / "db" / f"{DATABASE}.sqlite"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(template, target)
        self._session = None
        self.password = PASSWORD
        return self

    def start(self, deadline=30.0, wait=True):
        if not (self.directory / "db" / f"{DATABASE}.sqlite").exists():
            self.create()
        config = self.directory / "trytond.conf"
        config.write_text(CONFIG.format(port=self.port, path=self.directory / "db"))
        with open(self.directory / "tryton.log", "ab") as log:
            # Should this process be killed, the server ends too: nothing is left behind.
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--",
                 PYTHON, "/usr/bin/trytond", "-c", str(config), "-d", DATABASE],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        return self.wait_ready(deadline) if wait else self

    def wait_ready(self, deadline=30.0):
        end = time.monotonic() + deadline
        while True:
            if self._process.poll() is not None:
                raise RuntimeError(f"trytond ended with {self._process.returncode}: {self.log()}")
            try:
                self.call("/", "common.server.version", [], authorize=False)
                # The root answers before the database's modules are loaded; a login needs them.
                self.login()
                return self
            except (OSError, TrytonError) as error:
                if time.monotonic() > end:
                    log_text = self.log()
                    self.stop()
                    raise RuntimeError(f"trytond not ready: {error}: {log_text}") from error
            time.sleep(0.05)

    def stop(self, deadline=10.0):
        """SIGTERM, then a wait; SIGKILL only for one that hangs. Harmless when nothing runs."""
        process, self._process = self._process, None
        self._session = None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(deadline)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def pause(self):
        """Freezes the server: connections are accepted by the kernel, nothing answers."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def log(self):
        path = self.directory / "tryton.log"
        return path.read_text(errors="replace")[-4000:] if path.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        self.stop()

    # -- its own API --------------------------------------------------------------------------
    def call(self, path, method, params, authorize=True, timeout=60.0):
        """One JSON-RPC call as it is; the raw result, dates and decimals still in Tryton's form."""
        self._number += 1
        body = json.dumps({"id": self._number, "method": method, "params": params}).encode()
        request = urllib.request.Request(self.url + path, body,
                                         {"Content-Type": "application/json"})
        if authorize:
            if self._session is None:
                self.login()
            request.add_header("Authorization", "Session " + self._session)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                document = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise TrytonError(error.code, error.read(400).decode("utf-8", "replace")) from None
        if "error" in document:
            raise TrytonError(200, document["error"])
        return document["result"]

    def login(self, user=None, password=None):
        """A session of the administrator (or of who is named); returns the Authorization value."""
        name = user or self.user
        result = self.call(f"/{DATABASE}/", "common.db.login",
                           [name, {"password": password or self.password}], authorize=False)
        session = base64.b64encode(f"{name}:{result[0]}:{result[1]}".encode()).decode()
        if user is None:
            self._session = session
        return session

    def rpc(self, method, *params, context=None):
        """`method` as in "model.party.party.search_count"; the context is added as the last one."""
        return decode(self.call(f"/{DATABASE}/", method, [*params, context or {}]))

    def count(self, model, domain=()):
        return self.rpc(f"model.{model}.search_count", list(domain), context={"company": 1})

    def read(self, model, fields, domain=(), offset=0, limit=None, order=(("id", "ASC"),)):
        """Records as dictionaries, in the order of their ids unless told otherwise."""
        return self.rpc(f"model.{model}.search_read", list(domain), offset, limit,
                        [list(pair) for pair in order], list(fields), context={"company": 1})

    def create_record(self, model, **values):
        return self.rpc(f"model.{model}.create", [values], context={"company": 1})[0]

    def write(self, model, identifier, **values):
        self.rpc(f"model.{model}.write", [identifier], values, context={"company": 1})

    def change_password(self, password, login="admin"):
        """Tryton keeps running sessions alive after this; only the next login fails."""
        user = self.read("res.user", ["id"], [["login", "=", login]])[0]["id"]
        self.write("res.user", user, password=password)
        if login == self.user:
            self.password = password

    def create_limited_user(self, login="reader", password="Read3r-secret"):
        """A user without groups: parties can be read, purchases and stock are refused."""
        return self.create_record("res.user", name=login, login=login, password=password,
                                  companies=[["add", [1]]], company=1)

    def create_full_user(self, login, password):
        """A user who may do what the administrator may."""
        groups = self.read("res.user", ["groups"], [["login", "=", "admin"]])[0]["groups"]
        return self.create_record("res.user", name=login, login=login, password=password,
                                  groups=[["add", list(groups)]], companies=[["add", [1]]],
                                  company=1)

    def end_sessions(self):
        """Ends all sessions, as age ends them: whoever has one must log in again."""
        path = self.directory / "db" / f"{DATABASE}.sqlite"
        with contextlib.closing(sqlite3.connect(path, timeout=30.0)) as connection:
            with connection:
                connection.execute("DELETE FROM ir_session")
        self._session = None


# -- the template -----------------------------------------------------------------------------
def template_key():
    """Changes with the seed, with this file's module list and with Debian's Tryton packages."""
    packages = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Package} ${Version}\n", "tryton-server", "tryton-modules-*",
         "tryton-proteus"], check=False, capture_output=True, text=True).stdout
    text = SEED.read_bytes() + packages.encode() + repr((MODULES, PASSWORD)).encode()
    return hashlib.sha256(text).hexdigest()[:16]


def make_template(progress=lambda text: None):
    """The path of the seeded database; makes it where there is none. Safe to call at the same time
    from several processes: one makes it, the others wait."""
    path = CACHE / f"template-{template_key()}.sqlite"
    if path.exists():
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if path.exists():
            return path
        work = CACHE / f"making-{os.getpid()}"
        shutil.rmtree(work, ignore_errors=True)
        try:
            _fill(work, progress)
            for old in CACHE.glob("template-*.sqlite"):
                old.unlink()
            os.replace(work / f"{DATABASE}.sqlite", path)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return path


def _fill(work, progress):
    work.mkdir(parents=True)
    database = work / f"{DATABASE}.sqlite"
    database.touch()
    config = work / "trytond.conf"
    config.write_text(CONFIG.format(port=0, path=work))
    secret = work / "passfile"
    secret.write_text(PASSWORD + "\n")
    environment = {**os.environ, "TRYTONPASSFILE": str(secret), "LC_ALL": "C.UTF-8"}
    # Debian's file turns Tryton's own logging and directories on; nothing of it is wanted here.
    environment.pop("TRYTOND_CONFIG", None)
    admin = [PYTHON, "/usr/bin/trytond-admin", "-c", str(config), "-d", DATABASE]
    steps = (("creating the Tryton database (about 4 s)",
              [*admin, "--all", "--email", "admin@example.com"]),
             ("activating Tryton's modules (about 15 s)",
              [*admin, "-u", *MODULES, "--activate-dependencies"]),
             ("seeding company, vendors, products, orders, stock (about 30 s)",
              [PYTHON, str(SEED), "--config", str(config), "--database", DATABASE]))
    for text, command in steps:
        progress(text)
        done = subprocess.run(command, env=environment, cwd=work, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              check=False)
        if done.returncode:
            raise RuntimeError(f"{text} failed ({done.returncode}):\n{done.stdout[-6000:]}")
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


if __name__ == "__main__":
    print(make_template(lambda text: print("tryton: " + text, flush=True)))
