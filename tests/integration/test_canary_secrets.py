"""S7 S17 S18, threats 2 and 12: a canary in every secret, and after a whole run, errors
included, it is in no file, no log line, no answer, no environment, no command line, and no
memory where it must not be."""
# SPDX-License-Identifier: Apache-2.0
import hashlib
import os
import urllib.parse
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.api.memory import Needles
from tests.api.tokens import never_issued
from tests.api.world import connect, credentials_of, new_app, new_login, new_password
from tests.systems.faulty import FaultySource
from tests.systems.fishplate import Fishplate

DATA = "/api/erp/vendors"
ASAN = os.environ.get("FISHPLATE_KIND") == "asan"


class Run:
    """The whole run: what was said to the server, and all that it answered."""

    def __init__(self, server, tryton, faulty):
        self.server, self.tryton, self.faulty = server, tryton, faulty
        self.answers = []
        self.canaries = {name: new_password() for name in (
            "password", "wrong password", "password to a hostile source", "password of no source")}
        self.canaries["passphrase of the master key"] = server.passphrase
        self.tokens, self.secrets = {}, {}

    def note(self, name, answer):
        self.answers.append((name, answer))
        return answer

    def everything(self):
        login = new_login()
        self.tryton.create_full_user(login, self.canaries["password"])
        self.app = new_app(self.server, "Canaries")
        self.secrets = {"client secret": self.app.secret}
        self.own = connect(self.server, self.app.token, self.tryton, username=login,
                           password=self.canaries["password"])
        issued = self.server.post(f"/api/system/connections/{self.own.id}/token", self.app.token)
        self.tokens = {"application token": self.app.token, "connection token": self.own.token,
                       "second token": issued.data["token"]}
        self.good_calls()
        self.wrong_credentials()
        self.misplaced_tokens()
        self.misplaced_secrets()
        return self

    def good_calls(self):
        for path in (DATA, "/api/erp/purchase-orders?per_page=100", "/api/wms/locations",
                     "/api/erp/vendors/nothing", "/api/erp/vendors?page=0"):
            self.note(path, self.server.get(path, self.own.token))
        for path in ("/api/system/connections", "/api/system/client", "/api/system/platforms",
                     f"/api/system/connections/{self.own.id}/metadata"):
            self.note(path, self.server.get(path, self.app.token))
        self.note("list", SimpleNamespace(body=self.server.run(
            "connection", "show", self.own.id, "--json").stdout.encode(), headers=[]))

    def wrong_credentials(self):
        login = new_login()
        self.tryton.create_limited_user(login, new_password())
        for name, change in (
                ("wrong password", {"username": login}),
                ("password of no source", {"url": "http://127.0.0.1:9"}),
                ("password of no source", {"url": "http://169.254.169.254"}),
                ("password of no source", {"url": "not an address"}),
                ("password of no source", {"surplus": self.canaries["password of no source"]}),
                ("password of no source", {"username": ""})):
            credentials = credentials_of(self.tryton, password=self.canaries[name], **change)
            answer = self.note(name, self.server.connect(self.app.token, credentials))
            assert answer.status >= 400, (name, change, answer)
        for behaviour in ("echo_secret", "html", "wrong_json", "redirect", "error_500"):
            self.faulty.behave(behaviour)
            answer = self.note(behaviour, self.server.connect(self.app.token, credentials_of(
                self.tryton, url=self.faulty.url,
                password=self.canaries["password to a hostile source"])))
            assert answer.status >= 400, (behaviour, answer)

    def misplaced_tokens(self):
        token = self.own.token
        for path in (f"{DATA}?access_token={token}", f"{DATA}?filter[name]={token}",
                     f"{DATA}/{token}", f"/{token}", f"/api/erp/{token}"):
            self.note(path, self.server.get(path))
            self.note(path, self.server.get(path, token))
        for value in (token, f"Basic {token}", f"Bearer  {token}x", f"Bearer {token}x"):
            self.note(value, self.server.get(DATA, headers={"Authorization": value}))
        for name in ("X-Api-Key", "Cookie", "Referer", "User-Agent", "Origin", "X-Request-Id"):
            self.note(name, self.server.get(DATA, token, headers={name: token}))
        self.note("body", self.server.post("/api/system/connections", self.app.token,
                                           {"name": token, "email": "x", "provider": token}))

    def misplaced_secrets(self):
        fields = {"grant_type": "client_credentials", "client_id": self.app.id,
                  "client_secret": self.app.secret}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        query = urllib.parse.urlencode(fields)
        for path, body, headers in (
                (f"/link/token?{query}", b"", form), ("/link/token", b"{" + query.encode(), form),
                ("/link/token", query.encode(), {"Content-Type": "application/json"}),
                ("/link/token", (query + "&client_secret=x").encode(), form),
                ("/link/token", query.replace("client_credentials", "password").encode(), form)):
            self.note(path, self.server.post(path, body=body, headers=headers))
        self.note("bearer", self.server.get("/api/system/client", self.app.secret))


@pytest.fixture(scope="module")
def run(tmp_path_factory, tryton):
    with Fishplate(tmp_path_factory.mktemp("canary"), settings={"log.level": "debug"},
                   passphrase=new_password()) as server:
        with FaultySource(tmp_path_factory.mktemp("hostile")) as faulty:
            yield Run(server, tryton, faulty).everything()


@pytest.fixture(scope="module")
def credentials(run):
    return Needles(run.canaries)


@pytest.fixture(scope="module")
def everything(run):
    """Credentials, tokens, client secrets."""
    return Needles({**run.canaries, **run.tokens, **run.secrets})


def test_the_search_itself_finds_what_is_there(tmp_path):
    """A search that finds nothing proves nothing unless it finds."""
    text = new_password()
    needles = Needles({"planted": text})
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\0" * 70000 + text.encode() + b"\0" * 10)
    assert needles.in_folder(tmp_path) == [(str(tmp_path / "deep" / "file"), "planted, as it is")]
    import base64
    for shift in range(3):
        coded = base64.b64encode(b"x" * shift + text.encode() + b"yz")
        assert needles.within(coded), shift
    assert needles.within(text.encode().hex().encode())
    if os.geteuid() == 0:
        assert any(name == "planted, as it is" for _, name in needles.in_memory(os.getpid()))


def test_no_file_below_the_data_directory(run, everything):
    """Store, WAL, audit log, configuration, the server's log, all of it, while the server runs."""
    paths = {path.name for path in Path(run.server.directory).rglob("*")}
    assert any(name.endswith("-wal") for name in paths), paths
    assert everything.in_folder(run.server.directory) == []


def test_no_answer_repeats_a_secret(run, everything):
    """The one that issues a token is not among them."""
    for name, answer in run.answers:
        head = "".join(f"{key}: {value}\n" for key, value in answer.headers).encode()
        found = everything.within(answer.body + head)
        allowed = name.startswith(DATA + "?filter[name]=")  # links repeat the caller's own query
        assert not found or allowed, (name, found, answer)


def test_log_has_a_line_for_each_answer_and_no_secret(run, everything):
    text = run.server.log_text().encode()
    assert everything.within(text) == []
    logged = {line.get("request_id") for line in run.server.log_lines()}
    for name, answer in run.answers:
        if hasattr(answer, "request_id"):
            assert answer.request_id in logged, (name, answer)


def test_token_is_kept_as_its_hash_alone(run):
    """S7: SHA-256 of the token, nowhere the token."""
    data = b"".join(path.read_bytes() for path in Path(run.server.directory).rglob("*")
                    if path.is_file() and ".db" in path.name or "sqlite" in path.name)
    for name, token in run.tokens.items():
        assert hashlib.sha256(token.encode()).digest() in data, name
    assert hashlib.sha256(never_issued().encode()).digest() not in data


def search_memory(server, room, needles):
    """What is looked for is not there, and what must be there is found in the same way."""
    pid = server.rooms()[room]
    assert Needles({"its own address": f"127.0.0.1:{server.port}"}).in_memory(pid), "blind search"
    assert needles.in_memory(pid) == []


def test_no_environment_and_no_command_line(run, everything):
    for room, pid in run.server.rooms().items():
        for part in ("environ", "cmdline", "comm"):
            assert everything.within(Path(f"/proc/{pid}/{part}").read_bytes()) == [], (room, part)


@pytest.mark.skipif(os.geteuid() != 0, reason="reading another process's memory needs root")
@pytest.mark.skipif(ASAN, reason="ASan keeps freed memory on purpose and maps terabytes of shadow")
@pytest.mark.parametrize("room", ["supervisor", "gateway"])
def test_credential_is_in_no_memory_of(run, credentials, room):
    """What a customer typed passes through the gateway once; afterwards it is gone from there."""
    search_memory(run.server, room, credentials)


@pytest.mark.skipif(os.geteuid() != 0, reason="reading another process's memory needs root")
@pytest.mark.skipif(ASAN, reason="ASan keeps freed memory on purpose and maps terabytes of shadow")
@pytest.mark.parametrize("room", ["vault", "egress"])
def test_password_does_not_outlive_its_call_in(run, credentials, room):
    """A source's session may stay in egress for a minute; the password may not, in either room."""
    search_memory(run.server, room, credentials)


def test_still_nothing_after_the_end(run, everything):
    """Last of this file: at the end the WAL is merged, buffers are flushed, and it is the same."""
    assert run.server.stop() == 0
    assert everything.in_folder(run.server.directory) == []
    run.server.start()
    assert run.server.get(DATA, run.own.token).status == 200
