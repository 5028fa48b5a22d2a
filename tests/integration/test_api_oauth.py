"""POST /link/token: client_credentials by RFC 6749, as a form and as JSON, and what is refused."""
# SPDX-License-Identifier: Apache-2.0
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
