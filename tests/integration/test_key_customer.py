"""N5, S7: `fishplate key rotate --customer` on a running server in front of a real Tryton. Calls go on
all the time; a server killed at any moment takes the rotation up by itself; in the end nothing is
sealed with the old key, and everything opens."""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
import signal
import sqlite3
import struct
import threading
import time

import pytest

from tests.api.world import connect, new_app
from tests.systems.fishplate import SLOW

DATA = "/api/erp/currencies"
MAIL = "rotate-me@plant.example"
CONNECTIONS = 18
REPLACED, RETIRED, ACTIVE = 4, 2, 1


def rows(server, sql, *values):
    with contextlib.closing(sqlite3.connect(
            f"file:{server.directory}/data/store.db?mode=ro", uri=True)) as base:
        return base.execute(sql, values).fetchall()


def states(server, customer):
    return dict(rows(server, "SELECT key_version, state FROM data_key WHERE customer=?", customer))


def key_versions(server, customer):
    """The key versions that anything of the customer is sealed with (byte 17 on of a record)."""
    sealed = rows(server, "SELECT sealed FROM credential JOIN connection ON connection.id=connection "
                  "WHERE customer=?", customer)
    sealed += rows(server, "SELECT content FROM metadata JOIN connection ON connection.id=connection "
                   "WHERE customer=?", customer)
    assert len(sealed) == CONNECTIONS + 1
    return {struct.unpack(">I", one[17:21])[0] for (one,) in sealed}


@pytest.fixture
def world(own_fishplate, tryton):
    server = own_fishplate.start()
    app = new_app(server)
    ours = [connect(server, app.token, tryton, name=f"Plant {number}", email=MAIL)
            for number in range(CONNECTIONS)]
    other = connect(server, app.token, tryton, name="Other", email="other@plant.example")
    answer = server.post(f"/api/system/connections/{ours[0].id}/metadata", app.token,
                         [{"key": "site", "value": "plant"}])
    assert answer.status == 200, answer
    (customer,) = [each["id"] for each in server.command("customer", "list") if each["email"] == MAIL]
    return server, customer, ours, other


@contextlib.contextmanager
def calls_all_the_time(server, tokens):
    """Calls in a thread; none of them may fail."""
    answers, over = [], threading.Event()

    def run():
        while not over.is_set():
            answers.extend(server.get(DATA, token).status for token in tokens)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()
    assert answers and set(answers) == {200}


def test_while_calls_go_on(world):
    server, customer, ours, other = world
    with calls_all_the_time(server, [ours[0].token, ours[-1].token, other.token]) as answers:
        report = server.command("key", "rotate", "--customer", customer)
        before = len(answers)
        assert report["state"] == "done" and report["version"] == 2, report
        assert report["resealed"] == CONNECTIONS + 1 and report["unopened"] == 0
        end = time.monotonic() + 20 * SLOW
        while len(answers) < before + 3 and time.monotonic() < end:
            time.sleep(0.01)
    assert states(server, customer) == {1: RETIRED, 2: ACTIVE}
    assert key_versions(server, customer) == {2}
    for each in ours:
        assert server.get(DATA, each.token).status == 200
    shown = {(row["customer"], row["version"]): row["state"] for row in server.command("key", "status")}
    assert shown[customer, 1] == "retired" and shown[customer, 2] == "active"
    # stopped, by the command line itself
    assert server.stop() == 0
    report = server.command("key", "rotate", "--customer", customer)
    assert report["state"] == "done" and report["version"] == 3, report
    assert key_versions(server, customer) == {3}
    # the table for people
    assert "records sealed anew" in server.run("key", "rotate", "--customer", customer).stdout
    refused = server.run("key", "rotate", "--customer", "cus_00000000000000000000000000", check=False)
    assert refused.returncode != 0 and "CUSTOMER_NOT_FOUND" in refused.stderr
    server.start()
    assert server.get(DATA, ours[0].token).status == 200
    assert server.stop() == 0
    assert server.command("audit", "verify")["state"] == "intact"


def kill_all(server):
    for pid in server.rooms().values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server._process.wait()  # noqa: SLF001
    server._process = None  # noqa: SLF001


def wait_until(what, seconds=30):
    end = time.monotonic() + seconds * SLOW
    while not what():
        assert time.monotonic() < end
        time.sleep(0.0005)


def test_killed_twenty_times(world):
    """Each time a little later in the work; the server takes it up when it starts."""
    server, customer, ours, other = world
    interrupted, newest = 0, 1
    for kill in range(20):
        asked = threading.Thread(target=lambda: server.run(
            "key", "rotate", "--customer", customer, check=False))
        asked.start()
        wait_until(lambda: len(states(server, customer)) > newest)  # noqa: B023
        newest += 1
        time.sleep(kill * 0.0004)
        kill_all(server)
        asked.join()
        found = states(server, customer)
        assert found[newest] == ACTIVE
        interrupted += found[newest - 1] == REPLACED
        server.start()
        assert server.get(DATA, ours[kill % CONNECTIONS].token).status == 200
        wait_until(lambda: states(server, customer)[newest - 1] == RETIRED)  # noqa: B023
        newest = max(states(server, customer))
        assert key_versions(server, customer) == {newest}
        assert server.get(DATA, other.token).status == 200
    assert interrupted >= 5, interrupted
    for each in ours:
        assert server.get(DATA, each.token).status == 200
    assert server.stop() == 0
    assert server.command("audit", "verify")["state"] == "intact"
