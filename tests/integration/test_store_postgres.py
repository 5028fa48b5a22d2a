"""The store in PostgreSQL: a server on it end to end, the database lost and found again, and two
nodes that share one. Rows N11, S4."""
# SPDX-License-Identifier: Apache-2.0
import shutil
import threading
import time

import pytest

from tests.api.world import connect, new_app
from tests.systems.fishplate import SLOW, Fishplate
from tests.systems.postgres import Postgres

VENDORS = "/api/erp/vendors?per_page=2"


@pytest.fixture(scope="module")
def database():
    with Postgres() as server:
        yield server


@pytest.fixture(scope="module")
def node(tmp_path_factory, database):
    """The first node: it made the store."""
    server = Fishplate(tmp_path_factory.mktemp("node") / "a")
    server.settings["store.url"] = database.location()
    with server:
        yield server


@pytest.fixture(scope="module")
def other(tmp_path_factory, node, database):
    """Another node on the same store: the same master key, an audit log of its own."""
    server = Fishplate(tmp_path_factory.mktemp("node") / "b")
    server.settings["store.url"] = database.location()
    server.directory.mkdir(parents=True, exist_ok=True)
    shutil.copy(node.directory / "master.key", server.directory / "master.key")
    with server:
        yield server


def until(look, deadline=10.0):
    """What look() gives, once it is true; the last one otherwise."""
    end = time.monotonic() + deadline * SLOW
    while True:
        value = look()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.05)


def test_store_postgres__a_server_on_it(node, tryton, database):
    app = new_app(node)
    connection = connect(node, app.token, tryton)
    answer = node.get(VENDORS, connection.token)
    assert answer.status == 200 and answer.data, answer
    assert database.sql("SELECT count(*) FROM token") != "0"
    assert not list(node.directory.rglob("store.db*"))
    assert "postgresql" in node.run("status", "--json").stdout


def test_store_postgres__the_vault_reaches_nothing_else(node):
    """N11's database is the one address: the list of protections says what holds."""
    ready = node.wait_log(lambda line: line["event"] == "room_ready" and line["name"] == "vault")
    assert ready["protections"]["seccomp"] is True
    with open(f"/proc/{node.rooms()['vault']}/status", encoding="utf-8") as status:
        assert "Seccomp:\t2" in status.read()


def test_store_postgres__issued_here_works_there_at_once(node, other, tryton):
    app = new_app(node)
    connection = connect(node, app.token, tryton)
    assert other.get(VENDORS, connection.token).status == 200
    assert other.get("/api/system/connections", app.token).status == 200


def test_store_postgres__revoked_here_is_dead_there_at_once(node, other, tryton):
    app = new_app(node)
    connection = connect(node, app.token, tryton)
    assert other.get(VENDORS, connection.token).status == 200
    assert node.delete(f"/api/system/connections/{connection.id}", app.token).status in (200, 204)
    answer = other.get(VENDORS, connection.token)
    assert answer.status == 401, answer


def test_store_postgres__erased_here_is_forgotten_there(node, other, tryton, database):
    app = new_app(node)
    connection = connect(node, app.token, tryton, email="erase@example.com")
    assert other.get(VENDORS, connection.token).status == 200
    customer = database.sql(f"SELECT customer FROM connection WHERE id='{connection.id}'")
    node.run("customer", "erase", customer, "--yes")
    assert other.get(VENDORS, connection.token).status == 401
    assert database.sql(f"SELECT sum(length(wrapped)) FROM data_key WHERE customer='{customer}'") == "0"


def test_store_postgres__both_nodes_issue_at_once(node, other):
    """Tokens of one application asked for on both at once: rows of the two never collide."""
    app = new_app(node)
    answers = []

    def ask(server):
        answers.append(server.post("/oauth/token", None, {
            "grant_type": "client_credentials", "client_id": app.id, "client_secret": app.secret}))

    threads = [threading.Thread(target=ask, args=(server,)) for server in (node, other) * 10]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 20
    tokens = {answer.json["access_token"] for answer in answers}
    assert len(tokens) == 20
    for token in list(tokens)[:4]:
        assert node.get("/api/system/connections", token).status == 200
        assert other.get("/api/system/connections", token).status == 200


def test_store_postgres__another_programs_token_is_none(node, tryton, database):
    """A row that was copied or changed by somebody who can write into the database is refused."""
    app = new_app(node)
    first = connect(node, app.token, tryton)
    second = connect(node, app.token, tryton, name="Other")
    database.sql(f"UPDATE token SET owner='{second.id}' WHERE owner='{first.id}'")
    answer = node.get(VENDORS, first.token)
    assert answer.status in (401, 500), answer
    assert node.get(VENDORS, second.token).status == 200


def test_store_postgres__lost_and_found_again(node, tryton, database):
    app = new_app(node)
    connection = connect(node, app.token, tryton)
    database.crash()
    answer = node.get(VENDORS, connection.token)
    assert (answer.status, answer.code) == (503, "STORE_UNAVAILABLE"), answer
    assert until(lambda: node.probe("/readyz").status == 503)
    body = node.probe("/readyz").json
    assert body["status"] == "store_unavailable" and "store" in body["waiting_for"]
    assert node.probe("/healthz").status == 200
    rooms = node.rooms()
    database.start()
    node.wait_ready(20.0 * SLOW)
    assert until(lambda: node.get(VENDORS, connection.token).status == 200)
    assert node.rooms() == rooms  # nothing was started anew
    assert connect(node, app.token, tryton, name="After").token


def test_store_postgres__password_and_tls(tmp_path, node):
    """Over TCP the password comes from a file, and appears in no log."""
    with Postgres(tcp=True, certificate=node.certificate,
                  key=node.certificate.with_name("key.pem")) as database:
        secret = tmp_path / "password"
        secret.write_text(database.password + "\n")
        secret.chmod(0o644)
        server = Fishplate(tmp_path / "c")
        server.settings["store.url"] = database.tcp_location(more="?sslmode=require")
        server.settings["store.password_file"] = secret
        server.settings["rooms.uid_base"] = 0  # the file is this user's
        refused = server.run("init", "--dir", str(server.directory), config=False, check=False)
        assert refused.returncode != 0 and "chmod 600" in refused.stderr, refused
        secret.chmod(0o600)
        server.run("init", "--dir", str(server.directory), "--force", config=False)
        with server:
            assert server.create_app("Over TLS", "test")["client_id"]
            used = database.sql("SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a"
                                " USING (pid) WHERE s.ssl AND a.application_name='fishplate'")
            assert int(used) >= 2
        assert database.password not in server.log_text()
        assert database.password not in database.log()


def test_store_postgres__refused_before_it_starts(tmp_path):
    """Locations that are not safe, or lead nowhere, are told by name."""
    for number, (url, text) in enumerate((
            ("postgresql://u@192.0.2.1/x?sslmode=disable", "verify-full"),
            ("postgresql://u:secret@127.0.0.1/x", "store.password_file"),
            ("postgresql://u@127.0.0.1:1/x", "refused"),
            ("nonsense", "location"))):
        server = Fishplate(tmp_path / str(number))
        server.settings["store.url"] = url
        done = server.run("init", "--dir", str(server.directory), config=False, check=False)
        assert done.returncode != 0 and text in done.stderr, (url, done)
        assert "secret" not in done.stderr.replace("store.password_file", "")
