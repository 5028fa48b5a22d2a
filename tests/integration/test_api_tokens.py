"""S1 S3 S4 S7 S9 S10 S11 N1 N5: what a token opens, and what each thing that is no good token
gets."""
# SPDX-License-Identifier: Apache-2.0
import base64
import time

import pytest

from tests.api.errors import check_error
from tests.api.tokens import is_well_formed, never_issued, spoilt
from tests.api.world import connect, connections, new_app

DATA = "/api/erp/currencies"
SYSTEM = "/api/system/client"


def authorization(server, value, path=DATA):
    return server.get(path, headers={"Authorization": value})


def test_s1_good_token_opens_its_connection(fishplate, shared_connection):
    answer = fishplate.get(DATA, shared_connection.token)
    assert answer.status == 200 and answer.data, answer
    assert answer.header("WWW-Authenticate") is None


def test_s7_tokens_are_recognised_by_scanners(fishplate, app, shared_connection):
    token = shared_connection.token
    assert token.startswith("fp_test_") and is_well_formed(token)
    assert app.token.startswith("fpa_test_") and is_well_formed(app.token)
    assert app.secret.startswith("fps_") and is_well_formed(app.secret)


@pytest.mark.parametrize("path", [DATA, "/api/erp/purchase-orders/1", SYSTEM,
                                  "/api/system/connections", "/api/integrations/current",
                                  "/api/integrations/sync/status", "/api/sites"])
def test_s1_s11_missing_token(fishplate, path):
    check_error(fishplate.get(path), "TOKEN_MISSING")


@pytest.mark.parametrize("method, path", [("POST", "/api/system/connections"),
                                          ("DELETE", "/api/system/connections/con_x"),
                                          ("POST", "/api/system/connections/con_x/token"),
                                          ("DELETE", "/api/integrations/current")])
def test_s1_nothing_is_changed_without_a_token(fishplate, method, path):
    check_error(fishplate.request(method, path, body={} if method == "POST" else None),
                "TOKEN_MISSING")


def test_s11_malformed_tokens(fishplate, shared_connection):
    with fishplate.client() as client:
        for how, text in spoilt(shared_connection.token).items():
            answer = client.get(DATA, text)
            try:
                check_error(answer, "TOKEN_MALFORMED")
            except AssertionError as error:
                raise AssertionError(f"{how}: {text}") from error
        assert client.get(DATA, shared_connection.token).status == 200


@pytest.mark.parametrize("scheme", ["Basic", "Token", "Digest", "Session", "bearerx"])
def test_s1_other_schemes_are_no_token(fishplate, shared_connection, scheme):
    value = shared_connection.token
    if scheme == "Basic":
        value = base64.b64encode(f"user:{value}".encode()).decode()
    check_error(authorization(fishplate, f"{scheme} {value}"), "TOKEN_MISSING")


def test_s1_bare_token_without_scheme_is_refused(fishplate, shared_connection):
    check_error(authorization(fishplate, shared_connection.token), "TOKEN_MISSING")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
def test_s1_scheme_is_case_insensitive(fishplate, shared_connection, scheme):
    """RFC 9110 11.1."""
    assert authorization(fishplate, f"{scheme} {shared_connection.token}").status == 200


@pytest.mark.parametrize("where", ["access_token", "token", "api_key"])
def test_s1_token_in_the_query_opens_nothing(fishplate, shared_connection, where):
    check_error(fishplate.get(f"{DATA}?{where}={shared_connection.token}"), "TOKEN_MISSING")


def test_s1_token_in_the_body_opens_nothing(fishplate, app):
    """RFC 6750 2.2 is dropped."""
    answer = fishplate.post("/api/system/connections", body=f"access_token={app.token}".encode(),
                            headers={"Content-Type": "application/x-www-form-urlencoded"})
    check_error(answer, "TOKEN_MISSING")


def test_s1_token_in_a_cookie_opens_nothing(fishplate, shared_connection):
    answer = fishplate.get(DATA, headers={"Cookie": f"token={shared_connection.token}"})
    check_error(answer, "TOKEN_MISSING")


def test_s1_two_authorization_headers_open_nothing(fishplate, shared_connection):
    row = ("Authorization", f"Bearer {shared_connection.token}")
    answer = fishplate.get(DATA, headers=[row, row])
    assert answer.status in (400, 401), answer
    check_error(answer, answer.code)


@pytest.mark.parametrize("prefix, path", [("fp_test_", DATA), ("fp_live_", DATA),
                                          ("fpa_test_", SYSTEM), ("fpa_live_", SYSTEM)])
def test_s11_unknown_token(fishplate, prefix, path):
    check_error(fishplate.get(path, never_issued(prefix)), "TOKEN_UNKNOWN")


def test_s9_environment_cannot_be_swapped_by_the_prefix(fishplate, shared_connection):
    text = shared_connection.token.replace("fp_test_", "fp_live_")
    check_error(fishplate.get(DATA, text), "TOKEN_UNKNOWN")


def test_s9_live_and_test_are_separate(fishplate, app, shared_connection, tryton):
    live = new_app(fishplate, "Live", "live")
    assert live.token.startswith("fpa_live_")
    own = connect(fishplate, live.token, tryton, name="Live plant")
    assert own.token.startswith("fp_live_")
    assert fishplate.get(DATA, own.token).status == 200
    assert fishplate.get(SYSTEM, live.token).data["environment"] == "live"
    assert fishplate.get(SYSTEM, app.token).data["environment"] == "test"
    assert set(connections(fishplate, live.token)) == {own.id}
    check_error(fishplate.delete(f"/api/system/connections/{shared_connection.id}", live.token),
                "CONNECTION_NOT_FOUND")


def test_kinds_are_not_swapped(fishplate, app, shared_connection):
    for path, token in ((DATA, app.token), ("/api/integrations/current", app.token),
                        ("/api/integrations/sync/status", app.token),
                        (SYSTEM, shared_connection.token),
                        ("/api/system/connections", shared_connection.token),
                        ("/api/system/platforms", shared_connection.token)):
        body = check_error(fishplate.get(path, token), "TOKEN_KIND_WRONG")
        assert set(body["details"]) == {"token_of", "needs_token_of"}, body


def test_client_secret_is_no_token(fishplate, app):
    for path in (DATA, SYSTEM):
        answer = fishplate.get(path, app.secret)
        assert answer.status in (401, 403), answer
        check_error(answer, answer.code)


def test_s10_revoked_at_once_on_a_kept_alive_connection(fishplate, app, connection):
    issued = fishplate.post(f"/api/system/connections/{connection.id}/token", app.token)
    assert issued.status == 200, issued
    second = issued.data["token"]
    with fishplate.client() as client:
        assert client.get(DATA, second).status == 200
        fishplate.revoke_token(issued.data["id"])
        body = check_error(client.get(DATA, second), "TOKEN_REVOKED")
        assert body["details"]["reason"], body
        assert client.get(DATA, connection.token).status == 200
    check_error(fishplate.get(DATA, second), "TOKEN_REVOKED")


def test_s3_s10_tokens_of_one_connection_are_independent(fishplate, app, connection):
    """Rotation without an outage: the new one works before the old one ends."""
    new = fishplate.post(f"/api/system/connections/{connection.id}/token", app.token)
    assert new.status == 200, new
    assert new.data["token"] not in (None, connection.token)
    for token in (connection.token, new.data["token"]):
        assert fishplate.get("/api/integrations/current", token).data["id"] == connection.id
    first = [row for row in fishplate.tokens(connection.id) if row["id"] != new.data["id"]]
    assert len(first) == 1 and first[0]["status"] == "active", first
    fishplate.revoke_token(first[0]["id"])
    check_error(fishplate.get(DATA, connection.token), "TOKEN_REVOKED")
    assert fishplate.get(DATA, new.data["token"]).status == 200


def test_s10_s11_expired_token(fishplate, connection):
    issued = fishplate.issue_token(connection.id, expires_in=2)["token"]
    begin = time.monotonic()
    with fishplate.client() as client:
        answer = client.get("/api/integrations/current", issued)
        assert answer.status == 200, answer
        while answer.status == 200 and time.monotonic() - begin < 10:
            time.sleep(0.05)
            answer = client.get("/api/integrations/current", issued)
        assert time.monotonic() - begin >= 1.9, "it ended too early"
        check_error(answer, "TOKEN_EXPIRED")
    assert fishplate.get("/api/integrations/current", connection.token).status == 200


def test_s14_token_without_the_scope(fishplate, connection):
    """A token for vendors alone: each other call names the scope that would have been enough."""
    token = fishplate.issue_token(connection.id, scopes="vendors:read")["token"]
    assert fishplate.get("/api/erp/vendors", token).status == 200
    for path, scope in ((DATA, "currencies:read"),
                        ("/api/erp/purchase-orders", "purchase_orders:read")):
        body = check_error(fishplate.get(path, token), "PERMISSION_MISSING")
        assert body["details"] == {"needed_scope": scope, "token_scopes": "vendors:read"}
    domain = fishplate.issue_token(connection.id, scopes="erp:read")["token"]
    assert fishplate.get(DATA, domain).status == 200
    check_error(fishplate.get("/api/wms/locations", domain), "PERMISSION_MISSING")
    assert fishplate.get(DATA, connection.token).status == 200


def test_application_token_says_how_long_it_lives(fishplate, app):
    fields = {"grant_type": "client_credentials", "client_id": app.id, "client_secret": app.secret}
    answer = fishplate.post("/link/token", body=fields)
    assert answer.status == 200, answer
    assert answer.header("Cache-Control") == "no-store"
    assert answer.json["token_type"].lower() == "bearer"
    assert isinstance(answer.json["expires_in"], int) and answer.json["expires_in"] > 0
    assert "refresh_token" not in answer.json or answer.json["refresh_token"] is None
    assert fishplate.get(SYSTEM, answer.json["access_token"]).data["id"] == app.id


def test_good_token_hides_nothing_from_the_fault_of_the_request(fishplate, shared_connection):
    """A fault in the parameters is told only to a caller whose token is good."""
    path = f"{DATA}?page=0"
    check_error(fishplate.get(path, shared_connection.token), "PARAMETER_INVALID")
    check_error(fishplate.get(path), "TOKEN_MISSING")
    check_error(fishplate.get(path, never_issued()), "TOKEN_UNKNOWN")
