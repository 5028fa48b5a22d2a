"""HTTP as the whole server speaks it: the refused classes over TLS, noise, limits and time-outs as
configured. What needs no other room is in test_http_strict, _limits and _tls.
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import random
import ssl
import subprocess
import time

import pytest

from tests.integration.http_cases import REFUSED, mutated
from tests.systems.fishplate import SLOW, Client, Closed
from tests.systems.gateway_alone import token_of
from tests.systems.tryton import free_port

FOLLOWER = b"GET /api/system/client HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    from tests.systems.fishplate import Fishplate
    port = free_port()
    with Fishplate(tmp_path_factory.mktemp("http"), settings={
            "api.plain_listen": f"127.0.0.1:{port}"}) as running:
        running.plain_port = port
        yield running


def plain(server, timeout=10.0):
    return Client(("127.0.0.1", server.plain_port), timeout=timeout)


@pytest.mark.parametrize("raw, allowed", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused_and_nothing_behind_it_is_read(server, raw, allowed):
    answers = []
    with server.client(timeout=10) as client:
        client.send(raw + FOLLOWER)
        with contextlib.suppress(Closed, ConnectionError, ssl.SSLError):
            while True:
                answers.append(client.receive())
    assert [answer.status in allowed for answer in answers] == [True], answers
    assert answers[0].code and answers[0].json["request_id"] == answers[0].request_id
    assert server.wait_log(lambda line: line.get("request_id") == answers[0].request_id)


def test_ten_thousand_random_and_mutated_requests(server):
    chosen = random.Random(20261124)
    rooms = server.rooms()
    for number, raw in enumerate(mutated(chosen, 10000)):
        with plain(server, 0.002 * SLOW) as client:
            try:
                client.send(raw)
                client.socket.recv(4096)
            except OSError:
                pass
        if number % 1000 == 0:
            assert server.get("/api/system/client").code == "TOKEN_MISSING"
    assert server.get("/api/system/client", token_of("C" * 43)).code == "TOKEN_UNKNOWN"
    assert server.rooms() == rooms  # none was started anew


def test_body_of_10_mb_and_ten_thousand_levels(server):
    with server.client() as client:
        client.send(b"POST /link/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10000000\r\n"
                    b"\r\n" + b"a" * 10_000_000)
        assert client.receive().code == "REQUEST_BODY_TOO_LARGE"
    answer = server.post("/link/token", body=b"[" * 10000 + b"]" * 10000,
                         headers={"Content-Type": "application/json"})
    assert (answer.status, answer.json["error"]) == (400, "invalid_request")
    assert server.get("/healthz").status == 200


def test_openssl_s_view_of_the_server(server):
    """S16: nothing below TLS 1.2, no CBC; the names that a scanner would use."""
    for arguments in (["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
                      ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"],
                      ["-tls1_2", "-cipher", "kRSA"]):
        done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{server.port}",
                               *arguments], input="", text=True, capture_output=True, timeout=30,
                              check=False)
        assert "Cipher is (NONE)" in done.stdout, done


def test_limits_as_configured(own_fishplate):
    own_fishplate.settings.update({
        "api.body_limit": 2048, "api.timeouts.header": "300ms", "api.timeouts.body": "300ms",
        "api.timeouts.idle": "400ms", "api.connections.per_address": 6})
    own_fishplate.start()
    body = b'{"a":"' + b"x" * 2041
    for extra, code in ((b'"', 400), (b'"}', 413)):  # 2048 bytes of no JSON, one more
        answer = own_fishplate.post("/link/token", body=body + extra, headers={
            "Content-Type": "application/json"})
        assert answer.status == code, answer
    with own_fishplate.client() as client:
        client.send(b"GET / HTTP/1.1\r\nHost: ")
        assert client.receive().code == "REQUEST_TIMEOUT"
    with own_fishplate.client() as client:
        client.send(b"POST /link/token HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1")
        assert client.receive().code == "REQUEST_TIMEOUT"
    with own_fishplate.client() as client:
        start = time.monotonic()
        assert client.get("/healthz").status == 200
        assert client.closed_by_server(10 * SLOW)
        assert time.monotonic() - start >= 0.3


def test_connections_from_one_address(own_fishplate):
    own_fishplate.settings.update({"api.connections.per_address": 5})
    own_fishplate.start()
    with contextlib.ExitStack() as stack:
        end = time.monotonic() + 10 * SLOW
        clients = []
        while len(clients) < 5:  # those of the start may still be closing
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                clients.append(stack.enter_context(own_fishplate.client()))
            assert time.monotonic() < end
        with pytest.raises((ConnectionError, ssl.SSLError)):
            own_fishplate.client()
        assert all(client.get("/healthz").status == 200 for client in clients)
