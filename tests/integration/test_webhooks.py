"""N1: what happens to a connection or its tokens is told to the application at once, signed, and
nothing that was acknowledged is lost: not to a receiver that is down, not to a kill -9."""
# SPDX-License-Identifier: Apache-2.0
import fcntl
import json
import os
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace

import pytest

from tests.api.errors import check_error
from tests.api.world import connect, credentials_of, new_app, new_login, new_password
from tests.systems.between import Between
from tests.systems.fishplate import SLOW, CommandError, Fishplate
from tests.systems.receiver import NODE, Receiver, verify

DATA = "/api/erp/vendors"
HOOKS = "/api/system/webhooks"

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture(scope="module")
def standard():
    """npm's library, installed from the lock file; two builds are tested side by side."""
    with open(NODE / "package-lock.json") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = NODE / "node_modules" / ".lock", (NODE / "package-lock.json").read_text()
        if not stamp.exists() or stamp.read_text() != wanted:
            done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts",
                                   "--loglevel=error"], cwd=NODE, text=True, capture_output=True,
                                  timeout=600, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
            stamp.write_text(wanted)
    return verify


@pytest.fixture(scope="module")
def receiver():
    with Receiver() as server:
        yield server


@pytest.fixture(scope="module")
def world(receiver, tryton, tmp_path_factory):
    """A server that trusts the receiver, an application with a webhook, and a connection."""
    directory = tmp_path_factory.mktemp("webhooks")
    with Fishplate(directory, settings={"egress.ca_file": receiver.certificate}) as server, \
            Between(tryton.url) as between:
        app = new_app(server, "Told")
        made = server.post(HOOKS, app.token, {"url": receiver.url("/all")})
        assert made.status == 200, made
        yield SimpleNamespace(server=server, app=app, tryton=tryton, between=between,
                              hook=made.data["id"], secret=made.data["secret"])


def hook(world, receiver, path, **fields):
    made = world.server.post(HOOKS, world.app.token, {"url": receiver.url(path), **fields})
    assert made.status == 200, made
    return made.data


def deliveries(world, identifier, wanted=lambda rows: True, deadline=20.0):
    """The deliveries of a webhook, once they are as wanted."""
    end = time.monotonic() + deadline * SLOW
    while True:
        rows = world.server.all_pages(f"{HOOKS}/{identifier}/deliveries", world.app.token)
        if wanted(rows):
            return rows
        assert time.monotonic() < end, rows
        time.sleep(0.1)


def drop(world, identifier):
    assert world.server.delete(f"{HOOKS}/{identifier}", world.app.token).status == 200


def test_every_event_of_a_life_is_told_and_signed(world, receiver, standard):
    """A password changes, the customer reconnects, the source goes and comes, tokens rotate and end."""
    server, tryton = world.server, world.tryton
    login, password = new_login(), new_password()
    tryton.create_full_user(login, password)
    own = connect(server, world.app.token, tryton, name="Life", email="life@example.com",
                  url=world.between.url, username=login, password=password)
    later = new_password()
    tryton.change_password(later, login=login)
    tryton.end_sessions()
    check_error(server.get(DATA, own.token, timeout=90), "CREDENTIALS_REJECTED")
    told = receiver.wait_type("connection.authentication_required", own.id, "/all")
    data = json.loads(told.body)["data"]
    assert data["status"] == "requires_reauthorization" and data["status_reason"] == "CREDENTIALS_REJECTED"
    assert data["platform"] == "tryton" and data["request_id"].startswith("req_")
    assert b"life@example.com" not in told.body and login.encode() not in told.body

    again = connect(server, world.app.token, tryton, name="Life", email="life@example.com",
                    url=world.between.url, username=login, password=later)
    assert again.id == own.id
    receiver.wait_type("connection.reconnected", own.id, "/all")

    world.between.misbehave("close", logins=True)
    check_error(server.get(DATA, again.token, timeout=90), "SOURCE_UNREACHABLE")
    receiver.wait_type("connection.unreachable", own.id, "/all")
    world.between.misbehave(None)
    assert server.get(DATA, again.token).status == 200
    receiver.wait_type("connection.reachable", own.id, "/all")

    token = server.tokens(own.id)[0]["id"]
    fresh = server.command("token", "rotate", token, "--overlap", "60")
    told = receiver.wait_type("token.rotated", own.id, "/all")
    assert json.loads(told.body)["data"]["successor"] == fresh["id"]
    server.revoke_token(fresh["id"])
    told = receiver.wait_type("token.revoked", own.id, "/all")
    assert json.loads(told.body)["data"]["token"] == fresh["id"]
    assert fresh["access_token"].encode() not in told.body

    assert server.delete(f"/api/system/connections/{own.id}", world.app.token).status == 200
    receiver.wait_type("connection.disconnected", own.id, "/all")

    mine = receiver.of("/all")
    assert standard(world.secret, *mine) == ["good"] * len(mine)
    forged = SimpleNamespace(headers=mine[0].headers, body=mine[0].body.replace(b"data", b"Data"))
    assert standard(world.secret, forged)[0] != "good"
    assert standard("whsec_" + "A" * 43 + "=", mine[0])[0] != "good"
    for request in mine:
        assert request.headers["content-type"] == "application/json"
        assert "authorization" not in request.headers
        assert json.loads(request.body)["timestamp"].endswith("Z")
    rows = deliveries(world, world.hook, lambda rows: all(row["status"] == "delivered" for row in rows))
    assert {row["id"] for row in rows} == {request.headers["webhook-id"] for request in mine}


def test_only_what_was_asked_for(world, receiver):
    some = hook(world, receiver, "/some", events=["connection.disconnected"])
    assert some["events"] == ["connection.disconnected"]
    own = connect(world.server, world.app.token, world.tryton, name="Quiet")
    world.server.command("token", "rotate", world.server.tokens(own.id)[0]["id"])
    world.server.command("connection", "delete", own.id, "--yes")
    receiver.wait_type("connection.disconnected", own.id, "/some")
    rows = deliveries(world, some["id"])
    assert [row["event"] for row in rows] == ["connection.disconnected"]
    drop(world, some["id"])


def test_a_refusal_is_tried_again_after_half_a_minute(world, receiver):
    """The log shows the attempt, and when the next is due; a redirect is not followed."""
    retry = hook(world, receiver, "/retry")
    receiver.answers["/retry"] = [(302, {"Location": receiver.url("/elsewhere")})]
    own = connect(world.server, world.app.token, world.tryton, name="Retried")
    world.server.command("connection", "delete", own.id, "--yes")
    rows = deliveries(world, retry["id"], lambda rows: rows and rows[0]["attempts"] == 1)
    waiting = next(row for row in rows if row["status"] == "waiting")
    assert waiting["log"][0]["status"] == 302 and waiting["log"][0]["code"] == "OK"
    assert waiting["next_attempt_at"] > waiting["log"][0]["at"]
    assert not receiver.of("/elsewhere")
    drop(world, retry["id"])


def test_410_disables_and_a_test_enables(world, receiver, standard):
    gone = hook(world, receiver, "/gone", events=["token.rotated"])
    path = f"{HOOKS}/{gone['id']}"
    own = connect(world.server, world.app.token, world.tryton, name="Gone")
    receiver.answers["/gone"] = [410]
    world.server.command("token", "rotate", world.server.tokens(own.id)[0]["id"])
    deliveries(world, gone["id"], lambda rows: rows and rows[0]["status"] == "failed")
    row = world.server.get(path, world.app.token).data
    assert (row["status"], row["status_reason"]) == ("disabled", "GONE") and row["status_since"]
    # nothing is sent any more, and nothing queued
    world.server.command("token", "rotate", world.server.tokens(own.id)[0]["id"])
    rows = deliveries(world, gone["id"])
    assert len(rows) == 1
    check_error(world.server.post(f"{path}/deliveries/{rows[0]['id']}/redeliver", world.app.token),
                "STATE_CONFLICT")
    assert world.server.post(f"{path}/test", world.app.token).status == 200
    test = receiver.wait_type("webhook.test", path="/gone")
    assert standard(gone["secret"], test) == ["good"]
    deliveries(world, gone["id"], lambda rows: rows[0]["status"] == "delivered")
    assert world.server.get(path, world.app.token).data["status"] == "active"
    # the one that was refused, once more: the same id
    again = world.server.post(f"{path}/deliveries/{rows[0]['id']}/redeliver", world.app.token)
    assert again.status == 200 and again.data["status"] == "waiting"
    deliveries(world, gone["id"], lambda now: all(row["status"] == "delivered" for row in now))
    ids = [request.headers["webhook-id"] for request in receiver.of("/gone")]
    assert ids.count(rows[0]["id"]) == 2
    lines = world.server.run("audit", "search", "--action", "webhook", "--json").stdout.splitlines()
    actions = [json.loads(line)["action"] for line in lines]
    assert {"webhook.create", "webhook.delete", "webhook.state", "webhook.send"} <= set(actions)
    drop(world, gone["id"])


def test_addresses_are_checked_as_those_of_sources(world, receiver):
    """A private network that nobody allowed is not connected to, whatever the URL says."""
    inner = world.server.post(HOOKS, world.app.token, {"url": "https://169.254.169.254/latest"})
    assert inner.status == 200
    world.server.post(f"{HOOKS}/{inner.data['id']}/test", world.app.token)
    rows = deliveries(world, inner.data["id"], lambda rows: rows[0]["attempts"] == 1)
    assert rows[0]["log"][0]["code"] == "SOURCE_ADDRESS_REFUSED" and rows[0]["log"][0]["status"] == 0
    drop(world, inner.data["id"])


@pytest.mark.parametrize("body, field", [
    ({}, "url"), ({"url": 5}, "url"), ({"url": "http://example.com/x"}, "url"),
    ({"url": "ftp://example.com"}, "url"), ({"url": "https://user@example.com"}, "url"),
    ({"url": "https://example.com/#x"}, "url"), ({"url": "https://example.com/" + "a" * 3000}, "url"),
    ({"url": "https://example.com", "events": "connection.reachable"}, "events"),
    ({"url": "https://example.com", "events": ["connection.reachabel"]}, "events"),
    ({"url": "https://example.com", "events": [1]}, "events"),
    ({"url": "https://example.com", "events": []}, "events"),
    ({"url": "https://example.com", "events": ["webhook.test"]}, "events"),
])
def test_wrong_fields_are_named(world, body, field):
    answer = world.server.post(HOOKS, world.app.token, body)
    assert field in check_error(answer, "FIELD_INVALID")["errors"]


def test_applications_see_only_their_own(world, receiver):
    other = new_app(world.server, "Other")
    own = hook(world, receiver, "/own")
    path = f"{HOOKS}/{own['id']}"
    assert world.server.get(HOOKS, other.token).data == []
    check_error(world.server.get(path, other.token), "WEBHOOK_NOT_FOUND")
    check_error(world.server.get(f"{path}/deliveries", other.token), "WEBHOOK_NOT_FOUND")
    check_error(world.server.post(f"{path}/test", other.token), "WEBHOOK_NOT_FOUND")
    check_error(world.server.delete(path, other.token), "WEBHOOK_NOT_FOUND")
    world.server.post(f"{path}/test", world.app.token)
    row = deliveries(world, own["id"], lambda rows: rows and rows[0]["status"] == "delivered")[0]
    check_error(world.server.post(f"{path}/deliveries/{row['id']}/redeliver", other.token),
                "DELIVERY_NOT_FOUND")
    assert "secret" not in world.server.get(path, world.app.token).data
    drop(world, own["id"])
    check_error(world.server.get(path, world.app.token), "WEBHOOK_NOT_FOUND")


def test_eight_at_most(world, receiver):
    app = new_app(world.server, "Many")
    for number in range(8):
        made = world.server.post(HOOKS, app.token, {"url": receiver.url(f"/many/{number}")})
        assert made.status == 200
    check_error(world.server.post(HOOKS, app.token, {"url": receiver.url("/many/9")}), "TOO_MANY_WEBHOOKS")
    assert world.server.get(HOOKS, app.token).json["meta"]["total"] == 8
    world.server.command("app", "delete", app.id, "--yes")  # its webhooks go with it
    assert not [row for row in world.server.command("webhook", "list") if row["client_id"] == app.id]


def test_commands(world, receiver):
    made = world.server.command("webhook", "create", "--app", world.app.id, "--url", receiver.url("/command"),
                                "--events", "token.revoked,token.rotated")
    assert made["secret"].startswith("whsec_") and made["events"] == ["token.rotated", "token.revoked"]
    listed = world.server.command("webhook", "list", "--app", world.app.id)
    assert made["id"] in [row["id"] for row in listed] and "secret" not in listed[0]
    sent = world.server.command("webhook", "test", made["id"])
    receiver.wait_type("webhook.test", path="/command")
    deliveries(world, made["id"], lambda rows: rows[0]["status"] == "delivered")
    shown = world.server.command("webhook", "deliveries", made["id"])
    assert [row["id"] for row in shown] == [sent["id"]] and shown[0]["log"][0]["status"] == 200
    world.server.command("webhook", "redeliver", sent["id"])
    deliveries(world, made["id"], lambda rows: len(receiver.of("/command")) == 2)
    world.server.command("webhook", "delete", made["id"], "--yes")
    with pytest.raises(CommandError):
        world.server.command("webhook", "deliveries", made["id"])
    with pytest.raises(CommandError):
        world.server.command("webhook", "create", "--app", world.app.id, "--url", "http://example.com")


def test_kill_9_between_change_and_delivery_loses_nothing(receiver, tryton, tmp_path, standard):
    """The receiver is down while the connection ends; every room is killed; then both come back."""
    with Receiver() as own:
        server = Fishplate(tmp_path / "server", settings={"egress.ca_file": own.certificate})
        with server:
            app = new_app(server, "Killed")
            made = server.post(HOOKS, app.token, {"url": own.url("/kill")}).data
            world = SimpleNamespace(server=server, app=app)
            connection = connect(server, app.token, tryton)
            own.stop()
            assert server.delete(f"/api/system/connections/{connection.id}", app.token).status == 200
            rooms = server.rooms()
            for name in ("supervisor", "vault", "egress", "gateway"):
                os.kill(rooms[name], signal.SIGKILL)
            server.stop()
            needle = made["secret"].removeprefix("whsec_").encode()
            for path in (tmp_path / "server").rglob("*"):
                if path.is_file():
                    content = path.read_bytes()
                    assert needle not in content, path  # the canary: the secret is nowhere on disk
                    assert b"whsec_" not in content, path
            own.start()
            server.start()
            if server.get(f"{HOOKS}/{made['id']}", app.token).data["waiting"]:
                row = deliveries(world, made["id"])[0]
                if row["attempts"]:  # it was tried before the kill: do not wait for half a minute
                    server.command("webhook", "redeliver", row["id"])
            told = own.wait_type("connection.disconnected", connection.id, "/kill")
            assert standard(made["secret"], told) == ["good"]
            rows = deliveries(world, made["id"], lambda rows: rows[0]["status"] == "delivered")
            assert [row["event"] for row in rows] == ["connection.disconnected"]


def test_credentials_of_is_no_webhook_secret(world):
    """No personal data and no secret stands in what is kept of deliveries."""
    text = json.dumps(deliveries(world, world.hook))
    for secret in (world.secret, *[value for value in credentials_of(world.tryton).values() if len(value) > 8]):
        assert secret not in text
