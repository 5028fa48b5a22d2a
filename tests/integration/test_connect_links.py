"""S2 S5 N17: connect links and what a connect page asks for: single use, expiry, pages that say what to
do, requests of other sites refused, and a gateway that sees no credential."""
# SPDX-License-Identifier: Apache-2.0
import json
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api.errors import check_error
from tests.api.sealed import base64url, seal
from tests.api.world import connect, connections, credentials_of, new_app

LINKS = "/api/system/connect-links"


def new_link(server, app, **fields):
    answer = server.post(LINKS, app.token, {"name": "Plant", "email": "p@plant.test", **fields})
    assert answer.status == 200, answer
    return answer.data["url"].rsplit("/", 1)[1]


def ask(server, what, body, headers=None):
    """What the page itself would send."""
    with server.client(90.0) as client:
        client.host = f"localhost:{server.port}"
        return client.request("POST", f"/connect/api/{what}", body=body, headers=[
            ("Origin", server.url)] if headers is None else headers)


def opened(server, link):
    answer = ask(server, "open", {"link": link})
    assert answer.status == 200, answer
    return answer.data


def send(server, link, credentials, platform="tryton", **other):
    page = opened(server, link)
    box = seal(page["public_key"], page["info"], platform, credentials)
    return ask(server, "send", {"link": link, "platform": platform, **box, **other})


def test_link_connects_once_and_shows_no_token(fishplate, app, tryton):
    link = new_link(fishplate, app, platforms=["tryton"], return_url="https://app.test/back")
    answer = send(fishplate, link, credentials_of(tryton))
    assert answer.status == 200, answer
    identifier = answer.data["connection"]
    assert answer.data["return_url"] == (
        f"https://app.test/back?connection={identifier}&status=connected")
    assert b"fp_" not in answer.body
    assert connections(fishplate, app.token)[identifier]["status"] == "active"
    issued = fishplate.post(f"/api/system/connections/{identifier}/token", app.token)
    assert fishplate.get("/api/erp/vendors?per_page=1", issued.data["token"], timeout=90).status == 200
    # used: the page, what it asks, and what it sends
    page = fishplate.get(f"/connect/{link}")
    assert page.status == 410 and b"used already" in page.body
    check_error(ask(fishplate, "open", {"link": link}), "CONNECT_LINK_USED")
    again = {"link": link, "platform": "tryton", "enc": base64url(b"\x04" * 65),
             "sealed": base64url(bytes(40))}
    check_error(ask(fishplate, "send", again), "CONNECT_LINK_USED")


def test_of_many_at_once_one_wins(fishplate, app, tryton):
    before = len(connections(fishplate, app.token))
    link = new_link(fishplate, app, email="many@plant.test", name="Many")
    page = opened(fishplate, link)
    boxes = [seal(page["public_key"], page["info"], "tryton", credentials_of(tryton))
             for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda box: ask(fishplate, "send", {
            "link": link, "platform": "tryton", **box}), boxes))
    # the others: used already, or too many at once for the row to be counted in (409)
    assert [answer.status for answer in answers].count(200) == 1, answers
    assert {answer.status for answer in answers} <= {200, 409, 410}, answers
    assert len(connections(fishplate, app.token)) == before + 1


def test_expiry_and_unknown_links_say_what_to_do(fishplate, app):
    link = new_link(fishplate, app, expires_in=1)
    end = time.monotonic() + 10
    while (page := fishplate.get(f"/connect/{link}")).status == 200 and time.monotonic() < end:
        time.sleep(0.1)
    assert page.status == 410 and b"has expired" in page.body and b"new one" in page.body
    german = fishplate.get(f"/connect/{link}", headers=[("Accept-Language", "de-DE,de;q=0.9")])
    assert "abgelaufen" in german.body.decode() and b'lang="de"' in german.body
    check_error(ask(fishplate, "open", {"link": link}), "CONNECT_LINK_EXPIRED")
    other = link[:-8] + ("A" if link[-8] != "A" else "B") + link[-7:]
    for path in (other, "x", "fplink_" + "0" * 49, app.token):
        page = fishplate.get(f"/connect/{path}")
        assert page.status == 404 and b"does not exist" in page.body
    check_error(ask(fishplate, "open", {"link": other}), "CONNECT_LINK_UNKNOWN")


def test_wrong_password_stores_nothing_and_attempts_are_limited(fishplate, app, tryton):
    before = connections(fishplate, app.token)
    link = new_link(fishplate, app)
    left = opened(fishplate, link)["attempts_left"]
    # refused before anything is sent to a source: an address that is not allowed costs no time
    for count in range(left):
        answer = send(fishplate, link, credentials_of(tryton, url="http://10.9.9.9"))
        assert answer.code == "SOURCE_ADDRESS_REFUSED", answer
        if count == 0:
            assert opened(fishplate, link)["attempts_left"] == left - 1
    check_error(ask(fishplate, "open", {"link": link}), "CONNECT_LINK_EXHAUSTED")
    assert b"too often" in fishplate.get(f"/connect/{link}").body
    assert connections(fishplate, app.token) == before
    link = new_link(fishplate, app)
    answer = send(fishplate, link, credentials_of(tryton, password="wr0ng-canary-password"))
    assert (answer.status, answer.code) == (422, "CREDENTIALS_REJECTED"), answer
    assert answer.header("WWW-Authenticate") is None
    assert opened(fishplate, link)["attempts_left"] == left - 1


def test_seal_is_bound_to_link_and_platform(fishplate, app, tryton):
    first, second = new_link(fishplate, app), new_link(fishplate, app)
    page = opened(fishplate, first)
    box = seal(page["public_key"], page["info"], "tryton", credentials_of(tryton))
    body = {"link": second, "platform": "tryton", **box}
    check_error(ask(fishplate, "send", body), "CONNECT_SEAL_INVALID")
    box = seal(page["public_key"], page["info"], "odoo", credentials_of(tryton))
    check_error(ask(fishplate, "send", {"link": first, "platform": "tryton", **box}),
                "CONNECT_SEAL_INVALID")
    limited = new_link(fishplate, app, platforms=["odoo"])
    check_error(send(fishplate, limited, credentials_of(tryton)), "PLATFORM_UNKNOWN")


def test_other_sites_can_send_nothing(fishplate, app):
    link = new_link(fishplate, app)
    origins = [[], [("Origin", "https://evil.test")], [("Origin", "null")],
               [("Origin", fishplate.url + ".evil.test")],
               [("Origin", fishplate.url), ("Origin", "https://evil.test")],
               [("Origin", fishplate.url), ("Sec-Fetch-Site", "cross-site")]]
    for headers in origins:
        check_error(ask(fishplate, "open", {"link": link}, headers), "ORIGIN_REFUSED")
    answer = ask(fishplate, "open", json.dumps({"link": link}).encode(), [
        ("Origin", fishplate.url), ("Content-Type", "text/plain")])
    assert answer.code == "REQUEST_MEDIA_TYPE_UNSUPPORTED", answer
    assert fishplate.get("/connect/api/open").status == 405
    assert fishplate.post(f"/connect/{link}", body={}).status == 405


@pytest.mark.parametrize("body", [
    {}, {"link": 1}, {"link": "x", "page": 0}, {"link": "x" * 200}, [], "x",
    {"link": "x", "page": "1"}])
def test_bad_bodies_of_pages(fishplate, body):
    answer = ask(fishplate, "platforms", body)
    assert answer.code in ("REQUEST_BODY_INVALID", "CONNECT_LINK_UNKNOWN"), answer
    answer = ask(fishplate, "send", body)
    assert answer.code == "REQUEST_BODY_INVALID", answer


def test_headers_of_pages(fishplate, app):
    link = new_link(fishplate, app)
    for path in (link, "unknown", "files/connect.js", "files/connect.css", "files/messages.json"):
        answer = fishplate.get(f"/connect/{path}")
        policy = answer.header("Content-Security-Policy")
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.header("X-Frame-Options") == "DENY"
        assert answer.header("Referrer-Policy") == "no-referrer"
        assert answer.header("X-Content-Type-Options") == "nosniff"
        assert answer.header("Access-Control-Allow-Origin") is None
        assert b"http://" not in answer.body.replace(b"http://www.w3.org/2000/svg", b"").replace(
            b"https?:", b"")
        assert link.encode() not in answer.body
    assert fishplate.get("/connect/files/../secret").status in (400, 404)
    assert fishplate.get("/connect/files/none.js").status == 404


@pytest.mark.parametrize("fields,wrong", [
    ({"name": ""}, "name"), ({"email": "no"}, "email"), ({"platforms": "tryton"}, "platforms"),
    ({"platforms": ["<b>"]}, "platforms"), ({"platforms": [1]}, "platforms"),
    ({"return_url": "javascript:alert(1)"}, "return_url"),
    ({"return_url": "http://app.test/"}, "return_url"), ({"expires_in": 0}, "expires_in"),
    ({"expires_in": 99999999}, "expires_in"), ({"expires_in": "1"}, "expires_in")])
def test_bad_links_are_refused_by_field(fishplate, app, fields, wrong):
    answer = fishplate.post(LINKS, app.token, {"name": "P", "email": "p@plant.test", **fields})
    assert wrong in check_error(answer, "FIELD_INVALID")["errors"]


def test_reconnect_supersedes_and_belongs_to_the_application(fishplate, app, tryton):
    old = connect(fishplate, app.token, tryton, name="Anew", email="anew@plant.test")
    other = new_app(fishplate)
    answer = fishplate.post(LINKS, other.token, {"name": "P", "email": "p@plant.test",
                                                 "connection": old.id})
    check_error(answer, "CONNECTION_NOT_FOUND")
    link = new_link(fishplate, app, connection=old.id)
    assert opened(fishplate, link)["reconnect"] == {"name": "Anew", "platform": "tryton"}
    answer = send(fishplate, link, credentials_of(tryton))
    assert answer.status == 200 and answer.data["connection"] == old.id, answer
    check_error(fishplate.get("/api/erp/vendors", old.token), "TOKEN_SUPERSEDED")


def test_markup_stays_text(fishplate, app, tryton):
    mark = "<script>alert(1)</script>\"'&"
    own = new_app(fishplate, name=mark)
    link = new_link(fishplate, own, name=mark, email="m@plant.test")
    assert mark.encode() not in fishplate.get(f"/connect/{link}").body
    page = opened(fishplate, link)
    assert (page["application"], page["name"]) == (mark, mark)


def test_no_secret_leaves_a_trace(fishplate, app, tryton):
    """The link's token and the password are in no log, no record and no column of the store."""
    canary = "canary-Passw0rd-7f3a"
    link = new_link(fishplate, app, email="trace@plant.test")
    fishplate.get(f"/connect/{link}")
    send(fishplate, link, credentials_of(tryton, password=canary))
    assert send(fishplate, link, credentials_of(tryton)).status == 200
    for path in fishplate.directory.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert canary.encode() not in data, path
            assert link.encode() not in data, path
    store = next(fishplate.directory.rglob("*.db"))
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        count = db.execute("SELECT count(*) FROM connect_link WHERE length(hash) = 32").fetchone()
    assert count[0] > 0


def test_command_line_makes_links(fishplate, app):
    made = fishplate.command("connection", "link", "--app", app.id, "--name", "Plant", "--email",
                             "p@plant.test", "--platforms", "tryton", "--expires-in", "60")
    page = opened(fishplate, made["url"].rsplit("/", 1)[1])
    assert page["platforms"] == ["tryton"]
    searched = fishplate.run("audit", "search", "--action", "connect_link", "--json").stdout
    assert made["id"] in searched and made["url"].rsplit("/", 1)[1] not in searched


def test_links_outlive_a_restart(own_fishplate, tryton):
    server = own_fishplate.start()
    own = new_app(server)
    link = new_link(server, own)
    page = opened(server, link)
    box = seal(page["public_key"], page["info"], "tryton", credentials_of(tryton))
    server.restart()
    answer = ask(server, "send", {"link": link, "platform": "tryton", **box})
    assert answer.status == 200, answer
