"""The gateway room on its own, sandboxed: what it answers itself (S1, S11, S15), what it sends to
the other rooms, how it puts their answers, and what it does when they are gone.
"""
# SPDX-License-Identifier: Apache-2.0
import base64
import collections
import contextlib
import gzip
import random
import re
import shutil
import signal
import ssl
import time
import urllib.parse

import pytest

from tests.integration.http_cases import REFUSED, mutated
from tests.systems.fishplate import SLOW, Closed
from tests.systems.gateway_alone import TOKEN, GatewayAlone, token_of
from tests.systems.http_echo import make_certificate

VENDORS = "/api/erp/vendors"
ORIGIN = "https://app.example.com"
ERROR_MEMBERS = {"message", "code", "type", "request_id", "next_step", "details"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    with GatewayAlone(tmp_path_factory.mktemp("gateway"), origin=ORIGIN) as room:
        yield room


def is_error(answer, status, code):
    assert (answer.status, answer.code) == (status, code), answer
    assert ERROR_MEMBERS <= set(answer.json), answer
    assert re.fullmatch(r"req_[0-9a-z]{26}", answer.request_id)
    assert answer.json["request_id"] == answer.request_id
    return answer


def wait_until(condition, seconds=10.0):
    end = time.monotonic() + seconds * SLOW
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


# -- who asks -----------------------------------------------------------------------------------
def test_no_token(gateway):
    answer = is_error(gateway.get(VENDORS, None), 401, "TOKEN_MISSING")
    assert answer.header("WWW-Authenticate") == 'Bearer realm="fishplate"'  # RFC 6750 3.1


@pytest.mark.parametrize("value, code", [
    (TOKEN, "TOKEN_MISSING"), ("Basic YTpi", "TOKEN_MISSING"), ("Bearer", "TOKEN_MALFORMED"),
    ("Bearer x", "TOKEN_MALFORMED"), (f"Bearer {TOKEN}x", "TOKEN_MALFORMED"),
    (f"Bearer {TOKEN[:-1]}", "TOKEN_MALFORMED"), (f"Bearer {TOKEN[:-1]}0", "TOKEN_MALFORMED"),
    (f"Bearer {TOKEN} {TOKEN}", "TOKEN_MALFORMED"), (f"Bearer fp_prod_{'A' * 49}", "TOKEN_MALFORMED"),
    ("Bearer " + "A" * 5000, "TOKEN_MALFORMED")])
def test_bad_authorization(gateway, value, code):
    answer = is_error(gateway.get(VENDORS, None, headers={"Authorization": value}), 401, code)
    challenge = answer.header("WWW-Authenticate")
    assert ('error="invalid_token"' in challenge) is (code != "TOKEN_MISSING")


def test_two_authorization_headers(gateway):
    rows = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", f"Bearer {TOKEN}")]
    is_error(gateway.get(VENDORS, None, headers=rows), 401, "TOKEN_MALFORMED")


def test_token_in_the_query_or_the_body_is_not_taken(gateway):
    is_error(gateway.get(f"{VENDORS}?access_token={TOKEN}", None), 401, "TOKEN_MISSING")
    answer = gateway.request("POST", "/api/system/connections", None, body=(
        f"access_token={TOKEN}".encode()),
        headers={"Content-Type": "application/x-www-form-urlencoded"})
    is_error(answer, 401, "TOKEN_MISSING")


# -- where to -----------------------------------------------------------------------------------
def test_unknown_route(gateway):
    for path in ("/", "/api", "/api/erp/nothing", "/api/erp/vendors/", "/API/erp/vendors",
                 "//api/erp/vendors", "/api/erp/vendors/a/b", "/api/erp/../erp/vendors"):
        is_error(gateway.get(path), 404, "ROUTE_UNKNOWN")


@pytest.mark.parametrize("path", ["/api/erp/vendors/%ff", "/api/erp/vendors/%00", "/api/%c0%af/x",
                                  "/api/erp/vendors/%ed%a0%80"])
def test_path_that_is_no_utf8(gateway, path):
    is_error(gateway.get(path), 400, "REQUEST_MALFORMED")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "TRACE"])
def test_method_not_allowed(gateway, method):
    for path in ("/api/erp/currencies", "/api/system/platforms"):
        answer = is_error(gateway.request(method, path), 405, "METHOD_NOT_ALLOWED")
        assert answer.header("Allow") == "GET, HEAD, OPTIONS"


def test_method_is_never_overridden(gateway):
    answer = gateway.get(VENDORS, headers={"X-HTTP-Method-Override": "DELETE"})
    assert answer.status == 200


def test_call_is_passed_on_as_it_was_sent(gateway):
    answer = gateway.get("/api/erp/vendors/a%2Fb%20%C3%A4", headers={"Origin": "https://x"})
    assert answer.status == 200
    assert answer.data["key"] == "a/b \u00e4" and not answer.data["subkey"]
    assert answer.data["address"] == "127.0.0.1"
    assert answer.data["origin"] == "https://x"
    assert answer.data["request_id"] == answer.request_id
    answer = gateway.get(f"{VENDORS}?page=2&per_page=7&filter[name:contains]=a%20b&sort[name]=1")
    assert answer.data["query"] == "page=2&per_page=7&filter[name:contains]=a%20b&sort[name]=1"


def test_head_is_get_without_body(gateway):
    with gateway.tls() as client:
        get = client.request("GET", VENDORS, TOKEN)
        head = client.request("HEAD", VENDORS, TOKEN)
        assert head.status == 200 and head.body == b""
        assert {n for n, _ in head.headers} == {n for n, _ in get.headers}
        assert client.request("HEAD", VENDORS).status == 401
        assert client.request("HEAD", "/api/erp/vendors/stream.500000", TOKEN).status == 200
        assert client.get(VENDORS, TOKEN).status == 200


# -- parameters and bodies: told only to who may ask --------------------------------------------
@pytest.mark.parametrize("query, field", [
    ("page=0", "page"), ("page=-1", "page"), ("page=100000000000000000000", "page"),
    ("page=x", "page"), ("per_page=0", "per_page"), ("per_page=501", "per_page"),
    ("pageSize=0", "pageSize"), ("nothing=1", "nothing"), ("filter[nothing]=1", "filter[nothing]"),
    ("filter[name:nothing]=1", "filter[name:nothing]"), ("sort[nothing]=1", "sort[nothing]"),
    ("sort[name]=2", "sort[name]"), ("filterMatch=some", "filterMatch"),
    ("page=1&page=2", "page"), ("access_token=" + TOKEN, "access_token")])
def test_bad_parameter(gateway, query, field):
    answer = is_error(gateway.get(f"{VENDORS}?{query}"), 422, "PARAMETER_INVALID")
    assert list(answer.json["errors"]) == [field], answer
    assert all(isinstance(text, str) for text in answer.json["errors"][field])
    is_error(gateway.get(f"{VENDORS}?{query}", None), 401, "TOKEN_MISSING")


def test_all_bad_parameters_are_named(gateway):
    answer = gateway.get(f"{VENDORS}?page=0&per_page=0&x=1&filter[y]=2")
    assert set(answer.json["errors"]) == {"page", "per_page", "x", "filter[y]"}


def test_more_bad_parameters_than_fit_an_answer(gateway):
    query = "&".join(f"filter[{'x' * 90}{n}]=1" for n in range(60))
    answer = is_error(gateway.get(f"{VENDORS}?{query}"), 422, "PARAMETER_INVALID")
    assert answer.json["errors"]


@pytest.mark.parametrize("query", ["filter[name]=%ff", "%ff=1", "filter[name]=%00", "a=%c0%af"])
def test_query_that_is_no_utf8(gateway, query):
    is_error(gateway.get(f"{VENDORS}?{query}"), 422, "PARAMETER_INVALID")


def test_connection_create(gateway):
    body = {"name": "Plant", "email": "a@b.example", "provider": "tryton",
            "credentials": {"url": "http://x", "password": "p\u00e4ss"}}
    answer = gateway.request("POST", "/api/system/connections", body=body)
    assert answer.status == 200 and answer.json["platform"] == "tryton"
    assert answer.json["credentials"] == body["credentials"]
    assert answer.header("Content-Encoding") is None


def test_connection_create_with_wrong_fields(gateway):
    answer = gateway.request("POST", "/api/system/connections", body={"name": 1, "email": "x"})
    is_error(answer, 422, "FIELD_INVALID")
    assert set(answer.json["errors"]) == {"name", "email", "provider", "credentials"}


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'{"name":', b'{"name":"\xff"}',
                                  b"[" * 10000 + b"]" * 10000, b'{"a":' * 10000 + b"1" + b"}" * 10000])
def test_body_that_is_no_json_object(gateway, body):
    answer = gateway.request("POST", "/api/system/connections", body=body,
                             headers={"Content-Type": "application/json"})
    is_error(answer, 400, "REQUEST_BODY_INVALID")


def test_body_of_another_type(gateway):
    answer = gateway.request("POST", "/api/system/connections", body=b"a=b",
                             headers={"Content-Type": "text/plain"})
    is_error(answer, 415, "REQUEST_MEDIA_TYPE_UNSUPPORTED")


def test_metadata(gateway):
    path = "/api/system/connections/con_1/metadata"
    answer = gateway.request("POST", path, body=[{"key": "a", "value": "1"}])
    assert answer.json == {"a": "1"}
    answer = gateway.request("POST", path, body={"key": "a", "value": "1"})
    assert answer.json == {"a": "1"}
    answer = is_error(gateway.request("POST", path, body=[{"key": "a"}, 7]), 422, "FIELD_INVALID")
    assert set(answer.json["errors"]) == {"0.value", "1"}


def test_body_of_10_mb(gateway):
    with gateway.tls() as client:
        client.send(b"POST /api/system/connections HTTP/1.1\r\nHost: localhost\r\n"
                    b"Content-Length: 10000000\r\n\r\n" + b"a" * 10_000_000)
        is_error(client.receive(), 413, "REQUEST_BODY_TOO_LARGE")
    assert gateway.get(VENDORS).status == 200


# -- the token endpoint -------------------------------------------------------------------------
def token_request(gateway, fields=None, body=None, kind="application/x-www-form-urlencoded",
                  headers=(), method="POST"):
    if body is None:
        body = urllib.parse.urlencode(fields).encode()
    return gateway.request(method, "/link/token", None, body=body,
                           headers=[("Content-Type", kind), *headers])


RIGHT = {"grant_type": "client_credentials", "client_id": "app_1", "client_secret": "right"}


def test_token_by_form_json_and_basic(gateway):
    basic = base64.b64encode(b"app_1:right").decode()
    for answer in (token_request(gateway, RIGHT),
                   token_request(gateway, body=str(RIGHT).replace("'", '"').encode(),
                                 kind="application/json"),
                   token_request(gateway, {"grant_type": "client_credentials"},
                                 headers=[("Authorization", f"Basic {basic}")])):
        assert answer.status == 200 and answer.json["access_token"] == "t"
        assert answer.header("Cache-Control") == "no-store"
        assert answer.header("Pragma") == "no-cache"
        assert answer.request_id


@pytest.mark.parametrize("change, status, error", [
    ({"client_secret": "hunter2-hunter2"}, 401, "invalid_client"),
    ({"client_secret": ""}, 401, "invalid_client"),
    ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ({"grant_type": ""}, 400, "invalid_request"),
    ({"client_id": "a\x00"}, 400, "invalid_request")])
def test_token_request_refused(gateway, change, status, error):
    """The form of RFC 6749 5.2, not the API's own."""
    answer = token_request(gateway, {**RIGHT, **change})
    assert (answer.status, answer.json["error"]) == (status, error), answer
    assert {"error", "error_description", "request_id"} <= set(answer.json)
    assert answer.json["error_description"].isascii()
    assert "hunter2" not in answer.body.decode()
    if status == 401:
        assert answer.header("WWW-Authenticate").startswith("Basic ")


def test_token_request_by_get_or_of_another_type(gateway):
    assert gateway.get("/link/token", None).status == 405
    assert token_request(gateway, RIGHT, kind="text/plain").json["error"] == "invalid_request"
    assert token_request(gateway, {}, body=b"[" * 10000, kind="application/json"
                         ).json["error"] == "invalid_request"


# -- answers ------------------------------------------------------------------------------------
@pytest.mark.parametrize("code, status", [
    ("TOKEN_UNKNOWN", 401), ("TOKEN_EXPIRED", 401), ("TOKEN_REVOKED", 401),
    ("CREDENTIALS_REJECTED", 401), ("PERMISSION_MISSING", 401), ("TOKEN_KIND_WRONG", 403),
    ("RECORD_NOT_FOUND", 404), ("RATE_LIMITED", 429), ("SOURCE_UNREACHABLE", 503),
    ("SOURCE_TIMEOUT", 504), ("SOURCE_ANSWER_INVALID", 502), ("OPERATION_UNSUPPORTED", 501)])
def test_error_of_another_room(gateway, code, status):
    answer = is_error(gateway.get(f"{VENDORS}/error.{code}"), status, code)
    assert answer.json["details"] == {"evidence": "here"}
    assert (answer.header("Retry-After") is not None) is (status in (429, 503))
    assert (answer.header("WWW-Authenticate") is not None) is (status == 401)
    if code == "RATE_LIMITED":
        assert answer.header("Retry-After") == "7"
    if code == "PERMISSION_MISSING":
        assert 'error="insufficient_scope"' in answer.header("WWW-Authenticate")


def test_errors_of_another_room_by_field(gateway):
    answer = gateway.get(f"{VENDORS}/error.FILTER_UNSUPPORTED")
    assert answer.json["errors"] == {"filter[code]": ["No.", "Never."]}


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 40000, 3_000_000])
def test_streamed_answer(gateway, size):
    answer = gateway.get(f"{VENDORS}/stream.{size}")
    assert answer.status == 200 and answer.body == b"x" * size
    chunked = answer.header("Transfer-Encoding") == "chunked"
    assert chunked is (size > 1000)


def test_streamed_answer_compressed(gateway):
    answer = gateway.get(f"{VENDORS}/stream.3000000", headers={"Accept-Encoding": "gzip"})
    assert answer.header("Content-Encoding") == "gzip"
    assert gzip.decompress(answer.body) == b"x" * 3_000_000


def test_many_streams_on_one_connection_keep_their_order_and_credit(gateway):
    with gateway.tls() as client:
        for n in range(12):
            client.send(f"GET {VENDORS}/stream.{400000 + n} HTTP/1.1\r\nHost: localhost\r\n"
                        f"Authorization: Bearer {TOKEN}\r\n\r\n".encode())
        for n in range(12):
            assert len(client.receive().body) == 400000 + n
    assert gateway.counters()["most_in_flight"] <= 262144


def hold(gateway, client, verb):
    """Sends a call that stays without an end, and waits until the rooms have it."""
    before = gateway.counters()["held"]
    client.send(f"GET {VENDORS}/{verb} HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: Bearer {TOKEN}\r\n\r\n".encode())
    wait_until(lambda: gateway.counters()["held"] > before)


def test_client_that_leaves_cancels_and_abandons(gateway):
    before = gateway.counters()
    with gateway.tls() as client:
        hold(gateway, client, "hang")
        hold(gateway, client, "half.5000")
    wait_until(lambda: gateway.counters()["cancels"] >= before["cancels"] + 2)
    wait_until(lambda: gateway.counters()["abandons"] >= before["abandons"] + 1)


# -- rooms that are gone ------------------------------------------------------------------------
def test_vault_gone_fails_what_is_in_flight_and_then_serves_again(gateway):
    with gateway.tls() as hanging:
        hold(gateway, hanging, "hang")
        answer = gateway.get(f"{VENDORS}/drop.vault")
        is_error(answer, 503, "SERVICE_UNAVAILABLE")
        assert answer.header("Retry-After")
        is_error(hanging.receive(), 503, "SERVICE_UNAVAILABLE")
        wait_until(lambda: gateway.get("/readyz", None).status == 200)
        assert hanging.get(VENDORS, TOKEN).status == 200  # the connection went on


def test_egress_gone_cuts_a_stream_short_visibly(gateway):
    with gateway.tls() as half:
        hold(gateway, half, "half.50000")
        is_error(gateway.get(f"{VENDORS}/drop.egress"), 503, "SERVICE_UNAVAILABLE")
        with pytest.raises((Closed, ConnectionError, ssl.SSLError)):
            half.receive()
    wait_until(lambda: gateway.get("/readyz", None).status == 200)
    assert len(gateway.get(f"{VENDORS}/stream.5000").body) == 5000


# -- browsers -----------------------------------------------------------------------------------
def test_options(gateway):
    answer = gateway.request("OPTIONS", "/api/system/connections", None)
    assert answer.status == 204 and answer.body == b""
    assert answer.header("Allow") == "GET, HEAD, POST, OPTIONS"
    assert answer.header("Access-Control-Allow-Origin") is None
    assert gateway.request("OPTIONS", "/nothing", None).status == 404
    assert gateway.request("OPTIONS", "*", None).status == 204


def test_preflight(gateway):
    wanted = {"Access-Control-Request-Method": "GET"}
    answer = gateway.request("OPTIONS", VENDORS, None, headers={"Origin": ORIGIN, **wanted})
    assert answer.header("Access-Control-Allow-Origin") == ORIGIN
    assert "GET" in answer.header("Access-Control-Allow-Methods")
    assert "Authorization" in answer.header("Access-Control-Allow-Headers")
    assert answer.header("Vary") == "Origin"
    assert answer.header("Access-Control-Allow-Credentials") is None
    for other in ("https://app.example.com.evil.example", "https://app.example.com:444",
                  "http://app.example.com", "null", "https://APP.example.com"):
        answer = gateway.request("OPTIONS", VENDORS, None, headers={"Origin": other, **wanted})
        assert answer.header("Access-Control-Allow-Origin") is None


def test_cors_on_answers_and_errors(gateway):
    for path, token in ((VENDORS, TOKEN), (VENDORS, None), ("/nothing", None)):
        answer = gateway.get(path, token, headers={"Origin": ORIGIN})
        assert answer.header("Access-Control-Allow-Origin") == ORIGIN
        assert answer.header("Access-Control-Expose-Headers") == "X-Request-Id, Retry-After, DPoP-Nonce, ETag, Idempotency-Replayed"
        assert "Origin" in [value for name, value in answer.headers if name == "Vary"]


def test_any_origin(tmp_path):
    with GatewayAlone(tmp_path, origin="*") as room:
        answer = room.get(VENDORS, headers={"Origin": "https://whoever.example"})
        assert answer.header("Access-Control-Allow-Origin") == "*"


# -- the log, probes and metrics ----------------------------------------------------------------
def test_log_line(gateway):
    answer = gateway.get(f"{VENDORS}/stream.5000?filter[name]=visible", headers={
        "User-Agent": "visible"})
    assert answer.status == 422
    answer = gateway.get(f"{VENDORS}/stream.5000")
    line = gateway.line_of(answer.request_id)
    assert (line["event"], line["method"], line["status"]) == ("request", "GET", 200)
    assert line["path"] == f"{VENDORS}/stream.5000" and line["operation"] == "erp.vendors.item"
    assert (line["bytes"], line["source_ms"], line["source_calls"]) == (5000, 12, 3)
    assert (line["application"], line["connection"]) == ("app_test", "con_test")
    assert line["platform"] == "tryton" and line["address"] == "127.0.0.1"
    text = gateway.log.read_text()
    assert "visible" not in text and TOKEN not in text


def test_no_token_reaches_the_log_even_by_mistake(gateway):
    lost = token_of("B" * 43)
    gateway.get(f"/api/erp/vendors/{lost}", None)
    gateway.get(f"/{lost}?token={lost}", None)
    gateway.get(VENDORS, None, headers={"X-Token": lost, "Authorization": lost, "Cookie": lost})
    gateway.request("POST", "/link/token", None, body=lost.encode())
    assert lost not in gateway.log.read_text() and "B" * 43 not in gateway.log.read_text()


def test_probes(gateway):
    for client in (gateway.tls(), gateway.metrics()):
        with client:
            assert client.get("/healthz").json == {"status": "ok"}
            assert client.get("/readyz").json == {"status": "ready", "waiting_for": []}
            assert client.request("HEAD", "/readyz").status == 200
            assert client.request("POST", "/healthz").status == 405
    assert gateway.get("/metrics", None).status == 404
    with gateway.metrics() as client:
        is_error(client.get(VENDORS, TOKEN), 404, "ROUTE_UNKNOWN")


def test_metrics(gateway):
    gateway.get(VENDORS)
    with gateway.metrics() as client:
        answer = client.get("/metrics")
    text = answer.body.decode()
    assert answer.header("Content-Type").startswith("text/plain; version=0.0.4")
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) \S+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.]+',
                            line), line
    assert re.search(r'fishplate_requests_total\{operation="erp.vendors.list",status="200",code="OK"\} \d',
                     text)
    assert 'fishplate_link_up{peer="vault"} 1' in text
    count = int(re.search(r"duration_seconds_count (\d+)", text).group(1))
    assert int(re.search(r'le="\+Inf"\} (\d+)', text).group(1)) == count > 0
    assert "fishplate_calls_in_flight 0" in text


# -- whatever comes -----------------------------------------------------------------------------
@pytest.mark.parametrize("raw, allowed", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_refusals_have_the_catalogue_s_form(gateway, raw, allowed):
    with gateway.plain() as client:
        client.send(raw)
        answer = client.receive()
        assert answer.status in allowed
        is_error(answer, answer.status, answer.code)


def test_ten_thousand_random_and_mutated_requests(gateway):
    """Many are no whole request and get no answer in the time given; none gets one that says 500."""
    chosen, statuses = random.Random(7), collections.Counter()
    for raw in mutated(chosen, 10000):
        with gateway.plain(timeout=0.002) as client:
            with contextlib.suppress(OSError):
                client.send(raw)
                answer = client.socket.recv(4096)
                if answer:
                    assert answer.startswith(b"HTTP/1.1 "), (raw, answer)
                    statuses[int(answer[9:12])] += 1
    assert statuses[500] == 0 and statuses.total() > 1000, statuses
    assert statuses[400] > 100, statuses
    assert gateway.get(VENDORS).status == 200


def test_drain_finishes_what_is_in_flight(tmp_path):
    with GatewayAlone(tmp_path) as room:
        with room.tls() as idle, room.tls() as slow:
            assert idle.get(VENDORS, TOKEN).status == 200
            slow.send(f"GET {VENDORS}/stream.3000000 HTTP/1.1\r\nHost: localhost\r\n"
                      f"Authorization: Bearer {TOKEN}\r\n\r\n".encode())
            wait_until(lambda: room.counters()["most_in_flight"] > 0)
            room.process.send_signal(signal.SIGTERM)
            assert idle.closed_by_server(10 * SLOW)
            assert len(slow.receive().body) == 3_000_000
        assert room.process.wait(10 * SLOW) == 0


def test_new_certificate_on_reload(tmp_path):
    with GatewayAlone(tmp_path) as room:
        with room.tls() as old:
            before = old.socket.getpeercert(binary_form=True)
            (tmp_path / "new").mkdir()
            certificate, key = make_certificate(tmp_path / "new")
            shutil.copy(certificate, room.certificate)
            shutil.copy(key, room.key)
            room.process.send_signal(signal.SIGHUP)

            def changed():
                try:
                    with room.tls() as new:
                        return new.socket.getpeercert(binary_form=True) != before
                except ssl.SSLCertVerificationError:
                    return False
            wait_until(changed)
            assert old.get(VENDORS, TOKEN).status == 200
