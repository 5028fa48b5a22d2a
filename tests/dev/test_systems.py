"""The helpers of the integration tests do what their tests rely on."""
# SPDX-License-Identifier: Apache-2.0
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from tests.systems.faulty import BEHAVIOURS, FaultySource  # noqa: E402
from tests.systems.fishplate import Client  # noqa: E402


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    with FaultySource(tmp_path_factory.mktemp("faulty")) as source:
        yield source


@pytest.mark.parametrize("name, status", [
    ("html", 200), ("html_error", 502), ("error_500", 500), ("unavailable", 503), ("too_many", 429),
    ("unauthorized", 401), ("forbidden", 403), ("redirect", 307), ("deep_json", 200)])
def test_faulty__answers_with_its_status(faulty, name, status):
    faulty.behave(name)
    with Client(("127.0.0.1", faulty.port)) as client:
        answer = client.request("POST", "/erp/", body={"id": 1})
    assert (answer.status, faulty.requests[0].body) == (status, b'{"id": 1}')


def test_faulty__hangs_until_it_is_stopped(tmp_path):
    source = FaultySource(tmp_path, behaviour="hang").start()
    with Client(("127.0.0.1", source.port), timeout=0.3) as client:
        with pytest.raises(TimeoutError):
            client.request("POST", "/erp/", body={})
    start = time.monotonic()
    source.stop()
    assert time.monotonic() - start < 5


def test_faulty__first_answers_differ_from_later_ones(faulty):
    faulty.behave("error_500", first="endless_pages", after=1)
    statuses = []
    for _ in range(2):
        with Client(("127.0.0.1", faulty.port)) as client:
            statuses.append(client.request("POST", "/erp/", body={
                "id": 1, "method": "common.db.login", "params": []}).status)
    assert statuses == [200, 500]


def test_faulty__unknown_behaviours_are_refused(faulty):
    assert len(BEHAVIOURS) > 25
    with pytest.raises(KeyError):
        faulty.behave("polite")


def serve_once(answer):
    """A socket that sends these bytes to the first who asks: (port, thread)."""
    import threading
    listener = socket.create_server(("127.0.0.1", 0))

    def run():
        with listener, listener.accept()[0] as peer:
            peer.recv(65536)
            peer.sendall(answer)

    thread = threading.Thread(target=run)
    thread.start()
    return listener.getsockname()[1], thread


@pytest.mark.parametrize("answer, body", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", b"abc"),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", b"x"),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n1\r\nd\r\n0\r\n\r\n",
     b"abcd"),
    (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
    (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end")])
def test_client__reads_every_framing(answer, body):
    port, thread = serve_once(answer)
    with Client(("127.0.0.1", port)) as client:
        assert client.get("/").body == body
    thread.join()


def test_tryton__ends_with_whoever_started_it(tmp_path):
    """A killed test run leaves no server behind."""
    script = (f"import sys, os, signal; sys.path.insert(0, {str(ROOT)!r})\n"
              "from tests.systems.tryton import Tryton\n"
              f"t = Tryton({str(tmp_path)!r}).start()\n"
              "print(t.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)\n")
    done = subprocess.run(["/usr/bin/python3", "-c", script], text=True, capture_output=True,
                          timeout=300, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    pid = int(done.stdout)
    end = time.monotonic() + 10
    while True:
        try:
            os.kill(pid, 0)
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (ProcessLookupError, FileNotFoundError):
            break
        if state == "Z":  # ended; nobody has collected it yet
            break
        assert time.monotonic() < end, "trytond lives on"
        time.sleep(0.05)
