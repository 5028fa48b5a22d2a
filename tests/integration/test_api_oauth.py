"""POST /link/token: client_credentials by RFC 6749, as a form and as JSON, and what is refused."""
# SPDX-License-Identifier: Apache-2.0
import base64
import urllib.parse

import pytest

from tests.api.errors import CATALOGUE, check_request_id
from tests.api.tokens import never_issued

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def fields(app, **other):
    wanted = {"grant_type": "client_credentials", "client_id": app.id, "client_secret": app.secret,
              **other}
    return {name: value for name, value in wanted.items() if value is not None}


def post_form(server, values, path="/link/token"):
    return server.post(path, body=urllib.parse.urlencode(values).encode(), headers=FORM)


def check_oauth(answer, error, code):
    """RFC 6749 5.2, with our fields besides."""
    assert answer.status == CATALOGUE[code][0], answer
    body = answer.json
    assert body["error"] == error and body["code"] == code, body
    assert isinstance(body["error_description"], str) and body["error_description"].isascii()
    check_request_id(answer)
    assert body["request_id"] == answer.request_id
    assert answer.header("Cache-Control") == "no-store"
    if answer.status == 401:
        assert answer.header("WWW-Authenticate"), answer.headers


@pytest.mark.parametrize("path", ["/link/token", "/link/oauth/token"])
def test_form_and_json_give_a_token(fishplate, app, path):
    for answer in (post_form(fishplate, fields(app), path), fishplate.post(path, body=fields(app))):
        assert answer.status == 200, answer
        assert fishplate.get("/api/system/client", answer.json["access_token"]).status == 200
        assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("form", [True, False], ids=["form", "json"])
@pytest.mark.parametrize("change, error, code", [
    ({"client_secret": never_issued("fps_")}, "invalid_client", "CLIENT_INVALID"),
    ({"client_secret": "short"}, "invalid_client", "CLIENT_INVALID"),
    ({"client_id": "app_00000000000000000000000000"}, "invalid_client", "CLIENT_INVALID"),
    ({"grant_type": "password"}, "unsupported_grant_type", "GRANT_UNSUPPORTED"),
    ({"grant_type": None}, "invalid_request", "OAUTH_REQUEST_INVALID"),
    ({"client_id": None}, "invalid_client", "CLIENT_INVALID"),
], ids=["other secret", "short secret", "other client", "password grant", "no grant", "no client"])
def test_refusals(fishplate, app, form, change, error, code):
    values = fields(app, **change)
    answer = post_form(fishplate, values) if form else fishplate.post("/link/token", body=values)
    check_oauth(answer, error, code)


def test_secret_of_another_application_is_refused(fishplate, app):
    other = fishplate.create_app("Other")
    answer = fishplate.post("/link/token", body=fields(app, client_secret=other["client_secret"]))
    check_oauth(answer, "invalid_client", "CLIENT_INVALID")


def test_repeated_parameter_is_refused(fishplate, app):
    """RFC 6749 3.2."""
    body = urllib.parse.urlencode(fields(app)) + "&grant_type=client_credentials"
    answer = fishplate.post("/link/token", body=body.encode(), headers=FORM)
    check_oauth(answer, "invalid_request", "OAUTH_REQUEST_INVALID")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_post_only(fishplate, method):
    answer = fishplate.request(method, "/link/token")
    assert answer.status == 405 and "POST" in answer.header("Allow"), answer
    assert answer.code == "METHOD_NOT_ALLOWED"


def test_secrets_in_the_query_are_not_taken(fishplate, app):
    query = urllib.parse.urlencode(fields(app))
    answer = fishplate.post(f"/link/token?{query}", body=b"", headers=FORM)
    assert answer.status in (400, 401), answer
    assert app.secret.encode() not in answer.body


# ---- what the server says of itself, and what a client may do with a token that it holds

def ask(server, path, app, values, basic=False):
    """A client's request as a form, its secret in the body or by Basic."""
    headers, wanted = dict(FORM), dict(values)
    if basic:
        pair = f"{urllib.parse.quote(app.id)}:{urllib.parse.quote(app.secret)}"
        headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
    else:
        wanted |= {"client_id": app.id, "client_secret": app.secret}
    return server.post(path, body=urllib.parse.urlencode(wanted).encode(), headers=headers)


def test_rfc8414_metadata(fishplate):
    answer = fishplate.get("/.well-known/oauth-authorization-server")
    assert answer.status == 200 and answer.header("Content-Type").startswith("application/json")
    about = answer.json
    assert about["issuer"] == fishplate.url
    assert about["authorization_endpoint"] == fishplate.url + "/oauth/authorize"
    assert about["response_types_supported"] == ["code"]
    assert about["code_challenge_methods_supported"] == ["S256"]
    assert about["authorization_response_iss_parameter_supported"] is True
    assert set(about["grant_types_supported"]) == {
        "authorization_code", "refresh_token", "client_credentials"}
    for name in ("token", "revocation", "introspection"):
        assert about[f"{name}_endpoint"].startswith(fishplate.url + "/oauth/")
        assert fishplate.get(about[f"{name}_endpoint"].removeprefix(fishplate.url)).status == 405


@pytest.mark.parametrize("basic", [True, False], ids=["basic", "body"])
@pytest.mark.parametrize("path", ["/oauth", "/link/oauth"])
def test_rfc7662_and_rfc7009_own_token(fishplate, app, path, basic):
    token = fishplate.app_token({"client_id": app.id, "client_secret": app.secret})
    answer = ask(fishplate, f"{path}/introspect", app, {"token": token}, basic)
    assert answer.status == 200 and answer.json["active"] is True, answer
    assert answer.json["client_id"] == app.id and answer.json["iss"] == fishplate.url
    assert answer.header("Cache-Control") == "no-store"
    hint = {"token": token, "token_type_hint": "refresh_token"}  # 7009 2.1: a wrong hint harms not
    assert ask(fishplate, f"{path}/revoke", app, hint, basic).status == 200
    assert fishplate.get("/api/system/client", token).code == "TOKEN_REVOKED"
    answer = ask(fishplate, f"{path}/introspect", app, {"token": token}, basic)
    assert answer.json == {"active": False}


@pytest.mark.parametrize("path, change, error, code", [
    ("/oauth/revoke", {"client_secret": never_issued("fps_")}, "invalid_client", "CLIENT_INVALID"),
    ("/oauth/revoke", {"client_id": None}, "invalid_client", "CLIENT_INVALID"),
    ("/oauth/revoke", {"token": None}, "invalid_request", "OAUTH_REQUEST_INVALID"),
    ("/oauth/introspect", {"client_secret": None}, "invalid_client", "CLIENT_INVALID"),
    ("/oauth/introspect", {"token": None}, "invalid_request", "OAUTH_REQUEST_INVALID"),
], ids=["7009 2.1 wrong secret", "7009 2.1 no client", "7009 2.1 no token",
        "7662 2.1 no secret", "7662 2.1 no token"])
def test_revocation_and_introspection_refuse(fishplate, app, path, change, error, code):
    values = {"client_id": app.id, "client_secret": app.secret, "token": "x", **change}
    values = {name: value for name, value in values.items() if value is not None}
    check_oauth(post_form(fishplate, values, path), error, code)


def test_rfc7009_2_1_another_clients_token_is_refused(fishplate, app):
    other = fishplate.create_app("Other")
    token = fishplate.app_token(other)
    check_oauth(ask(fishplate, "/oauth/revoke", app, {"token": token}), "unauthorized_client",
                "CLIENT_UNAUTHORIZED")
    assert ask(fishplate, "/oauth/introspect", app, {"token": token}).json == {"active": False}
    assert fishplate.get("/api/system/client", token).status == 200


def test_rfc7009_2_2_unknown_token_is_no_error(fishplate, app):
    for token in (never_issued("fp_live_"), "x", "y" * 5000):
        assert ask(fishplate, "/oauth/revoke", app, {"token": token}).status == 200
        assert ask(fishplate, "/oauth/introspect", app, {"token": token}).json == {"active": False}


@pytest.mark.parametrize("values, error, code", [
    ({"grant_type": "authorization_code"}, "invalid_request", "OAUTH_REQUEST_INVALID"),
    ({"grant_type": "authorization_code", "code": "x"}, "invalid_grant", "GRANT_INVALID"),
    ({"grant_type": "authorization_code", "code": never_issued("fpac_")}, "invalid_grant",
     "GRANT_INVALID"),
    ({"grant_type": "authorization_code", "code": "x", "code_verifier": "short"},
     "invalid_request", "OAUTH_REQUEST_INVALID"),
    ({"grant_type": "refresh_token"}, "invalid_request", "OAUTH_REQUEST_INVALID"),
    ({"grant_type": "refresh_token", "refresh_token": never_issued("fprt_test_")},
     "invalid_grant", "GRANT_INVALID"),
    ({"grant_type": "refresh_token", "refresh_token": "x", "scope": "Everything"},
     "invalid_scope", "SCOPE_INVALID"),
], ids=["6749 4.1.3 no code", "6749 5.2 unknown code", "6749 5.2 code never issued",
        "7636 4.1 short verifier", "6749 6 no refresh token", "6749 5.2 never issued",
        "6749 5.2 malformed scope"])
def test_grants_refuse(fishplate, app, values, error, code):
    check_oauth(ask(fishplate, "/oauth/token", app, values), error, code)


def test_rfc6749_2_3_one_way_to_say_who_one_is(fishplate, app):
    pair = base64.b64encode(f"{app.id}:{app.secret}".encode()).decode()
    headers = {**FORM, "Authorization": f"Basic {pair}"}
    body = urllib.parse.urlencode(fields(app)).encode()
    check_oauth(fishplate.post("/oauth/token", body=body, headers=headers), "invalid_request",
                "OAUTH_REQUEST_INVALID")
    # the same id beside the header is no second way; another one is a contradiction
    for client, status in ((app.id, 200), ("app_00000000000000000000000000", 400)):
        body = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": client})
        assert fishplate.post("/oauth/token", body=body.encode(), headers=headers).status == status
    headers["Authorization"] = f"Digest {pair}"
    check_oauth(fishplate.post("/oauth/token", body=b"grant_type=client_credentials",
                               headers=headers), "invalid_client", "CLIENT_INVALID")


def test_rfc6749_5_2_a_wrong_secret_by_basic_is_answered_with_its_scheme(fishplate, app):
    pair = base64.b64encode(f"{app.id}:{never_issued('fps_')}".encode()).decode()
    answer = fishplate.post("/oauth/token", body=b"grant_type=client_credentials",
                            headers={**FORM, "Authorization": f"Basic {pair}"})
    check_oauth(answer, "invalid_client", "CLIENT_INVALID")
    assert answer.header("WWW-Authenticate").startswith("Basic ")


def test_rfc6749_4_4_3_and_5_1_client_credentials(fishplate, app):
    answer = post_form(fishplate, fields(app), "/oauth/token")
    assert answer.status == 200 and "refresh_token" not in answer.json, answer
    assert answer.json["token_type"].lower() == "bearer" and answer.json["expires_in"] > 0
    assert answer.header("Content-Type").startswith("application/json")
    assert (answer.header("Cache-Control"), answer.header("Pragma")) == ("no-store", "no-cache")


@pytest.mark.parametrize("place", ["query", "body"])
def test_rfc6750_2_a_token_stands_in_the_header_alone(fishplate, app, place):
    """RFC 9700 4.3.2, RFC 6750 5.3: not where logs and histories keep it."""
    if place == "query":
        answer = fishplate.get(f"/api/system/client?access_token={app.token}")
    else:
        answer = fishplate.request("POST", "/api/system/connect-links", headers=FORM,
                                   body=f"access_token={app.token}".encode())
    assert answer.status == 401 and answer.code == "TOKEN_MISSING", answer
    assert answer.header("WWW-Authenticate") == 'Bearer realm="fishplate"'  # 6750 3.1
