"""N5: `fishplate key rotate` on a running server in front of a real Tryton: a new master key while calls
go on. Killed at any moment, the server starts with both keys and the command goes on."""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import sqlite3
import threading
import time

import pytest

from tests.api.world import connect, new_app
from tests.integration.test_key_customer import DATA, calls_all_the_time, kill_all
from tests.systems.fishplate import SLOW

KEYS = 4000


def masters(server):
    with contextlib.closing(sqlite3.connect(
            f"file:{server.directory}/data/store.db?mode=ro", uri=True)) as base:
        return {bytes(one).hex() for (one,) in
                base.execute("SELECT DISTINCT master_id FROM data_key WHERE state<>3")}


def key_id(server, name="master.key"):
    return (server.directory / name).read_text().splitlines()[1].split()[1]


@pytest.fixture
def world(own_fishplate, tryton):
    server = own_fishplate.start()
    app = new_app(server)
    return server, app, connect(server, app.token, tryton, name="Plant", email="one@plant.example")


def test_while_calls_go_on(world, tryton):
    server, app, ours = world
    old, before = key_id(server), (server.directory / "master.key").read_text()
    with calls_all_the_time(server, [ours.token]):
        report = server.command("key", "rotate")
    assert report["master_key"] == key_id(server) != old
    assert (server.directory / report["old_key_file"]).read_text() == before
    assert not (server.directory / "master.key.new").exists()
    assert report["rewrapped"] == report["keys"] == 2
    assert masters(server) == {report["master_key"]}
    # whoever comes now is wrapped by the new key, and a vault that starts anew opens with it
    late = connect(server, app.token, tryton, name="Late", email="late@plant.example")
    assert masters(server) == {report["master_key"]}
    assert server.run("key", "rotate").stdout.startswith("master key")
    assert masters(server) == {key_id(server)} != {report["master_key"]}
    assert server.stop() == 0
    server.start()
    for each in (ours, late):
        assert server.get(DATA, each.token).status == 200
    assert server.stop() == 0
    assert server.command("audit", "verify")["state"] == "intact"


def many_keys(server):
    """Rows of a customer that is not there: wrapped by the master key of now, like the rest."""
    with contextlib.closing(sqlite3.connect(server.directory / "data/store.db")) as base, base:
        columns = ("key_version, key_id, master_id, wrapped, reserved, state, created_ms, version")
        for number in range(KEYS):
            base.execute(f"INSERT INTO data_key(customer, {columns}) SELECT ?, {columns} FROM data_key "
                         "WHERE customer='system'", (f"zzz_{number:08}",))
        base.execute("UPDATE data_key SET state=3, wrapped=x'' WHERE customer LIKE 'zzz_%'")


def test_killed_while_it_goes_on(world):
    server, _app, ours = world
    assert server.stop() == 0
    many_keys(server)
    server.start()
    both = 0
    for kill in range(20):
        old = key_id(server)
        asked = threading.Thread(target=lambda: server.run("key", "rotate", check=False))
        asked.start()
        end = time.monotonic() + 20 * SLOW
        while not (server.directory / "master.key.new").exists() and asked.is_alive():
            assert time.monotonic() < end
            time.sleep(0.0002)
        time.sleep(kill * 0.001)
        kill_all(server)
        asked.join()
        server.start()  # with the old key, with both, or with the new one
        assert server.get(DATA, ours.token).status == 200
        if (server.directory / "master.key.new").exists():
            both += 1
            report = server.command("key", "rotate")
            assert report["master_key"] == key_id(server) != old
        assert masters(server) == {key_id(server)}
        assert server.get(DATA, ours.token).status == 200
    assert both >= 2, both
    assert server.stop() == 0
    assert server.command("audit", "verify")["state"] == "intact"
