"""N4, N5, S7: `fishplate customer erase` on a running server in front of a real Tryton. Nothing of the
customer opens any more, also from a backup made after; what remains in a backup made before; a
server killed at any moment goes on with it; the certificate is proven with the public key alone."""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from tests.api.errors import check_error
from tests.api.world import connect, connections, new_app
from tests.systems.fishplate import Fishplate

DATA = "/api/erp/currencies"
MAIL = "erase-me@plant.example"


def store_files(server):
    return [path for path in sorted((server.directory / "data").glob("store.db*"))
            if not path.name.endswith("-shm")]


def in_store(server, needle):
    return [path.name for path in store_files(server) if needle in path.read_bytes()]


def row(server, sql, *values):
    with contextlib.closing(sqlite3.connect(
            f"file:{server.directory}/data/store.db?mode=ro", uri=True)) as base:
        return base.execute(sql, values).fetchone()


def wrapped_key(server, customer):
    return row(server, "SELECT wrapped FROM data_key WHERE customer=?", customer)[0]


def customer_of(server, email=MAIL):
    (one,) = [each for each in server.command("customer", "list") if each["email"] == email]
    return one["id"]


@pytest.fixture
def world(own_fishplate, tryton):
    """A running server, its application, a customer with two connections, and another one."""
    server = own_fishplate.start()
    app = new_app(server)
    ours = [connect(server, app.token, tryton, name=f"Plant {number}", email=MAIL)
            for number in (1, 2)]
    other = connect(server, app.token, tryton, name="Other", email="other@plant.example")
    answer = server.post(f"/api/system/connections/{ours[0].id}/metadata", app.token,
                         [{"key": "site", "value": "canary-of-the-metadata"}])
    assert answer.status == 200, answer
    return server, app, ours, other


def erase(server, customer, *more):
    return server.command("customer", "erase", customer, "--yes", *more)


def statement_of(report):
    return json.loads(report["certificate"]["statement"])


def test_nothing_of_the_customer_is_left(world, tryton, tmp_path):
    server, app, ours, other = world
    customer = customer_of(server)
    key = wrapped_key(server, customer)
    assert server.get(DATA, ours[0].token).status == 200
    assert in_store(server, key)
    shown = server.run("customer", "erase", customer, "--dry-run").stdout
    assert MAIL in shown and "Nothing was changed" in shown
    refused = server.run("customer", "erase", customer, check=False)
    assert refused.returncode == 2 and "--yes" in refused.stderr
    assert server.get(DATA, ours[0].token).status == 200

    paper = tmp_path / "certificate.json"
    report = erase(server, customer, "--certificate", str(paper))
    # at once, from the very next call; the others do not notice
    for gone in ours:
        check_error(server.get(DATA, gone.token), "CONNECTION_DISCONNECTED")
    assert server.get(DATA, other.token).status == 200
    # while the server still runs: neither in the tables nor in their log
    assert not in_store(server, key)
    assert not in_store(server, MAIL.encode())
    rows = connections(server, app.token)
    assert {rows[gone.id]["status"] for gone in ours if gone.id in rows} <= {"erased"}
    statement = statement_of(report)
    assert statement["customer"] == customer and statement["connections"] == 2
    assert statement["keys"] == [{"version": 1, "key_id": row(
        server, "SELECT lower(hex(key_id)) FROM data_key WHERE customer=?", customer)[0]}]
    # asked again: the same certificate
    assert erase(server, customer)["certificate"] == report["certificate"]
    assert json.loads(paper.read_text()) == report["certificate"]
    # the same person may come back, as somebody new
    fresh = connect(server, app.token, tryton, name="Back", email=MAIL)
    assert server.get(DATA, fresh.token).status == 200
    assert customer_of(server) != customer
    assert server.stop() == 0
    check_log(server, customer, statement)


def check_log(server, customer, statement):
    """The record that the certificate names is there, and the log holds."""
    assert server.command("audit", "verify")["state"] == "intact"
    records = [json.loads(line) for path in sorted((server.directory / "data/audit").glob("*.jsonl"))
               for line in path.read_text().splitlines()]
    (named,) = [record for record in records if record["seq"] == statement["audit_record"]]
    assert named["action"] == "customer.erase" and named["customer"] == customer
    assert named["detail"] == {"stage": "end"} and named["result"] == "OK"
    assert "key.destroy" in {record["action"] for record in records
                             if record.get("customer") == customer}


def test_certificate_is_proven_by_the_public_key_alone(world, tmp_path):
    server, _app, _ours, _other = world
    paper, key = tmp_path / "paper.json", tmp_path / "audit.pub"
    erase(server, customer_of(server), "--certificate", str(paper))
    shutil.copy(server.directory / "data/audit/audit.pub", key)
    assert server.stop() == 0
    shutil.rmtree(server.directory)
    alone = tmp_path / "alone"
    alone.mkdir()

    def verify(path, by=key):
        return subprocess.run([str(server.binary), "customer", "verify-certificate", str(path), "--key",
                               str(by), "--json"], capture_output=True, text=True, cwd=alone,
                              check=False)

    done = verify(paper)
    assert done.returncode == 0 and json.loads(done.stdout)["type"] == "fishplate-erasure-1"
    text = paper.read_text()
    forged = tmp_path / "forged.json"
    forged.write_text(text.replace("cus_", "cus_0", 1))
    done = verify(forged)
    assert done.returncode == 1 and "CERTIFICATE_INVALID" in done.stderr
    stranger = Fishplate(tmp_path / "stranger").init()
    done = verify(paper, stranger.directory / "data/audit/audit.pub")
    assert done.returncode == 1 and "CERTIFICATE_INVALID" in done.stderr
    forged.write_text("no certificate")
    assert verify(forged).returncode == 1
    assert verify(tmp_path / "nothing").returncode == 4


def backup(server, target):
    shutil.copytree(server.directory / "data", target)
    return target


def put_back(server, copy):
    """Store and audit log of one moment, with the owners of before."""
    for old in (server.directory / "data").glob("store.db-*"):
        old.unlink()
    (server.directory / "data/store.db").write_bytes((copy / "store.db").read_bytes())
    folder = server.directory / "data/audit"
    owner = folder.stat()
    for old in folder.iterdir():
        old.unlink()
    for file in (copy / "audit").iterdir():
        shutil.copy2(file, folder / file.name)
        shutil.chown(folder / file.name, owner.st_uid, owner.st_gid)


@contextlib.contextmanager
def opened(path):
    with contextlib.closing(sqlite3.connect(path)) as base:
        with base:
            yield base
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def insert(base, table, rows):
    for each in rows:
        base.execute(f"INSERT OR REPLACE INTO {table} VALUES({','.join('?' * len(each))})", each)


@pytest.fixture
def backups(world, tmp_path):
    """The stopped server, a backup made before the erasure and one made after."""
    server, _app, ours, other = world
    customer = customer_of(server)
    assert server.stop() == 0
    early = backup(server, tmp_path / "early")
    server.start()
    erase(server, customer)
    assert server.stop() == 0
    return server, customer, ours[0], other, early, backup(server, tmp_path / "late")


def test_a_backup_made_after_opens_nothing(backups):
    """Not even with every other row of before put into it."""
    server, customer, ours, other, early, late = backups
    with opened(early / "store.db") as base:
        rows = {name: base.execute(f"SELECT * FROM {name}").fetchall()
                for name in ("connection", "credential", "token")}
    with opened(late / "store.db") as base:
        for name, each in rows.items():
            insert(base, name, each)
        assert base.execute("SELECT state, length(wrapped) FROM data_key WHERE customer=?",
                            (customer,)).fetchall() == [(3, 0)]
    put_back(server, late)
    server.start()
    assert server.get(DATA, ours.token).status >= 400
    assert server.get(DATA, other.token).status == 200


def test_a_backup_made_before_holds_the_wrapped_key(backups):
    """The limit that docs/operations.md states: it comes back with the whole of the old backup."""
    server, _customer, ours, other, early, _late = backups
    put_back(server, early)
    server.start()
    assert server.get(DATA, ours.token).status == 200
    assert server.get(DATA, other.token).status == 200


def test_key_table_kept_out_of_backups(backups):
    """The way around it: the table data_key is not in the backup, only its newest state is kept."""
    server, customer, ours, other, early, late = backups
    with opened(late / "store.db") as base:
        (table,) = base.execute("SELECT sql FROM sqlite_schema WHERE name='data_key'").fetchone()
        keys = base.execute("SELECT * FROM data_key").fetchall()
    with opened(early / "store.db") as base:
        wrapped = base.execute("SELECT wrapped FROM data_key WHERE customer=?",
                               (customer,)).fetchone()[0]
        assert len(wrapped) > 32
        base.execute("DROP TABLE data_key")
    with contextlib.closing(sqlite3.connect(early / "store.db", isolation_level=None)) as base:
        base.execute("VACUUM")
        base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert wrapped not in (early / "store.db").read_bytes()
    with opened(early / "store.db") as base:
        base.execute(table)
        insert(base, "data_key", keys)
    put_back(server, early)
    server.start()
    assert server.get(DATA, ours.token).status >= 400
    assert server.get(DATA, other.token).status == 200


def kill_all(server):
    rooms = server.rooms()
    for pid in rooms.values():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    server._process.wait()  # noqa: SLF001
    server._process = None  # noqa: SLF001


@pytest.mark.parametrize("after_ms", [0, 1, 2, 3, 5, 8, 12, 20])
def test_killed_and_asked_again(world, after_ms):
    server, _app, ours, other = world
    customer = customer_of(server)
    key = wrapped_key(server, customer)
    asked = threading.Thread(target=lambda: server.run("customer", "erase", customer, "--yes",
                                                       check=False))
    asked.start()
    end = time.monotonic() + 10
    while not erase_began(server, customer) and time.monotonic() < end:
        time.sleep(0.0005)
    time.sleep(after_ms / 1000)
    kill_all(server)
    asked.join()
    server.start()
    report = erase(server, customer)
    assert statement_of(report)["customer"] == customer
    assert not in_store(server, key) and not in_store(server, MAIL.encode())
    for gone in ours:
        check_error(server.get(DATA, gone.token), "CONNECTION_DISCONNECTED")
    assert server.get(DATA, other.token).status == 200
    assert server.stop() == 0
    assert server.command("audit", "verify")["state"] == "intact"


def erase_began(server, customer):
    return any('"customer.erase"' in line and customer in line
               for path in (server.directory / "data/audit").glob("*.jsonl")
               for line in path.read_text().splitlines())


def test_while_the_server_is_stopped(world):
    server, _app, ours, other = world
    customer = customer_of(server)
    key = wrapped_key(server, customer)
    assert server.stop() == 0
    erase(server, customer)
    assert not in_store(server, key)
    server.start()
    check_error(server.get(DATA, ours[0].token), "CONNECTION_DISCONNECTED")
    assert server.get(DATA, other.token).status == 200
