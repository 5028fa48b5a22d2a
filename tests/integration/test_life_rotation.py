"""S5 S10 N5: tokens are replaced without an outage, and systems connected again from the command line."""
# SPDX-License-Identifier: Apache-2.0
import json

from tests.api.errors import check_error
from tests.api.world import connect, connections, new_login, new_password

DATA = "/api/erp/purchase-orders"


def only_token(fishplate, owner):
    rows = [row for row in fishplate.command("token", "list", owner) if row["status"] == "active"]
    assert len(rows) == 1
    return rows[0]["id"]


def test_s10_rotation_leaves_no_gap(fishplate, app, tryton):
    own = connect(fishplate, app.token, tryton, name="Rotating")
    old = only_token(fishplate, own.id)
    fresh = fishplate.command("token", "rotate", old, "--overlap", "3600")
    assert fresh["replaces"] == old and fresh["owner"] == own.id
    for token in (own.token, fresh["access_token"]):
        assert fishplate.get(DATA, token).status == 200
    # the old one's last use can be seen, so that one knows when it may go
    assert {row["status"] for row in fishplate.command("token", "list", own.id)} == {"active", "ending"}

    fishplate.command("token", "rotate", fresh["id"], "--overlap", "0")
    body = check_error(fishplate.get(DATA, fresh["access_token"]), "TOKEN_REVOKED")
    assert body["details"]["reason"] == "ROTATED"
    assert fishplate.get(DATA, own.token).status == 200


def test_s10_all_tokens_of_a_connection_end_at_once(fishplate, app, tryton):
    own = connect(fishplate, app.token, tryton, name="All at once")
    other = connect(fishplate, app.token, tryton, name="Not this one")
    second = fishplate.command("token", "issue", own.id)["access_token"]
    assert fishplate.command("token", "revoke", own.id, "--yes")["revoked"] == 2
    for token in (own.token, second):
        check_error(fishplate.get(DATA, token), "TOKEN_REVOKED")
    assert fishplate.get(DATA, other.token).status == 200


def test_s5_connecting_again_from_the_command_line(fishplate, app, tryton):
    login, password = new_login(), new_password()
    tryton.create_full_user(login, password)
    own = connect(fishplate, app.token, tryton, name="By hand", username=login, password=password)
    changed = new_password()
    tryton.change_password(changed, login=login)
    tryton.end_sessions()
    check_error(fishplate.get(DATA, own.token, timeout=90), "CREDENTIALS_REJECTED")

    given = {"url": tryton.url, "database": tryton.database, "username": login, "password": changed}
    again = fishplate.command("connection", "reconnect", own.id, "--credentials", "-",
                              text=json.dumps(given))
    assert again["key"] == own.id
    check_error(fishplate.get(DATA, own.token), "TOKEN_SUPERSEDED")
    assert fishplate.get(DATA, again["access_token"]).status == 200
    assert connections(fishplate, app.token)[own.id]["status"] == "active"
