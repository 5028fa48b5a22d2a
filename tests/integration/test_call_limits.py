"""The time and the number of calls: a source that hangs costs its caller a clear 504, and a server
that holds as many calls as it may says 503 to the next one and serves again when one is over."""
# SPDX-License-Identifier: Apache-2.0
import threading

import pytest

from tests.integration.conftest import connect
from tests.integration.test_rooms_life import wait_for
from tests.systems.between import Between
from tests.systems.fishplate import SLOW, Fishplate

LIST = "/api/erp/vendors?per_page=3"
CALLS = 4


@pytest.fixture(scope="module")
def between(tryton, tmp_path_factory):
    with Between(tryton.url, tmp_path_factory.mktemp("between")) as proxy:
        yield proxy


def server_with(settings, between, tryton, folder):
    server = Fishplate(folder, settings=settings)
    server.__enter__()
    created = server.create_app()
    token = connect(server, server.app_token(created), tryton, url=between.url).token
    return server, token


@pytest.fixture(scope="module")
def impatient(between, tryton, tmp_path_factory):
    """Calls may take two seconds, sources much longer: it is the call's own time that ends."""
    server, token = server_with({"api.timeouts.call": f"{2 * SLOW}s"}, between, tryton,
                                tmp_path_factory.mktemp("impatient"))
    yield server, token
    server.__exit__(None, None, None)


@pytest.fixture(scope="module")
def small(between, tryton, tmp_path_factory):
    server, token = server_with({"api.calls": CALLS}, between, tryton,
                                tmp_path_factory.mktemp("small"))
    yield server, token
    server.__exit__(None, None, None)


def test_call_limits__a_call_is_answered_in_its_time(impatient, between):
    server, token = impatient
    between.misbehave("hang")
    answer = server.get(LIST, token, timeout=60.0)
    between.misbehave(None)
    assert (answer.status, answer.code) == (504, "SOURCE_TIMEOUT"), answer
    assert answer.json["request_id"] == answer.request_id and answer.json["next_step"]
    assert "time of the call" in str(answer.json["details"]), answer
    assert server.get(LIST, token).status == 200


def test_call_limits__one_call_more_is_refused_and_costs_nothing(small, between):
    server, token = small
    assert server.get(LIST, token).status == 200
    between.forget()
    between.holding = True
    answers = []
    callers = [threading.Thread(target=lambda: answers.append(
        server.get(f"{LIST}&filter[name:contains]=held", token, timeout=120.0)))
        for _ in range(CALLS)]
    for caller in callers:
        caller.start()
    wait_for(lambda: len(between.methods("held")) >= CALLS)
    refused = server.get(LIST, token)
    assert (refused.status, refused.code) == (503, "SERVICE_UNAVAILABLE"), refused
    assert int(refused.header("Retry-After")) > 0
    between.holding = False
    for caller in callers:
        caller.join(120.0 * SLOW)
    assert [answer.status for answer in answers] == [200] * CALLS
    assert server.get(LIST, token).status == 200
