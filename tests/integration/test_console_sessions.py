"""S23: sessions of the dashboard: one-time links, passwords, cookie, second factor, throttle, confirmation;
requests of other sites and fixed sessions are refused. N12: each log-in, log-out, view and change of an
operator is an audit record, with the reason where the role has to give one."""
# SPDX-License-Identifier: Apache-2.0
import os
import signal
import sqlite3

import pytest

from tests.systems.console import (OWNER, PASSWORD, Console, operator_of, owner_of, records,
                                   totp)
from tests.systems.fishplate import Fishplate


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Fishplate(tmp_path_factory.mktemp("console")).use_console().start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def owner(server):
    return owner_of(server)


def test_the_first_link_works_once_and_wants_a_good_password(server, owner):
    assert server.invitation.startswith(server.console_url + "/#/welcome/")
    me = owner.get("/session").data
    assert (me["email"], me["role"], me["state"]) == (OWNER, "owner", "active")
    again = Console(server).post("/invitation/accept", link=server.invitation.rsplit("/", 1)[1],
                                 name="Eve", email="eve@example.com", password=PASSWORD)
    assert (again.status, again.code) == (410, "OPERATOR_LINK_INVALID")
    link = owner.post("/operators", email="new@example.com", role="auditor").data["url"]
    for password in ("short", "password1234567", "aaaaaaaaaaaaaaaaaaaa", "new@example.com.new",
                     "123456789012345678"):
        answer = Console(server).post("/invitation/accept", link=link.rsplit("/", 1)[1],
                                      name="New", password=password)
        assert (answer.status, answer.code) == (422, "FIELD_INVALID"), password
        assert [row["field"] for row in answer.json["errors"]] == ["password"]
    assert Console(server).accept(link, email="new@example.com").get("/session").data["role"] \
        == "auditor"


def test_the_cookie_is_kept_from_scripts_and_other_sites(server, owner):
    answer = Console(server).sign_in()
    cookie = answer.header("Set-Cookie")
    assert cookie.startswith("__Host-fishplate=")
    assert cookie.split("; ")[1:] == ["Path=/", "Secure", "HttpOnly", "SameSite=Strict"]
    assert answer.header("Cache-Control") == "no-store"
    token = cookie.split(";")[0].split("=", 1)[1]
    # only its hash is kept
    for path in server.directory.glob("data/store.db*"):
        assert token.encode() not in path.read_bytes(), path
    assert PASSWORD.encode() not in (server.directory / "data/store.db").read_bytes()


def test_a_session_that_was_planted_before_is_not_taken_over(server, owner):
    planted = Console(server, cookie="A" * 43)
    answer = planted.sign_in()
    assert answer.status == 200 and planted.cookie != "A" * 43
    assert Console(server, cookie="A" * 43).get("/session").code == "SESSION_MISSING"
    two = Console(server)
    two.cookie = planted.cookie
    twice = two.ask("GET", "/session", headers={
        "Cookie": f"__Host-fishplate={'B' * 43}; __Host-fishplate={two.cookie}"})
    assert twice.code == "SESSION_MISSING"


def test_requests_of_other_sites_are_refused(server, owner):
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"},
                    {"Origin": server.console_url.replace("https", "http")},
                    {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
        answer = owner.ask("POST", "/session/confirm", {"password": PASSWORD}, headers=headers)
        assert (answer.status, answer.code) == (403, "ORIGIN_REFUSED"), headers
    bare = owner.raw("GET", "/api/overview", own=False)
    assert (bare.status, bare.code) == (403, "ORIGIN_REFUSED")
    form = owner.raw("POST", "/api/session/confirm", {"password": PASSWORD},
                     headers={"Origin": server.console_url}, own=False)
    assert form.code == "ORIGIN_REFUSED"
    no_origin = owner.raw("POST", "/api/session/confirm", {"password": PASSWORD},
                          headers={"X-Fishplate-Console": "1"}, own=False)
    assert no_origin.code == "ORIGIN_REFUSED"
    typed = owner.ask("POST", "/session/confirm", {"password": PASSWORD},
                      headers={"Content-Type": "text/plain"})
    assert typed.status == 415


def test_signing_out_ends_the_session_at_once(server, owner):
    other = Console(server)
    assert other.sign_in().status == 200
    cookie = other.cookie
    answer = other.ask("DELETE", "/session")
    assert answer.status == 200 and "Max-Age=0" in answer.header("Set-Cookie")
    assert Console(server, cookie).get("/overview").code == "SESSION_MISSING"
    assert records(server, action="operator.logout")


def test_somebody_sees_and_ends_their_own_sessions(server, owner):
    person = operator_of(server, owner, "auditor", "two@example.com")
    other = Console(server)
    assert other.sign_in("two@example.com").status == 200
    rows = person.get("/sessions").data
    assert [row["current"] for row in rows] == [False, True]  # the newest first
    assert {row["address"] for row in rows} == {"127.0.0.1"}
    theirs = owner.get("/sessions").data[0]["id"]
    assert person.post(f"/sessions/{theirs}/end").code == "STORE_NOT_FOUND"
    assert person.post(f"/sessions/{rows[0]['id']}/end").status == 200
    assert other.get("/session").code == "SESSION_MISSING"
    assert person.get("/session").status == 200 and owner.get("/session").status == 200


def test_a_second_factor_is_asked_for_and_each_code_is_good_once(server, owner):
    person = operator_of(server, owner, "administrator")
    secret = person.post("/session/totp").data["secret"]
    assert person.post("/session/totp/confirm", code="000000").code == "FIELD_INVALID"
    code = totp(secret)
    assert person.post("/session/totp/confirm", code=code).data["totp"] is True
    fresh = Console(server)
    email = "administrator@example.com"
    assert fresh.sign_in(email).code == "CODE_REQUIRED"
    assert fresh.sign_in(email, code=code).code == "SIGN_IN_FAILED"  # used already
    assert fresh.sign_in(email, "wrong password, yes", code=totp(secret, 1)).code \
        == "SIGN_IN_FAILED"
    assert fresh.sign_in(email, code=totp(secret, 1)).status == 200
    # the way back: an owner's new link; the second factor is gone with the old password
    link = owner.post("/operators", email=email, role="administrator").data["url"]
    Console(server).accept(link, email=email, password=PASSWORD + " neu")
    assert fresh.get("/session").code == "SESSION_MISSING"
    assert Console(server).sign_in(email, PASSWORD + " neu").status == 200


def test_guessing_slows_down_whether_there_is_such_a_person_or_not(server, owner):
    operator_of(server, owner, "auditor", "slow@example.com")
    for email in ("slow@example.com", "nobody@example.com"):
        codes = [Console(server).sign_in(email, "a wrong password").code for _ in range(5)]
        assert codes[0] == "SIGN_IN_FAILED"
        assert codes[-1] in ("SIGN_IN_FAILED", "RATE_LIMITED")
        refused = Console(server).sign_in(email, "a wrong password")
        assert (refused.status, refused.code) == (429, "RATE_LIMITED")
        assert 1 <= int(refused.header("Retry-After")) <= 300
    found = records(server, action="operator.login", result="SIGN_IN_FAILED")
    assert {"operator", "unknown"} == {row["actor"] for row in found}


def test_a_support_person_says_why_and_it_is_on_record(server, owner):
    person = operator_of(server, owner, "support")
    assert person.get("/connections").code == "REASON_REQUIRED"
    person.reason = "Ticket 4711: Müller"
    assert person.get("/connections").status == 200
    row = records(server, action="connection.view")[-1]
    assert row["actor"] == "operator" and row["detail"]["reason"] == "Ticket 4711: Müller"
    assert person.get("/audit").code == "ROLE_FORBIDDEN"
    assert records(server, action="operator.view", result="ROLE_FORBIDDEN")


def test_disabling_ends_every_session_and_the_last_owner_stays(server, owner):
    person = operator_of(server, owner, "auditor", "gone@example.com")
    identifier = person.get("/session").data["id"]
    assert owner.post(f"/operators/{identifier}/disable").data["state"] == "disabled"
    assert person.get("/overview").code == "SESSION_MISSING"
    me = owner.get("/session").data["id"]
    assert owner.post(f"/operators/{me}/disable").code == "OPERATOR_LAST_OWNER"
    assert owner.get("/session").status == 200
    listed = {row["email"]: row["state"] for row in server.command("operator", "list")}
    assert listed["gone@example.com"] == "disabled" and listed[OWNER] == "active"


def test_the_command_line_invites_and_disables(server, owner):
    made = server.command("operator", "invite", "--email", "cli@example.com", "--role", "support")
    assert made["role"] == "support" and made["url"].startswith(server.console_url)
    assert made["state"] == "invited"
    done = server.run("operator", "disable", "cli@example.com", "--yes", "--json")
    assert '"disabled"' in done.stdout
    late = Console(server).post("/invitation", link=made["url"].rsplit("/", 1)[1])
    assert late.code == "OPERATOR_LINK_INVALID"
    wrong = server.run("operator", "invite", "--role", "king", check=False)
    assert wrong.returncode != 0 and "owner, administrator" in wrong.stderr


def test_a_row_that_another_program_wrote_is_no_session(tmp_path):
    server = Fishplate(tmp_path / "short", settings={"console.idle": "1m", "console.session": "2m"})
    with server.use_console().start():
        owner = owner_of(server)
        assert owner.get("/session").data["idle_seconds"] == 60
        server.stop()
        with sqlite3.connect(server.directory / "data/store.db") as store:
            store.execute("UPDATE session SET expires_ms = expires_ms + 1000000000")
        server.start()
        assert owner.get("/session").code == "UNSEAL_FAILED"
        server.stop()
        with sqlite3.connect(server.directory / "data/store.db") as store:
            store.execute("UPDATE session SET expires_ms = expires_ms - 1000000000")
            store.execute("UPDATE person SET role = 4")
        server.start()
        assert owner.get("/session").code == "UNSEAL_FAILED"


def test_a_sealed_vault_says_so_and_a_room_that_ends_comes_back(tmp_path):
    server = Fishplate(tmp_path / "sealed", passphrase="a passphrase of many words")
    server.use_console().start(wait=False)
    try:
        server.wait_sealed(20)
        answer = Console(server).sign_in()
        assert (answer.status, answer.code) == (503, "SEALED")
        assert Console(server).raw("GET", "/", own=False).status == 200
        server.unseal()
        server.wait_ready()
        owner = owner_of(server)
        before = server.rooms()["console"]
        os.kill(before, signal.SIGKILL)
        server.wait_log(lambda line: line.get("event") == "room_ready"
                        and line.get("name") == "console" and line.get("starts") == 2)
        assert owner.get("/overview").status == 200  # the session is the vault's
        server.signal(signal.SIGHUP)
        server.wait_log(lambda line: line.get("event") == "certificate_loaded"
                        and line.get("room") == "console")
        assert owner.get("/overview").status == 200
    finally:
        server.stop()


def test_no_secret_of_an_operator_is_written_anywhere(server, owner):
    """Last: what all tests above typed and got stands in no log, store, record or room's output."""
    person = operator_of(server, owner, "auditor", "canary@example.com")
    secret = person.post("/session/totp").data["secret"]
    link = owner.post("/operators", email="link@example.com", role="auditor").data["url"]
    wanted = [PASSWORD, person.cookie, owner.cookie, secret, link.rsplit("/", 1)[1],
              server.invitation.rsplit("/", 1)[1]]
    server.stop()
    for path in sorted(server.directory.rglob("*")):
        if path.is_file():
            data = path.read_bytes()
            for text in wanted:
                assert text.encode() not in data, (path, text)
    server.start()
