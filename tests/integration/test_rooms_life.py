"""The rooms as processes, on the real server: each one killed under load comes back, nothing leaks,
requests meanwhile get 503 with a request id; drain, reload, one server per directory, protections."""
# SPDX-License-Identifier: Apache-2.0
import os
import signal
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.systems.fishplate import SLOW, Client, Closed, Fishplate

ROOMS = ("gateway", "vault", "egress")
UID_BASE = 60900


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Fishplate(tmp_path_factory.mktemp("rooms")) as running:
        yield running


@pytest.fixture(scope="module")
def token(server):
    return server.app_token(server.create_app())


def wait_for(condition, deadline=15.0):
    end = time.monotonic() + deadline * SLOW
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def answers(server, token, path="/api/system/platforms"):
    """The status of one request, or None where there was no answer."""
    try:
        return server.get(path, token).status
    except (OSError, Closed, ssl.SSLError):
        return None


def kill(server, name):
    """Kills a room and waits for its successor to serve; returns both process ids."""
    old = server.rooms()[name]
    os.kill(old, signal.SIGKILL)
    new = wait_for(lambda: server.rooms().get(name) not in (None, old)
                   and server.rooms().get(name))
    server.wait_log(lambda line: line["event"] == "room_ready" and line["name"] == name
                    and line["pid"] == new)
    return old, new


class Load(threading.Thread):
    """Requests one after the other on kept-alive connections, until it is stopped."""

    def __init__(self, server, token):
        super().__init__(daemon=True)
        self.server, self.token, self.seen = server, token, []
        self.done = threading.Event()
        self.start()

    def run(self):
        client = None
        while not self.done.is_set():
            try:
                client = client or self.server.client(timeout=10.0)
                answer = client.get("/api/system/platforms", self.token)
                self.seen.append((answer.status, answer.code, answer.request_id))
            except (OSError, Closed, ssl.SSLError, ValueError):
                client = None
                self.seen.append((None, None, None))
                time.sleep(0.01)

    def stop(self):
        self.done.set()
        self.join()
        return self.seen


@pytest.mark.parametrize("name", ROOMS)
def test_rooms_life__killed_under_load(server, token, name):
    assert answers(server, token) == 200
    load = [Load(server, token) for _ in range(4)]
    wait_for(lambda: all(len(one.seen) > 20 for one in load))
    kill(server, name)
    wait_for(lambda: answers(server, token) == 200)
    before = [len(one.seen) for one in load]
    wait_for(lambda: all(len(one.seen) > count + 20
                         for one, count in zip(load, before, strict=True)))
    seen = [row for one in load for row in one.stop()]
    # what could not be answered says so, and can be found in the log
    for status, code, request_id in seen:
        assert status in (200, 503, None), (status, code)
        assert status != 503 or (code in ("LINK_CLOSED", "SERVICE_UNAVAILABLE") and request_id)
    if name != "gateway":
        assert None not in [status for status, _, _ in seen]
    assert [status for status, _, _ in seen[-20:]] == [200] * 20


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def test_rooms_life__no_descriptor_leaks_over_restarts(server, token):
    if os.getuid() != 0:
        pytest.skip("only root sees the descriptors of processes that are not dumpable")
    kill(server, "gateway")
    wait_for(lambda: answers(server, token) == 200)
    before = descriptors(server.pid)
    starts = sum(line["event"] == "room_ready" for line in server.log_lines())
    rounds = 17
    for _ in range(rounds):
        time.sleep(2.1)  # a room that lived so long is started again at once
        for name in ROOMS:
            kill(server, name)
    wait_for(lambda: answers(server, token) == 200)
    counted = sum(line["event"] == "room_ready" for line in server.log_lines())
    assert counted - starts == rounds * len(ROOMS)
    assert descriptors(server.pid) == before
    rooms = server.rooms()
    kill(server, "gateway")
    # the survivors have one link to each peer, not one for each that ever was
    wait_for(lambda: descriptors(rooms["vault"]) < 40 and descriptors(rooms["egress"]) < 40)


def status_of(pid):
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {name: value.strip() for name, _, value in (row.partition(":") for row in rows)}


# security.md, "Process hygiene" and threat 12.
@pytest.mark.parametrize("name", ROOMS)
def test_rooms_life__protections(server, name):
    pid = server.rooms()[name]
    status = status_of(pid)
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(status[capabilities], 16) == 0
    assert Path(f"/proc/{pid}/limits").read_text().count("Max core file size        0") == 1
    if os.getuid() == 0:
        uid = str(UID_BASE + 1 + ROOMS.index(name))
        assert status["Uid"].split() == [uid] * 4
        assert status["Gid"].split() == [uid] * 4
        assert status["Groups"] == ""
        assert int(status["CapBnd"], 16) == 0
        # not even root without ptrace rights over it, and no user of another room, reads its memory
        for other in (UID_BASE + 1, UID_BASE + 2, UID_BASE + 3):
            done = subprocess.run(
                ["setpriv", "--reuid", str(other), "--regid", str(other), "--clear-groups",
                 "head", "-c", "1", f"/proc/{pid}/mem"], capture_output=True, check=False)
            assert done.returncode != 0


def test_rooms_life__environment_is_empty(server):
    if os.getuid() != 0:
        pytest.skip("only root reads the environment of processes that are not dumpable")
    for name in ROOMS:
        names = [row.split(b"=")[0] for row in
                 Path(f"/proc/{server.rooms()[name]}/environ").read_bytes().split(b"\0") if row]
        assert set(names) <= {b"UV_USE_IO_URING", b"TZ", b"OPENSSL_CONF", b"ASAN_OPTIONS",
                              b"UBSAN_OPTIONS"}, names


def test_rooms_life__status_shows_rooms(server):
    status = server.command("status")
    assert status["running"] is True
    assert [room["name"] for room in status["rooms"]] == list(ROOMS)
    for room in status["rooms"]:
        assert room["state"] == "ready"
        assert room["pid"] == server.rooms()[room["name"]]
        assert room["protections"]["seccomp"] is True
        assert room["protections"]["no_new_privileges"] is True
    text = server.run("status").stdout
    assert "gateway" in text and "seccomp" in text


def test_rooms_life__second_server_is_refused(server, token):
    done = subprocess.run([str(server.binary), "serve", "--config", str(server.config)],
                          env=server.environment, capture_output=True, text=True, timeout=60,
                          check=False)
    assert done.returncode == 1
    assert "Another fishplate works on" in done.stderr
    assert answers(server, token) == 200


def test_rooms_life__rooms_are_not_for_people(server):
    done = server.run("room", "gateway", config=False, check=False)
    assert done.returncode == 2
    assert "Rooms are started by fishplate serve" in done.stderr


def test_rooms_life__sigterm_finishes_requests(own_fishplate):
    server = own_fishplate.start()
    token = server.app_token(server.create_app())
    with server.client() as idle, server.client() as busy:
        assert idle.get("/api/system/client", token).status == 200
        # the request line is there, the rest comes after the signal
        busy.send(b"GET /api/system/client HTTP/1.1\r\nHost: localhost\r\n")
        time.sleep(0.2)
        server.signal(signal.SIGTERM)
        server.wait_log(lambda line: line["event"] == "draining")
        assert idle.closed_by_server()
        busy.send(f"Authorization: Bearer {token}\r\n\r\n".encode())
        answer = busy.receive()
        assert answer.status == 200
        assert busy.closed_by_server()
    assert server.stop() == 0
    log = server.log_lines()
    assert sum(line["event"] == "room_ended" for line in log) == 3
    assert not any(line["event"] == "drain_timeout" for line in log)


def refused(port):
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionRefusedError:
        return True
    return False


def test_rooms_life__nobody_listens_while_draining(own_fishplate):
    own_fishplate.settings["api.timeouts.drain"] = "3s"
    server = own_fishplate.start()
    with server.client() as busy:
        busy.send(b"GET /api/system/client HTTP/1.1\r\nHost: localhost\r\n")
        time.sleep(0.2)
        begin = time.monotonic()
        server.signal(signal.SIGTERM)
        server.wait_log(lambda line: line["event"] == "draining")
        wait_for(lambda: refused(server.port), 2.0)
        assert refused(server.metrics_port) or server.probe("/readyz").status == 503
        wait_for(lambda: not server.running)
        assert server.stop() == 0
        assert 2.0 < time.monotonic() - begin < 8.0 * SLOW


def test_rooms_life__supervisor_dies_rooms_die(own_fishplate):
    server = own_fishplate.start()
    rooms = server.rooms()
    server.signal(signal.SIGKILL)
    for name in ROOMS:
        wait_for(lambda pid=rooms[name]: not Path(f"/proc/{pid}").exists()
                 or status_of(pid)["State"].startswith("Z"))
    # nothing is in the way of the next start
    server.stop()
    server.start()
    assert server.probe("/readyz").status == 200


def test_rooms_life__start_is_quick(own_fishplate):
    own_fishplate.start()
    own_fishplate.stop()
    own_fishplate.start()
    served = wait_for(lambda: [line["ms"] for line in own_fishplate.log_lines()
                               if line["event"] == "serving"][1:])
    assert served[0] < 1000 * SLOW * SLOW


def peer_serial(server, cafile):
    context = ssl.create_default_context(cafile=str(cafile))
    with Client(("127.0.0.1", server.port), context) as client:
        return client.socket.getpeercert()["serialNumber"]


def test_rooms_life__sighup_takes_new_certificate(own_fishplate):
    server = own_fishplate.start()
    old = peer_serial(server, server.certificate)
    with server.client() as before:
        server.run("init", "--force", "--dir", str(server.directory), config=False)
        server.signal(signal.SIGHUP)
        server.wait_log(lambda line: line["event"] == "reload" and line["room"] == "supervisor")
        wait_for(lambda: serial_or_none(server) not in (None, old))
        # a connection that is open stays as it is
        assert before.get("/healthz").status in (200, 401, 404)
    # a broken key is not taken into use, and does not end the server
    key = server.directory / "tls" / "key.pem"
    new = peer_serial(server, server.certificate)
    key.chmod(0o644)
    server.signal(signal.SIGHUP)
    server.wait_log(lambda line: line["event"] == "reload_failed")
    assert peer_serial(server, server.certificate) == new
    key.chmod(0o600)
    key.write_text("no key at all")
    server.signal(signal.SIGHUP)
    server.wait_log(lambda line: line["room"] == "gateway" and line["level"] in ("warning", "error"))
    assert peer_serial(server, server.certificate) == new


def serial_or_none(server):
    try:
        return peer_serial(server, server.certificate)
    except (OSError, ssl.SSLError):
        return None


def test_rooms_life__listener_on_unix_socket(own_fishplate, tmp_path):
    path = tmp_path / "api.sock"
    own_fishplate.settings["api.plain_listen"] = f"unix:{path}"
    server = own_fishplate.start()
    token = server.app_token(server.create_app())
    with Client(str(path)) as client:
        assert client.get("/api/system/client", token).status == 200
    assert path.stat().st_mode & 0o007 == 0
    server.stop()
    assert not path.exists()
