"""Sessions and sockets to a source: one log-in for all calls of a connection, one new log-in when the
source forgets the session, none after a rejection; sockets kept alive, never shared between two
connections, gone with a disconnect."""
# SPDX-License-Identifier: Apache-2.0
import threading

import pytest

from tests.integration.conftest import connect, credentials_of
from tests.systems.between import Between

LIST = "/api/erp/vendors?per_page=3"


@pytest.fixture
def between(tryton, tmp_path):
    with Between(tryton.url, tmp_path) as proxy:
        yield proxy


def through(fishplate, app, tryton, between):
    answer = fishplate.connect(app.token, {**credentials_of(tryton), "url": between.url})
    assert answer.status == 200, answer
    return answer.json["data"]


def at_once(count, work):
    results = [None] * count

    def run(index):
        results[index] = work(index)
    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_source_sessions__parallel_calls_share_one_login(fishplate, app, tryton, between):
    token = through(fishplate, app, tryton, between)["access_token"]
    between.forget()
    between.pause = 0.3  # so that all of them come while the first one logs in
    answers = at_once(8, lambda _: fishplate.get(LIST, token))
    assert [answer.status for answer in answers] == [200] * 8
    assert between.logins() == 1
    between.pause = 0.0
    assert fishplate.get(LIST, token).status == 200
    assert between.logins() == 1  # kept


def test_source_sessions__one_new_login_when_the_source_forgets(fishplate, app, tryton, between):
    token = through(fishplate, app, tryton, between)["access_token"]
    assert fishplate.get(LIST, token).status == 200
    between.forget()
    between.misbehave("unauthorized", times=1)
    assert fishplate.get(LIST, token).status == 200
    assert between.logins() == 1
    # for ever: one more log-in, then an error, and no storm of log-ins
    between.forget()
    between.misbehave("unauthorized")
    answer = fishplate.get(LIST, token)
    assert answer.status in (401, 502), answer
    assert between.logins() <= 1


def test_source_sessions__sockets_are_kept_and_not_shared(fishplate, app, tryton, between):
    first = through(fishplate, app, tryton, between)["access_token"]
    second = through(fishplate, app, tryton, between)["access_token"]
    between.forget()
    for _ in range(5):
        for token in (first, second):
            assert fishplate.get(LIST, token).status == 200
    sessions = {}
    for number, _, authorization in between.calls:
        if authorization:
            sessions.setdefault(number, set()).add(authorization)
    assert all(len(seen) == 1 for seen in sessions.values())  # one session per socket
    assert len({next(iter(seen)) for seen in sessions.values()}) == 2
    assert len(sessions) <= 8  # 20 calls: sockets are reused


def test_source_sessions__a_rejected_password_is_tried_once(own_tryton, fishplate, app, tmp_path):
    with Between(own_tryton.url, tmp_path) as between:
        token = through(fishplate, app, own_tryton, between)["access_token"]
        assert fishplate.get(LIST, token).status == 200
        own_tryton.change_password("Zk7-quiet-Harbor9")
        between.misbehave("unauthorized", times=8)  # its sessions are gone
        between.forget()
        answers = at_once(4, lambda _: fishplate.get(LIST, token))
        assert {answer.status for answer in answers} == {401}, answers
        assert {answer.code for answer in answers} <= {"CREDENTIALS_REJECTED",
                                                       "REAUTHORIZATION_REQUIRED"}
        assert between.logins() == 1
        # the very next request already meets the new state; the source is not asked
        between.forget()
        answer = fishplate.get(LIST, token)
        assert (answer.status, answer.code) == (401, "REAUTHORIZATION_REQUIRED"), answer
        assert "invalid_token" in answer.header("WWW-Authenticate")
        assert between.calls == []


def test_source_sessions__a_disconnect_drops_session_and_sockets(fishplate, app, tryton, between):
    made = through(fishplate, app, tryton, between)
    token = made["access_token"]
    assert fishplate.get(LIST, token).status == 200
    between.forget()
    assert fishplate.delete(f"/api/system/connections/{made['key']}", app.token).status == 200
    answer = fishplate.get(LIST, token)
    assert answer.status == 401, answer
    assert between.calls == []


def test_source_sessions__a_slow_client_stops_nobody(fishplate, app, tryton, between):
    """Answers that nobody reads wait in egress; others pass."""
    token = through(fishplate, app, tryton, between)["access_token"]
    with fishplate.client() as slow:
        for _ in range(16):
            slow.send(f"GET /api/erp/products?per_page=500 HTTP/1.1\r\nHost: localhost\r\n"
                      f"Authorization: Bearer {token}\r\n\r\n".encode())
        for _ in range(5):
            assert fishplate.get(LIST, token).status == 200
        for _ in range(16):
            answer = slow.receive()
            assert answer.status == 200
            assert len(answer.data) > 100
