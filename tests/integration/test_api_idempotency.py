"""Idempotency-Key on a real Tryton: a change is made once, however often and however much at once it is asked for,
over restarts and lost answers. M1.
"""
# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import itertools
import json
import time

import pytest

from tests.api.errors import check_error
from tests.integration.conftest import connect, credentials_of, new_app
from tests.systems.between import Between
from tests.systems.fishplate import Closed

VENDORS = "/api/erp/vendors"
CREATE = "model.party.party.create"
_numbers = itertools.count(1)


def fresh(word):
    return f"{word} {next(_numbers)}"


@pytest.fixture(scope="module")
def token(fishplate, app, tryton):
    return connect(fishplate, app.token, tryton, name="Repeater").token


def send(fishplate, token, key, body, method="POST", path=VENDORS, **more):
    headers = [("Idempotency-Key", key), *more.pop("headers", [])]
    return fishplate.request(method, path, token, body, headers=headers, **more)


def named(tryton, name):
    return tryton.count("party.party", [["name", "=", name]])


def replayed(answer):
    return answer.header("Idempotency-Replayed")


def test_api_idempotency__fifty_at_once_make_one_record(fishplate, token, tryton):
    name, key = fresh("Fifty"), fresh("key").replace(" ", "-")
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: send(fishplate, token, key, {"name": name}), range(50)))
    first = [answer for answer in answers if answer.status == 200 and replayed(answer) is None]
    again = [answer for answer in answers if answer.status == 200 and replayed(answer) == "true"]
    waiting = [answer for answer in answers if answer.status == 409]
    assert len(first) == 1 and len(first) + len(again) + len(waiting) == 50
    for answer in waiting:
        check_error(answer, "IDEMPOTENCY_IN_PROGRESS")
    last = send(fishplate, token, key, {"name": name})
    assert replayed(last) == "true" and last.header("ETag") == first[0].header("ETag")
    for answer in [*again, last]:
        assert answer.body == first[0].body
    assert named(tryton, name) == 1


def test_api_idempotency__another_request_with_the_key_is_refused(fishplate, app, token, tryton):
    name, key = fresh("Same"), fresh("reused").replace(" ", "-")
    made = send(fishplate, token, key, {"name": name})
    assert made.status == 200 and replayed(made) is None
    path = f"{VENDORS}/{made.data['key']}"
    others = [dict(body={"name": name + "!"}), dict(body={"name": name}, path="/api/erp/customers"),
              dict(body={"name": name}, path="/api/wms/vendors"), dict(body={"name": name}, method="PUT", path=path),
              dict(body={"name": name}, path=VENDORS + "?validate_only=false")]
    for other in others:
        check_error(send(fishplate, token, key, **other), "IDEMPOTENCY_KEY_REUSED")
    assert named(tryton, name) == 1
    elsewhere = connect(fishplate, app.token, tryton, email="other@example.com").token
    assert replayed(send(fishplate, elsewhere, key, {"name": name})) is None, "keys belong to a connection"
    assert named(tryton, name) == 2


def test_api_idempotency__put_is_kept_as_well(fishplate, token, tryton):
    made = fishplate.post(VENDORS, token, {"name": fresh("Put")})
    path, key = f"{VENDORS}/{made.data['key']}", fresh("put").replace(" ", "-")
    match = [("If-Match", made.header("ETag"))]
    first = send(fishplate, token, key, {"code": "P-1"}, "PUT", path, headers=match)
    assert first.status == 200
    tryton.write("party.party", int(made.data["key"]), code="P-2")
    again = send(fishplate, token, key, {"code": "P-1"}, "PUT", path, headers=match)
    assert (again.status, again.body, replayed(again)) == (200, first.body, "true")
    assert tryton.read("party.party", ["code"], [["id", "=", int(made.data["key"])]])[0]["code"] == "P-2"


def test_api_idempotency__what_changed_nothing_is_tried_anew(fishplate, app, tryton, tmp_path):
    with Between(tryton.url, tmp_path) as proxy:
        made = fishplate.connect(app.token, {**credentials_of(tryton), "url": proxy.url}, email="anew@example.com")
        token, name = made.data["access_token"], fresh("Anew")
        key = fresh("anew").replace(" ", "-")
        check_error(send(fishplate, token, key, {"shoeSize": 4}), "FIELD_INVALID")
        dry = send(fishplate, token, key, {"name": name}, path=VENDORS + "?validate_only=true")
        assert dry.json["validate_only"] is True
        proxy.misbehave("close")
        answer = send(fishplate, token, key + "-2", {"name": name})
        assert answer.status in (502, 503), answer
        proxy.misbehave(None)
        for each in (key, key + "-2"):
            again = send(fishplate, token, each, {"name": name})
            assert again.status == 200 and replayed(again) is None
        assert named(tryton, name) == 2


def test_api_idempotency__a_lost_outcome_is_not_sent_again(fishplate, app, tryton, tmp_path):
    with Between(tryton.url, tmp_path) as proxy:
        made = fishplate.connect(app.token, {**credentials_of(tryton), "url": proxy.url}, email="lost@example.com")
        token, name = made.data["access_token"], fresh("Lost")
        key = fresh("lost").replace(" ", "-")
        proxy.misbehave_at(CREATE, "close")
        body = check_error(send(fishplate, token, key, {"name": name}), "OUTCOME_UNKNOWN")
        proxy.misbehave(None)
        proxy.forget()
        for _ in range(3):
            answer = send(fishplate, token, key, {"name": name})
            again = check_error(answer, "OUTCOME_UNKNOWN")
            assert replayed(answer) == "true" and again["details"] == body["details"]
        assert proxy.methods() == []


@pytest.mark.parametrize("key", ["", "two words", "\u00e4", "x" * 256])
def test_api_idempotency__keys_that_are_none(fishplate, token, key):
    body = check_error(send(fishplate, token, key, {"name": "No key"}), "PARAMETER_INVALID")
    assert set(body["errors"]) == {"Idempotency-Key"}


def test_api_idempotency__two_keys_are_none(fishplate, token):
    answer = send(fishplate, token, "one", {"name": "No key"}, headers=[("Idempotency-Key", "two")])
    check_error(answer, "PARAMETER_INVALID")
    read = fishplate.get(VENDORS, token, headers=[("Idempotency-Key", "one")])
    assert read.status == 200 and replayed(read) is None


def test_api_idempotency__a_client_that_left_finds_its_answer(fishplate, app, tryton, tmp_path):
    with Between(tryton.url, tmp_path) as proxy:
        made = fishplate.connect(app.token, {**credentials_of(tryton), "url": proxy.url}, email="left@example.com")
        token, name = made.data["access_token"], fresh("Left")
        assert fishplate.get(VENDORS + "?per_page=1", token).status == 200
        proxy.forget()
        proxy.holding = True
        client = fishplate.client()
        body = json.dumps({"name": name}).encode()
        client.send((f"POST {VENDORS} HTTP/1.1\r\nHost: {client.host}\r\nAuthorization: Bearer {token}\r\n"
                     f"Content-Type: application/json\r\nIdempotency-Key: left\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
        deadline = time.monotonic() + 20
        while not proxy.calls and time.monotonic() < deadline:
            time.sleep(0.05)
        client.close()
        proxy.holding = False
        answer = send(fishplate, token, "left", {"name": name})
        while answer.status == 409 and time.monotonic() < deadline:
            check_error(answer, "IDEMPOTENCY_IN_PROGRESS")
            time.sleep(0.1)
            answer = send(fishplate, token, "left", {"name": name})
        assert (answer.status, answer.data["name"]) == (200, name)
        assert named(tryton, name) == 1


def test_api_idempotency__holds_over_a_restart_and_a_crash(own_fishplate, tryton, tmp_path):
    server = own_fishplate
    server.start()
    app = new_app(server)
    with Between(tryton.url, tmp_path) as proxy:
        made = server.connect(app.token, {**credentials_of(tryton), "url": proxy.url})
        token, name = made.data["access_token"], fresh("Restarted")
        first = send(server, token, "kept", {"name": name})
        assert first.status == 200
        server.restart()
        again = send(server, token, "kept", {"name": name})
        assert (again.body, replayed(again)) == (first.body, "true")
        proxy.misbehave_at(CREATE, "pass_then_hang")
        lost = fresh("Crashed")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(send, server, token, "crash", {"name": lost})
            deadline = time.monotonic() + 20
            while named(tryton, lost) == 0 and time.monotonic() < deadline:
                time.sleep(0.05)
            server.signal(9)
            with pytest.raises((Closed, OSError)):
                waiting.result()
        server.stop()
        proxy.misbehave(None)
        server.start()
        assert named(tryton, lost) == 1
        answer = send(server, token, "crash", {"name": lost})
        check_error(answer, "OUTCOME_UNKNOWN")
        assert replayed(answer) == "true" and named(tryton, lost) == 1
    data = b"".join(path.read_bytes() for path in server.directory.rglob("*.db*") if path.is_file())
    assert data and b"Restarted" not in data, "answers are sealed"
