"""TLS as the server speaks it (S16): versions, suites, tickets, protocol negotiation, a new
certificate while it runs, the end of a connection, compression of answers, a clean drain.
"""
# SPDX-License-Identifier: Apache-2.0
import gzip
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

from tests.systems.fishplate import SLOW, Closed
from tests.systems.http_echo import HttpEcho, make_certificate

H = b"Host: localhost\r\n"


@pytest.fixture(scope="module")
def echo(tmp_path_factory):
    with HttpEcho(tmp_path_factory.mktemp("echo")) as server:
        yield server


def s_client(echo, *arguments, text=""):
    """What openssl's own client says."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{echo.tls_port}", "-CAfile",
         str(echo.certificate), *arguments], input=text, text=True, capture_output=True, timeout=30,
        check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("version, name", [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"),
                                           (ssl.TLSVersion.TLSv1_3, "TLSv1.3")])
def test_versions_that_are_spoken(echo, version, name):
    context = echo.tls_context()
    context.minimum_version = context.maximum_version = version
    with echo.tls(context) as client:
        assert client.socket.version() == name
        assert client.get("/x").json["tls"] is True
        assert client.socket.compression() is None


@pytest.mark.parametrize("option", ["-tls1", "-tls1_1"])
def test_versions_that_are_not(echo, option):
    said = s_client(echo, option, "-cipher", "ALL:@SECLEVEL=0")
    assert "Cipher is (NONE)" in said, said


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-SHA", "ECDHE-ECDSA-AES256-SHA384",
                                   "ECDHE-ECDSA-AES128-SHA256", "ALL:!ECDHE"])
def test_tls_12_without_forward_secrecy_or_aead_is_refused(echo, suite):
    said = s_client(echo, "-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0")
    assert "Cipher is (NONE)" in said, said


@pytest.mark.parametrize("suite", ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                                   "ECDHE-ECDSA-CHACHA20-POLY1305"])
def test_tls_12_suites(echo, suite):
    assert f"Cipher is {suite}" in s_client(echo, "-tls1_2", "-cipher", suite)


def test_no_renegotiation(echo):
    """R in s_client's input asks for one."""
    process = subprocess.Popen(
        ["openssl", "s_client", "-connect", f"127.0.0.1:{echo.tls_port}", "-tls1_2"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    process.stdin.write("R\n")
    process.stdin.flush()
    said, _ = process.communicate(timeout=30)
    assert "no renegotiation" in said or "renegotiat" in said.lower() and "error" in said.lower()
    with echo.tls() as client:
        assert client.get("/x").status == 200


def test_no_early_data(echo):
    """RFC 8446 8: what can be replayed is not taken. The ticket says so."""
    said = s_client(echo, "-tls1_3", "-ign_eof",
                    text="GET /x HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert "Max Early Data: 0" in said, said


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tickets_resume(echo, version):
    context = echo.tls_context()
    context.minimum_version = context.maximum_version = version
    with echo.tls(context) as client:
        client.get("/x")
        session = client.socket.session
    raw = socket.create_connection(("127.0.0.1", echo.tls_port), 10)
    with context.wrap_socket(raw, server_hostname="localhost", session=session) as again:
        again.sendall(b"GET /x HTTP/1.1\r\n" + H + b"\r\n")
        assert again.recv(100).startswith(b"HTTP/1.1 200")
        assert again.session_reused


def test_alpn(echo):
    context = echo.tls_context()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with echo.tls(context) as client:
        assert client.socket.selected_alpn_protocol() == "http/1.1"
    context.set_alpn_protocols(["h2"])
    with pytest.raises(ssl.SSLError, match="(?i)no application protocol"):
        echo.tls(context)


def test_connection_ends_with_close_notify(echo):
    """Python raises on an end without it, when told to be strict."""
    context = echo.tls_context()
    with echo.tls(context) as client:
        client.socket.suppress_ragged_eofs = False
        assert client.get("/x", headers={"Connection": "close"}).status == 200
        assert client.socket.recv(10) == b""


def test_damaged_record_ends_the_connection(echo):
    raw = socket.create_connection(("127.0.0.1", echo.tls_port), 10)
    context = echo.tls_context()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            raw.sendall(outgoing.read())
            incoming.write(raw.recv(65536))
    tls.write(b"GET /x HTTP/1.1\r\n" + H + b"\r\n")
    record = bytearray(outgoing.read())
    record[-1] ^= 1
    raw.sendall(record)
    raw.settimeout(10 * SLOW)
    got = b""
    try:
        while data := raw.recv(65536):
            got += data
    except ConnectionError:
        pass
    raw.close()
    assert b"HTTP/1.1" not in got
    with echo.tls() as client:
        assert client.get("/x").status == 200


def test_new_certificate_is_taken_on_sighup_and_open_connections_stay(tmp_path):
    with HttpEcho(tmp_path) as echo:
        old_context = echo.tls_context()
        with echo.tls() as old:
            before = old.socket.getpeercert(binary_form=True)
            assert old.get("/x").status == 200
            (tmp_path / "new").mkdir()
            certificate, key = make_certificate(tmp_path / "new")
            shutil.copy(certificate, echo.certificate)
            shutil.copy(key, echo.key)
            echo.signal(signal.SIGHUP)
            end = time.monotonic() + 10 * SLOW
            while True:
                try:
                    with echo.tls() as new:
                        assert new.socket.getpeercert(binary_form=True) != before
                        break
                except ssl.SSLCertVerificationError:
                    assert time.monotonic() < end
            assert old.get("/y").status == 200
        with pytest.raises(ssl.SSLCertVerificationError):
            echo.tls(old_context)


def test_bad_certificate_on_sighup_changes_nothing(tmp_path):
    with HttpEcho(tmp_path) as echo:
        context = echo.tls_context()
        echo.certificate.write_text("nonsense")
        echo.signal(signal.SIGHUP)
        for _ in range(3):
            with echo.tls(context) as client:
                assert client.get("/x").status == 200


# -- compression --------------------------------------------------------------------------------
@pytest.mark.parametrize("accept, packed", [
    ("gzip", True), ("GZIP", True), ("gzip, deflate, br", True), ("br;q=1.0, gzip;q=0.5", True),
    ("*", True), ("gzip;q=0", False), ("*;q=0", False), ("identity", False), ("", False),
    ("gzip;q=0.000", False), ("gzip;q=0.001", True), ("gzip;q=2", False), ("gzip;x=1", False),
    ("identity;q=1, gzip;q=0.5", False), ("gzip;q=0, *", False), ("deflate", False)])
def test_gzip_by_accept_encoding(echo, accept, packed):
    for path in ("/big?n=5000", "/stream?n=5000"):
        with echo.tls() as client:
            answer = client.get(path, headers={"Accept-Encoding": accept})
        assert answer.header("Vary") == "Accept-Encoding"
        assert (answer.header("Content-Encoding") == "gzip") is packed
        body = gzip.decompress(answer.body) if packed else answer.body
        assert body == b"x" * 5000


def test_gzip_not_below_its_minimum(echo):
    with echo.plain() as client:
        accept = {"Accept-Encoding": "gzip"}
        assert client.get("/big?n=1023", headers=accept).header("Content-Encoding") is None
        assert client.get("/big?n=1024", headers=accept).header("Content-Encoding") == "gzip"
        assert client.request("HEAD", "/big?n=5000", headers=accept).body == b""
        large = client.get("/stream?n=4000000", headers=accept)
        assert gzip.decompress(large.body) == b"x" * 4000000


def test_gzip_of_many_streams_at_once(echo):
    """More than there are compressors: the rest is sent as it is, all arrive whole."""
    clients = [echo.plain() for _ in range(250)]
    for client in clients:
        for _ in range(2):
            client.send(b"GET /slow?ms=300 HTTP/1.1\r\n" + H + b"\r\n")
            client.send(b"GET /stream?n=30000 HTTP/1.1\r\n" + H + b"Accept-Encoding: gzip\r\n\r\n")
    plain = 0
    for client in clients:
        for _ in range(2):
            client.receive()
            answer = client.receive()
            packed = answer.header("Content-Encoding") == "gzip"
            plain += not packed
            assert (gzip.decompress(answer.body) if packed else answer.body) == b"x" * 30000
        client.close()


# -- drain --------------------------------------------------------------------------------------
def test_drain_answers_what_has_begun_and_closes_what_is_idle(tmp_path):
    with HttpEcho(tmp_path) as echo:
        with echo.tls() as idle, echo.tls() as busy, echo.plain() as half:
            assert idle.get("/x").status == 200
            half.send(b"POST /half HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\na")
            busy.send(b"GET /slow?ms=4000 HTTP/1.1\r\n" + H + b"\r\n")
            end = time.monotonic() + 10 * SLOW
            while echo.counters()["unanswered"] < 3:  # busy, half, and the question itself
                assert time.monotonic() < end
            echo.signal(signal.SIGTERM)
            assert idle.closed_by_server(5 * SLOW)
            half.send(b"bc")
            answer = half.receive()
            assert answer.json["body"] == "abc" and answer.header("Connection") == "close"
            answer = busy.receive()
            assert answer.json == {"slow": True}
            assert busy.closed_by_server(5 * SLOW)
            with pytest.raises((ConnectionError, Closed)):
                echo.plain().get("/x")
            half.close()
            busy.close()
            idle.close()
            assert echo.process.wait(10 * SLOW) == 0
