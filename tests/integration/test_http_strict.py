"""S21. Strict parsing: no request that two servers could read differently is accepted, and after a
refused one nothing more is read from its connection. Raw bytes, plain and over TLS.
"""
# SPDX-License-Identifier: Apache-2.0
import random
import ssl

import pytest

from tests.integration.http_cases import ACCEPTED, GET, H, REFUSED, mutated
from tests.systems.fishplate import Closed
from tests.systems.http_echo import HttpEcho

FOLLOWER = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    with HttpEcho(tmp_path_factory.mktemp("echo"), idle=5000, header=3000, body=3000) as server:
        yield server


def answers_until_closed(client):
    """Every answer that comes before the server closes."""
    answers = []
    try:
        while True:
            answers.append(client.receive())
    except (Closed, ConnectionError, ssl.SSLError):
        return answers


def test_there_are_at_least_seventy_classes():
    assert len({name for name, _, _ in REFUSED}) == len(REFUSED) >= 70


@pytest.mark.parametrize("raw, allowed", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused(echo, raw, allowed):
    with echo.plain() as client:
        client.send(raw + FOLLOWER)
        answers = answers_until_closed(client)
    assert [answer.status in allowed for answer in answers] == [True], answers
    assert answers[0].header("Connection") == "close"
    assert answers[0].code


@pytest.mark.parametrize("raw, allowed", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refused_byte_by_byte_over_tls(echo, raw, allowed):
    """The same in small pieces: no decision depends on how the bytes are cut."""
    with echo.tls() as client:
        try:
            step = 1 if len(raw) < 400 else 251
            for at in range(0, len(raw), step):
                client.send(raw[at:at + step])
            client.send(FOLLOWER)
        except (ConnectionError, ssl.SSLError):
            pass  # refused before all was sent
        answers = answers_until_closed(client)
    assert [answer.status in allowed for answer in answers] == [True], answers


@pytest.mark.parametrize("raw", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_accepted_and_the_next_request_is_read_as_its_own(echo, raw):
    with echo.plain() as client:
        client.send(raw + FOLLOWER)
        first, second = client.receive(), client.receive()
    assert (first.status, first.json["path"]) == (200, "/here")
    assert (second.status, second.json["path"]) == (200, "/smuggled")


@pytest.mark.parametrize("raw", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_accepted_byte_by_byte(echo, raw):
    with echo.plain() as client:
        for at in range(len(raw)):
            client.send(raw[at:at + 1])
        assert client.receive().json["path"] == "/here"


def test_ten_thousand_random_and_mutated_requests(echo):
    """After any of them the next connection is served as if nothing had been."""
    chosen = random.Random(20261124)
    before = echo.counters()["served"]
    for number, raw in enumerate(mutated(chosen, 10000)):
        with echo.plain(timeout=0.002) as client:
            try:
                client.send(raw)
                client.socket.recv(4096)
            except OSError:
                pass  # waits for more, or was refused while sending
        if number % 500 == 0:
            with echo.plain() as client:
                client.send(GET + H + b"\r\n")
                assert client.receive().status == 200
    assert echo.process.poll() is None
    assert echo.counters()["served"] > before


def test_head_has_the_headers_of_get_and_no_body(echo):
    with echo.tls() as client:
        get = client.request("GET", "/big?n=5000")
        head = client.request("HEAD", "/big?n=5000")
        again = client.request("GET", "/after")
    names = [name for name, _ in get.headers]
    assert [name for name, _ in head.headers] == names
    assert head.header("Content-Length") == "5000" and head.body == b""
    assert again.json["path"] == "/after"


def test_http_10_closes_unless_asked_and_gets_no_chunks(echo):
    with echo.plain() as client:
        client.send(b"GET /stream?n=70000 HTTP/1.0\r\n\r\n")
        answer = client.receive()
        assert answer.header("Transfer-Encoding") is None and len(answer.body) == 70000
        assert client.closed_by_server()
    with echo.plain() as client:
        client.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert client.receive().header("Connection") == "keep-alive"
        client.send(b"GET /b HTTP/1.0\r\n\r\n")
        assert client.receive().json["path"] == "/b"
        assert client.closed_by_server()


def test_connection_close_is_kept(echo):
    with echo.tls() as client:
        answer = client.get("/x", headers={"Connection": "close"})
        assert answer.status == 200 and answer.header("Connection") == "close"
        assert client.closed_by_server()


def test_server_says_no_more_than_it_must(echo):
    with echo.tls() as client:
        answer = client.get("/x")
    assert answer.header("Server") is None
    assert answer.header("Strict-Transport-Security") == "max-age=31536000"
    assert answer.header("X-Content-Type-Options") == "nosniff"
    assert answer.header("Cache-Control") == "no-store"
    with echo.plain() as client:
        assert client.get("/x").header("Strict-Transport-Security") is None
