"""S4 S5 S12 S13 S14 N1 N13: a token lives as long as its credential and its connection, and says
why not."""
# SPDX-License-Identifier: Apache-2.0
import time

from tests.api.errors import check_error
from tests.api.world import connect, connections, new_app, new_login, new_password

DATA = "/api/erp/purchase-orders"


def change_password(tryton, login, password):
    """As an administrator of the source does; and its sessions end, as they do in time."""
    tryton.change_password(password, login=login)
    tryton.end_sessions()


def own_user(tryton):
    """A user of the source with all rights: (login, password)."""
    login, password = new_login(), new_password()
    tryton.create_full_user(login, password)
    return login, password


def test_s4_s12_s13_changed_password(fishplate, app, tryton):
    login, password = own_user(tryton)
    own = connect(fishplate, app.token, tryton, name="Changing", username=login, password=password)
    assert fishplate.get(DATA, own.token).status == 200
    change_password(tryton, login, new_password())

    # S12: the call that meets it says so, and it alone.
    first = fishplate.get(DATA, own.token, timeout=90)
    body = check_error(first, "CREDENTIALS_REJECTED")
    assert password.encode() not in first.body

    # S13: from then on the source is not asked again: each further try would lock the account.
    attempts = tryton.log().count(f"login failed for '{login}'")
    for path in (DATA, "/api/wms/locations", "/api/integrations/current"):
        answer = fishplate.get(path, own.token)
        body = check_error(answer, "REAUTHORIZATION_REQUIRED")
        details = body["details"]
        assert details["connection"] == own.id
        assert details["status"] == "requires_reauthorization"
        assert details["reason"] == "CREDENTIALS_REJECTED"
        assert details["since"].endswith("Z")
    assert tryton.log().count(f"login failed for '{login}'") == attempts

    row = connections(fishplate, app.token)[own.id]
    assert (row["status"], row["status_reason"]) == ("requires_reauthorization",
                                                     "CREDENTIALS_REJECTED")
    shown = fishplate.command("connection", "show", own.id)
    assert shown["status"] == "requires_reauthorization"
    listed = {entry["key"]: entry for entry in fishplate.command("connection", "list")}
    assert listed[own.id]["status"] == "requires_reauthorization"


def test_s4_other_connections_of_the_application_live_on(fishplate, app, tryton):
    login, password = own_user(tryton)
    own = connect(fishplate, app.token, tryton, name="Falls", username=login, password=password)
    other = connect(fishplate, app.token, tryton, name="Stays")
    change_password(tryton, login, new_password())
    check_error(fishplate.get(DATA, own.token, timeout=90), "CREDENTIALS_REJECTED")
    assert fishplate.get(DATA, other.token).status == 200
    assert connections(fishplate, app.token)[other.id]["status"] == "active"


def test_s4_no_new_token_for_a_rejected_credential(fishplate, app, tryton):
    login, password = own_user(tryton)
    own = connect(fishplate, app.token, tryton, name="No token", username=login, password=password)
    change_password(tryton, login, new_password())
    check_error(fishplate.get(DATA, own.token, timeout=90), "CREDENTIALS_REJECTED")
    answer = fishplate.post(f"/api/system/connections/{own.id}/token", app.token)
    check_error(answer, "STATE_CONFLICT")


def test_s5_reconnecting_gives_a_new_token_and_the_old_one_says_so(fishplate, app, tryton):
    """The same customer connects the same system again: it stays the same connection."""
    login, password = own_user(tryton)
    own = connect(fishplate, app.token, tryton, name="Again", email="again@example.com",
                  username=login, password=password)
    keys = [row["key"] for row in fishplate.all_pages("/api/erp/vendors", own.token)]
    later = new_password()
    change_password(tryton, login, later)
    check_error(fishplate.get(DATA, own.token, timeout=90), "CREDENTIALS_REJECTED")
    again = connect(fishplate, app.token, tryton, name="Again", email="again@example.com",
                    username=login, password=later)
    assert again.id == own.id and again.token != own.token
    body = check_error(fishplate.get(DATA, own.token), "TOKEN_SUPERSEDED")
    assert body["details"]["since"].endswith("Z")
    # Keys are stable across reconnects.
    assert [row["key"] for row in fishplate.all_pages("/api/erp/vendors", again.token)] == keys
    row = connections(fishplate, app.token)[own.id]
    assert (row["status"], row["status_reason"]) == ("active", "RECONNECTED")


def test_s14_permission_missing_in_the_source(fishplate, app, tryton):
    login, password = new_login(), new_password()
    tryton.create_limited_user(login, password)
    own = connect(fishplate, app.token, tryton, name="Reader", username=login, password=password)
    body = check_error(fishplate.get(DATA, own.token), "SOURCE_PERMISSION_MISSING")
    assert body["details"], "names what is missing"
    # ... which is about this operation alone
    assert fishplate.get("/api/erp/currencies", own.token).status == 200
    assert connections(fishplate, app.token)[own.id]["status"] == "active"


def test_s10_disconnect_ends_tokens_at_once(fishplate, app, connection):
    issued = fishplate.post(f"/api/system/connections/{connection.id}/token", app.token)
    with fishplate.client() as client:
        assert client.get(DATA, connection.token).status == 200
        answer = fishplate.delete(f"/api/system/connections/{connection.id}", app.token)
        assert answer.status == 200, answer
        for token in (connection.token, issued.data["token"]):
            body = check_error(client.get(DATA, token), "CONNECTION_DISCONNECTED")
            assert body["details"], body
    answer = fishplate.post(f"/api/system/connections/{connection.id}/token", app.token)
    assert answer.code in ("STATE_CONFLICT", "CONNECTION_NOT_FOUND"), answer


def test_s10_connection_disconnects_itself(fishplate, connection):
    answer = fishplate.delete("/api/integrations/current", connection.token)
    assert answer.status == 200, answer
    check_error(fishplate.get(DATA, connection.token), "CONNECTION_DISCONNECTED")


def test_s10_operator_disconnects(fishplate, connection):
    fishplate.command("connection", "delete", connection.id, "--yes")
    check_error(fishplate.get(DATA, connection.token), "CONNECTION_DISCONNECTED")


def test_deleting_an_application_ends_everything_of_it(fishplate, tryton):
    app = new_app(fishplate, "Ends")
    own = connect(fishplate, app.token, tryton)
    fishplate.command("app", "delete", app.id, "--yes")
    for path, token in ((DATA, own.token), ("/api/system/client", app.token)):
        answer = fishplate.get(path, token)
        assert answer.status == 401, answer
        check_error(answer, answer.code)
    answer = fishplate.post("/link/token", body={
        "grant_type": "client_credentials", "client_id": app.id, "client_secret": app.secret})
    assert answer.status == 401 and answer.code == "CLIENT_INVALID", answer


def wait_status(server, app, own, status, deadline=20.0):
    """News that ends nobody's right may be written behind the answer that brought it."""
    end = time.monotonic() + deadline
    while connections(server, app.token)[own.id]["status"] != status:
        assert time.monotonic() < end, connections(server, app.token)[own.id]
        time.sleep(0.05)


def test_s4_source_down_and_back(own_fishplate, own_tryton):
    """Unreachable is no verdict on the credential: the token works again when the source does."""
    own_fishplate.start()
    app = new_app(own_fishplate)
    own = connect(own_fishplate, app.token, own_tryton)
    own_tryton.stop()
    answer = own_fishplate.get(DATA, own.token)
    check_error(answer, "SOURCE_UNREACHABLE")
    assert int(answer.header("Retry-After")) > 0
    wait_status(own_fishplate, app, own, "unreachable")
    own_tryton.start()
    assert own_fishplate.get(DATA, own.token).status == 200
    wait_status(own_fishplate, app, own, "active")
