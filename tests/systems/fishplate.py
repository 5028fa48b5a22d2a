"""The server under test: a data directory of its own, free ports, start, stop, an HTTP client on raw
sockets that verifies the development certificate, and the commands of the CLI.

Nothing here is mocked: it runs the binary that FISHPLATE_BINARY names (the release build otherwise).
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import time
import urllib.parse
from pathlib import Path

from tests.systems.tryton import ROOT, free_port

BINARY = Path(os.environ.get("FISHPLATE_BINARY", ROOT / "build" / "release" / "fishplate"))
MAX_HEAD = 64 * 1024
# A sanitizer build is several times slower; deadlines grow with it.
SLOW = 4 if os.environ.get("FISHPLATE_KIND") == "asan" else 1


class Answer:
    """One HTTP answer: status, headers (list of pairs as they came), body (bytes, decoded from
    chunks, still compressed where it came so)."""

    def __init__(self, status, headers, body, version="HTTP/1.1"):
        self.status, self.headers, self.body, self.version = status, headers, body, version

    def header(self, name):
        """The value of the first header of that name, or None."""
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The error code of the catalogue in the body, or None."""
        try:
            return self.json.get("code")
        except (ValueError, AttributeError):
            return None

    @property
    def data(self):
        return self.json["data"]

    @property
    def request_id(self):
        return self.header("X-Request-Id")

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Closed(ConnectionError):
    """The server closed before an answer was complete."""


class Client:
    """One connection to the server. `send` takes raw bytes, `receive` reads one answer."""

    def __init__(self, address, context=None, hostname="localhost", timeout=30.0):
        if isinstance(address, str):
            raw = socket.socket(socket.AF_UNIX)
            raw.settimeout(timeout)
            raw.connect(address)
        else:
            raw = socket.create_connection(address, timeout)
        self.socket = context.wrap_socket(raw, server_hostname=hostname) if context else raw
        self.host = hostname
        self._rest = b""

    def send(self, data):
        self.socket.sendall(data)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed("closed by the server")
        self._rest += data

    def _line(self):
        while b"\r\n" not in self._rest:
            if len(self._rest) > MAX_HEAD:
                raise ValueError("endless header line")
            self._more()
        line, self._rest = self._rest.split(b"\r\n", 1)
        return line.decode("latin-1")

    def _exactly(self, count):
        while len(self._rest) < count:
            self._more()
        data, self._rest = self._rest[:count], self._rest[count:]
        return data

    def receive(self, head=False):
        """The next answer; 100 Continue is passed over. `head`: it answers a HEAD request."""
        while True:
            version, status, *_ = self._line().split(" ", 2)
            headers = []
            while line := self._line():
                name, _, value = line.partition(":")
                headers.append((name, value.strip()))
            answer = Answer(int(status), headers, b"", version)
            if answer.status != 100:
                break
        if head or answer.status in (204, 304):
            return answer
        if (answer.header("Transfer-Encoding") or "").lower() == "chunked":
            answer.body = self._chunks()
        elif answer.header("Content-Length") is not None:
            answer.body = self._exactly(int(answer.header("Content-Length")))
        else:
            with contextlib.suppress(Closed):
                while True:
                    self._more()
            answer.body, self._rest = self._rest, b""
        return answer

    def _chunks(self):
        body = b""
        while size := int(self._line().split(";")[0], 16):
            body += self._exactly(size)
            if self._line():
                raise ValueError("no line end after a chunk")
        while self._line():
            pass
        return body

    def request(self, method, path, token=None, body=None, headers=()):
        """Sends one request and reads its answer. `body`: bytes, or anything else as JSON."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}"]
        rows = list(headers.items()) if isinstance(headers, dict) else list(headers)
        if token is not None:
            rows.append(("Authorization", f"Bearer {token}"))
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            rows.append(("Content-Type", "application/json"))
        if body is not None:
            rows.append(("Content-Length", str(len(body))))
        lines += [f"{name}: {value}" for name, value in rows]
        self.send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b""))
        return self.receive(head=method == "HEAD")

    def get(self, path, token=None, **options):
        return self.request("GET", path, token, **options)

    def closed_by_server(self, timeout=10.0):
        """True when the server ends the connection within that time without sending more."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(1) == b""
        except (ConnectionError, ssl.SSLError):
            return True
        except TimeoutError:
            return False

    def close(self):
        with contextlib.suppress(OSError):
            self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()


class CommandError(Exception):
    """A command of the CLI that failed: its exit code and what it wrote."""

    def __init__(self, arguments, done):
        super().__init__(f"fishplate {' '.join(map(str, arguments))}: exit {done.returncode}\n"
                         f"{done.stdout}{done.stderr}")
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr


class Fishplate:
    """One server. `settings` overrides keys of fishplate.yaml ("api.body_limit": 4096), handed over
    as FISHPLATE_* variables; the ports are always chosen here."""

    def __init__(self, directory, binary=None, settings=None, environment=None, passphrase=None):
        self.directory = Path(directory).resolve()
        self.binary = Path(binary or BINARY)
        self.config = self.directory / "fishplate.yaml"
        # The real systems of the tests are on loopback, which an operator has to allow.
        self.settings = {"egress.networks": "127.0.0.0/8", **(settings or {})}
        self.console_port = None
        self.settings.setdefault("console.listen", "")  # the dashboard's tests ask for it
        self.use_ports(free_port(), free_port())
        self.prefix = []  # words before the command: taskset and its like
        self.invitation = None
        self.passphrase = passphrase  # of the master key; None: the key is in a file, as it is
        self._environment = environment or {}
        self._process = None

    def use_ports(self, port, metrics_port):
        """Before start: where the API and the metrics listen."""
        self.port, self.metrics_port = port, metrics_port
        self.settings["api.listen"] = f"127.0.0.1:{port}"
        self.settings["metrics.listen"] = f"127.0.0.1:{metrics_port}"

    def use_console(self, port=None):
        """Before init: the dashboard, on a port of its own. `invitation` is then the first owner's link."""
        self.console_port = port or free_port()
        self.settings["console.listen"] = f"127.0.0.1:{self.console_port}"
        return self

    @property
    def console_url(self):
        return f"https://localhost:{self.console_port}"

    # -- life ---------------------------------------------------------------------------------
    @property
    def environment(self):
        extra = {"FISHPLATE_" + key.upper().replace(".", "__"): str(value)
                 for key, value in self.settings.items()}
        kept = {key: value for key, value in os.environ.items()
                if not key.startswith("FISHPLATE_")}
        return {**kept, **extra, **self._environment}

    def init(self):
        if not self.config.exists():
            source = ["--key-source", "passphrase"] if self.passphrase else []
            done = self.run("init", "--dir", str(self.directory), *source, "--json", config=False,
                            text=self.passphrase)
            self.invitation = json.loads(done.stdout)["dashboard"]
        return self

    def start(self, deadline=20.0, wait=True):
        self.init()
        log = open(self.directory / "server.log", "ab")
        with log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", "--", *self.prefix,
                 str(self.binary), "serve", "--config", str(self.config)], env=self.environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        if wait and self.passphrase:
            self.wait_sealed(deadline * SLOW)
            self.unseal()
        if wait:
            self.wait_ready(deadline * SLOW)
        return self

    def unseal(self, passphrase=None, check=True):
        """fishplate unseal with the passphrase on standard input."""
        return self.run("unseal", text=passphrase or self.passphrase, check=check)

    def wait_sealed(self, deadline=20.0):
        """Until the gateway says that the vault waits for its passphrase."""
        return self.wait_ready(deadline, wanted=lambda answer: answer.json["status"] == "sealed")

    def wait_ready(self, deadline=20.0, wanted=lambda answer: answer.status == 200):
        end = time.monotonic() + deadline
        error = None
        while time.monotonic() < end:
            if self._process.poll() is not None:
                raise RuntimeError(f"fishplate ended with {self._process.returncode}:\n"
                                   f"{self.log_text()[-6000:]}")
            try:
                if wanted(self.probe("/readyz")):
                    return self
            except (OSError, ValueError) as problem:
                error = problem
            time.sleep(0.02)
        text = self.log_text()[-6000:]
        self.stop()
        raise RuntimeError(f"not ready within {deadline} s ({error}):\n{text}")

    def stop(self, deadline=20.0):
        """SIGTERM and a wait; returns the exit code. Harmless when nothing runs."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(deadline * SLOW)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise RuntimeError(f"did not stop within {deadline} s:\n"
                                   f"{self.log_text()[-4000:]}") from None
        return process.returncode

    def restart(self):
        self.stop()
        return self.start()

    def signal(self, number):
        self._process.send_signal(number)

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self):
        return self._process.pid

    def __enter__(self):
        return self.start()

    def __exit__(self, *_exception):
        self.stop()

    def rooms(self):
        """{name: pid} of the supervisor and its rooms, as /proc shows them."""
        found = {"supervisor": self.pid}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                stat = (entry / "stat").read_text()
                parent = int(stat.rsplit(")", 1)[1].split()[1])
                if parent == self.pid:
                    name = stat.split("(", 1)[1].rsplit(")", 1)[0]
                    found[name] = int(entry.name)
            except (OSError, ValueError, IndexError):
                continue
        return found

    # -- what it says -------------------------------------------------------------------------
    def log_text(self):
        path = self.directory / "server.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def log_lines(self):
        """The JSON lines of the log; other text (a sanitizer's) is left out."""
        lines = []
        for line in self.log_text().splitlines():
            if line.startswith("{"):
                lines.append(json.loads(line))
        return lines

    def wait_log(self, wanted, deadline=10.0):
        """Waits for a log line for which wanted(line) is true; returns it."""
        end = time.monotonic() + deadline * SLOW
        while True:
            for line in self.log_lines():
                if wanted(line):
                    return line
            if time.monotonic() > end:
                raise AssertionError(f"no such log line:\n{self.log_text()[-4000:]}")
            time.sleep(0.02)

    def probe(self, path):
        """A request to the listener of health and metrics."""
        with Client(("127.0.0.1", self.metrics_port), timeout=5.0 * SLOW) as client:
            return client.get(path)

    # -- HTTP ---------------------------------------------------------------------------------
    @property
    def url(self):
        return f"https://localhost:{self.port}"

    @property
    def certificate(self):
        """The development certificate that `init` made, as fishplate.yaml names it."""
        match = re.search(r"^\s*certificate:\s*[\"']?([^\s\"'#]+)", self.config.read_text(), re.M)
        if match is None:
            raise RuntimeError(f"no certificate in {self.config}")
        return self.directory / match.group(1)

    def tls(self, minimum=None, maximum=None):
        context = ssl.create_default_context(cafile=str(self.certificate))
        if minimum:
            context.minimum_version = minimum
        if maximum:
            context.maximum_version = maximum
        return context

    def client(self, timeout=30.0, context=None):
        """A connection that stays open; use it in a `with`."""
        return Client(("127.0.0.1", self.port), context or self.tls(), timeout=timeout * SLOW)

    def request(self, method, path, token=None, body=None, headers=(), timeout=30.0):
        """One request on a connection of its own."""
        with self.client(timeout) as client:
            return client.request(method, path, token, body, headers)

    def get(self, path, token=None, **options):
        return self.request("GET", path, token, **options)

    def post(self, path, token=None, body=None, **options):
        return self.request("POST", path, token, body, **options)

    def delete(self, path, token=None, **options):
        return self.request("DELETE", path, token, **options)

    def all_pages(self, path, token, per_page=100):
        """Every record of a list, page after page, as clients do: until meta.last_page."""
        records, page = [], 1
        with self.client(120.0) as client:
            while True:
                mark = "&" if "?" in path else "?"
                answer = client.get(f"{path}{mark}page={page}&per_page={per_page}", token)
                if answer.status != 200:
                    raise AssertionError(f"{path} page {page}: {answer}")
                records += answer.data
                if page >= answer.json["meta"]["last_page"]:
                    return records
                page += 1

    # -- the commands -------------------------------------------------------------------------
    def run(self, *arguments, text=None, config=True, check=True):
        """A command of the CLI: what subprocess.run gives. `text` goes to its standard input."""
        command = [str(self.binary), *map(str, arguments)]
        if config:
            command += ["--config", str(self.config)]
        done = subprocess.run(command, env=self.environment, input=text or "", text=True,
                              capture_output=True, timeout=60 * SLOW, check=False)
        if check and done.returncode:
            raise CommandError(arguments, done)
        return done

    def command(self, *arguments, text=None):
        """A command with --json: its parsed answer."""
        return json.loads(self.run(*arguments, "--json", text=text).stdout)

    def create_app(self, name="Tests", environment="test", networks=None):
        """{"client_id", "client_secret", ...} of a new application."""
        extra = ["--networks", networks] if networks else []
        return self.command("app", "create", "--name", name, "--environment", environment, *extra)

    def issue_token(self, owner, expires_in=None, scopes=None):
        """{"id", "token", ...} of a further token of a connection or application."""
        extra = ["--expires-in", expires_in] if expires_in else []
        extra += ["--scopes", scopes] if scopes else []
        return self.command("token", "issue", owner, *extra)

    def tokens(self, owner):
        """The tokens of a connection or application, newest first; never their text."""
        return self.command("token", "list", owner)

    def revoke_token(self, identifier):
        return self.command("token", "revoke", identifier, "--yes")

    def app_token(self, app, form=True):
        """The application's own token, by client_credentials as a form or as JSON."""
        fields = {"grant_type": "client_credentials", "client_id": app["client_id"],
                  "client_secret": app["client_secret"]}
        if form:
            answer = self.post("/link/token", body=urllib.parse.urlencode(fields).encode(), headers={
                "Content-Type": "application/x-www-form-urlencoded"})
        else:
            answer = self.post("/link/token", body=fields)
        if answer.status != 200:
            raise AssertionError(f"/link/token: {answer}")
        return answer.json["access_token"]

    def connect(self, token, credentials, name="Plant", provider="tryton",
                email="plant@example.com"):
        """POST /api/system/connections with the application's token: the answer as it is."""
        return self.post("/api/system/connections", token, {
            "name": name, "email": email, "provider": provider, "credentials": credentials},
            timeout=60.0)
