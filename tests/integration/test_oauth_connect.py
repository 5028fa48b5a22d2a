"""The whole way of an OAuth client (RFC 6749 4.1, RFC 7636): authorize, the customer connects the real
Tryton at the connect page, the code comes back, is redeemed, the token reads, is refreshed and revoked."""
# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import secrets
import urllib.parse

import pytest

from tests.api.world import credentials_of
from tests.integration.test_connect_links import ask, send
from tests.integration.test_oauth_authorize import BACK

VENDORS = "/api/erp/vendors?per_page=1"


@pytest.fixture(scope="module")
def client(fishplate):
    return fishplate.command("app", "create", "--name", "Shop", "--environment", "test",
                             "--redirect-uris", BACK)


def token_request(server, client, **fields):
    return server.post("/oauth/token", body={"client_id": client["client_id"],
                                             "client_secret": client["client_secret"], **fields})


def come_back_with_code(server, client, tryton, verifier, email):
    """The code that the browser brings to the client, and what stands beside it."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest())
    query = urllib.parse.urlencode({
        "response_type": "code", "client_id": client["client_id"], "redirect_uri": BACK,
        "state": "s t&=", "code_challenge": challenge.rstrip(b"=").decode(),
        "code_challenge_method": "S256"})
    away = server.get(f"/oauth/authorize?{query}")
    assert away.status == 303, away
    page = away.header("Location")
    assert server.get(page).status == 200
    link = page.rsplit("/", 1)[1]
    answer = send(server, link, credentials_of(tryton), name="Plant of Shop", email=email)
    assert answer.status == 200, answer
    back = answer.data["return_url"]
    assert back.startswith(BACK + "&"), back
    again = ask(server, "open", {"link": link})
    assert again.status == 410, again
    return dict(urllib.parse.parse_qsl(back[len(BACK) + 1:], strict_parsing=True))


def test_oauth_connect__from_the_page_to_data_and_out(fishplate, client, tryton):
    verifier = secrets.token_urlsafe(48)
    values = come_back_with_code(fishplate, client, tryton, verifier, "shop@plant.test")
    assert values["state"] == "s t&=" and values["iss"], values
    wanted = {"grant_type": "authorization_code", "code": values["code"], "redirect_uri": BACK,
              "code_verifier": verifier}
    answer = token_request(fishplate, client, **wanted)
    assert answer.status == 200 and answer.header("Cache-Control") == "no-store", answer
    first = answer.json
    assert first["token_type"].lower() == "bearer" and first["expires_in"] > 86400
    assert fishplate.get(VENDORS, first["access_token"], timeout=90.0).status == 200
    # rotation: a new pair, and the new token reads as well
    answer = token_request(fishplate, client, grant_type="refresh_token",
                           refresh_token=first["refresh_token"])
    assert answer.status == 200, answer
    second = answer.json
    assert second["refresh_token"] != first["refresh_token"]
    assert fishplate.get(VENDORS, second["access_token"], timeout=90.0).status == 200
    revoked = fishplate.post("/oauth/revoke", body={
        "client_id": client["client_id"], "client_secret": client["client_secret"],
        "token": second["refresh_token"]})
    assert revoked.status == 200, revoked
    assert token_request(fishplate, client, grant_type="refresh_token",
                         refresh_token=second["refresh_token"]).json["error"] == "invalid_grant"


def test_oauth_connect__a_code_is_good_once_and_for_its_verifier(fishplate, client, tryton):
    """RFC 6749 4.1.2, RFC 7636 4.6: a stolen code is worth nothing, a second use ends the tokens."""
    verifier = secrets.token_urlsafe(48)
    values = come_back_with_code(fishplate, client, tryton, verifier, "once@plant.test")
    wanted = {"grant_type": "authorization_code", "code": values["code"], "redirect_uri": BACK}
    answer = token_request(fishplate, client, **wanted, code_verifier=verifier[::-1])
    assert (answer.status, answer.json["error"]) == (400, "invalid_grant"), answer
    values = come_back_with_code(fishplate, client, tryton, verifier, "twice@plant.test")
    wanted.update(code=values["code"], code_verifier=verifier)
    first = token_request(fishplate, client, **wanted)
    assert first.status == 200, first
    token = first.json["access_token"]
    assert fishplate.get(VENDORS, token, timeout=90.0).status == 200
    assert token_request(fishplate, client, **wanted).json["error"] == "invalid_grant"
    assert (fishplate.get(VENDORS, token).status, fishplate.get(VENDORS, token).code) == (
        401, "TOKEN_REVOKED")
