"""S8 N6: tokens that are bound to a client's key (RFC 9449). One row for each check of its section 4.3, at
the token endpoint and at the API; nonces; what introspection says; tokens of connections."""
# SPDX-License-Identifier: Apache-2.0
import json
import secrets
import time
import urllib.parse

import pytest

from tests.api.dpop import Key, digest, get, proof
from tests.api.errors import check_error
from tests.api.world import connect, new_app
from tests.integration.test_api_oauth import FORM, ask, check_oauth, fields

CLIENT = "/api/system/client"
TOKEN = "/oauth/token"
VENDORS = "/api/erp/vendors?per_page=1"


@pytest.fixture(scope="module", params=["ES256", "EdDSA"])
def key(request):
    return Key(request.param)


@pytest.fixture(scope="module")
def other_key():
    return Key()


@pytest.fixture(scope="module")
def bound(fishplate, app, key):
    return bound_token(fishplate, app, key)


def ask_token(server, app, *proofs, **other):
    headers = [*FORM.items(), *(("DPoP", value) for value in proofs)]
    return server.post(TOKEN, body=urllib.parse.urlencode(fields(app, **other)).encode(),
                       headers=headers)


def bound_token(server, app, key):
    answer = ask_token(server, app, proof(key, "POST", server.url + TOKEN))
    assert answer.status == 200, answer
    assert answer.json["token_type"] == "DPoP"  # RFC 9449 5
    return answer.json["access_token"]


def check_binding(answer, reason, error="invalid_dpop_proof"):
    body = check_error(answer, "TOKEN_BINDING_FAILED")
    assert body["details"]["reason"] == reason, body
    assert body["details"]["cause"]
    challenge = answer.header("WWW-Authenticate")
    assert f'error="{error}"' in challenge, challenge
    return challenge


def test_n6_a_bound_token_works_with_its_key(fishplate, app, key, bound):
    for _ in range(2):
        assert get(fishplate, CLIENT, key, bound).status == 200
    # the query is no part of htu, and neither are case and port of the host
    path = "/api/system/connections?per_page=1&page=1"
    shown = fishplate.url.replace("https", "HTTPS").replace("localhost", "LOCALHOST")
    for url in (fishplate.url + path, shown + path.split("?")[0] + "#x"):
        answer = get(fishplate, path, key, bound, sent=proof(key, "GET", url, bound))
        assert answer.status == 200, answer
    answer = get(fishplate, CLIENT, key, bound, scheme="dpop")  # RFC 9110 11.1: in any case
    assert answer.status == 200, answer


def test_rfc9449_6_2_introspection_shows_the_key(fishplate, app, key, bound):
    about = ask(fishplate, "/oauth/introspect", app, {"token": bound}).json
    assert about["cnf"] == {"jkt": key.thumbprint} and about["token_type"] == "DPoP", about
    plain = fishplate.app_token({"client_id": app.id, "client_secret": app.secret})
    assert "cnf" not in ask(fishplate, "/oauth/introspect", app, {"token": plain}).json


def test_rfc9449_5_1_metadata(fishplate):
    about = fishplate.get("/.well-known/oauth-authorization-server").json
    assert about["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA"]


WRONG = [
    ("PROOF_MALFORMED", {}, lambda key, text: text.rsplit(".", 1)[0], "4.3-2 two parts"),
    ("PROOF_MALFORMED", {}, lambda key, text: text + ".x", "4.3-2 four parts"),
    ("PROOF_MALFORMED", {}, lambda key, text: text + "=", "4.3-2 padding"),
    ("PROOF_MALFORMED", {}, lambda key, text: "x" * 5000, "too long"),
    ("PROOF_MALFORMED", {}, lambda key, text: key.sign("[1]", "{}"), "4.3-2 no object"),
    ("PROOF_MALFORMED", {"header": {"crit": ["exp"]}}, None, "RFC 7515 4.1.11 crit"),
    ("PROOF_MALFORMED", {"header": {"alg": None}}, None, "4.3-3 no alg"),
    ("PROOF_TYPE", {"header": {"typ": "JWT"}}, None, "4.3-4 typ"),
    ("PROOF_TYPE", {"header": {"typ": None}}, None, "4.3-4 no typ"),
    ("PROOF_ALGORITHM", {"header": {"alg": "none"}}, None, "4.3-5 none"),
    ("PROOF_ALGORITHM", {"header": {"alg": "HS256"}}, None, "4.3-5 symmetric"),
    ("PROOF_ALGORITHM", {"header": {"alg": "RS256"}}, None, "4.3-5 another"),
    ("PROOF_KEY", {"header": {"jwk": None}}, None, "4.3-3 no jwk"),
    ("PROOF_KEY", {"header": {"jwk": {"kty": "oct", "k": "AAAA"}}}, None, "4.3-5 secret key"),
    ("PROOF_KEY", {"header": {"jwk": Key().jwk | {"d": "AAAA"}}}, None, "4.3-7 private key"),
    ("PROOF_KEY", {"header": {"jwk": {"kty": "EC", "crv": "P-256", "x": "A" * 43, "y": "A" * 43},
                              "alg": "ES256"}}, None, "point off the curve"),
    ("PROOF_SIGNATURE", {}, lambda key, text: Key(key.algorithm).sign(*other_signature(text)),
     "4.3-6 another key"),
    ("PROOF_CLAIMS", {"jti": None}, None, "4.3-3 no jti"),
    ("PROOF_CLAIMS", {"jti": ""}, None, "4.3-3 empty jti"),
    ("PROOF_CLAIMS", {"jti": "x" * 300}, None, "11.1 jti without end"),
    ("PROOF_CLAIMS", {"htm": None}, None, "4.3-3 no htm"),
    ("PROOF_CLAIMS", {"htu": None}, None, "4.3-3 no htu"),
    ("PROOF_CLAIMS", {"iat": None}, None, "4.3-3 no iat"),
    ("PROOF_CLAIMS", {"iat": "now"}, None, "4.3-3 iat no number"),
    ("PROOF_METHOD", {"htm": "DELETE"}, None, "4.3-8 htm"),
    ("PROOF_METHOD", {"htm": "get"}, None, "4.3-8 htm in small letters"),
    ("PROOF_URL", {"htu": "https://evil.example/api/system/client"}, None, "4.3-9 htu"),
    ("PROOF_URL", {"htu": "/api/system/client"}, None, "4.3-9 htu without origin"),
    ("PROOF_TIME", {"iat": 1562262616}, None, "4.3-11 old"),
    ("PROOF_TIME", {"iat": int(time.time()) + 7200}, None, "4.3-11 ahead"),
]


def other_signature(text):
    """Header and claims of a proof, for somebody else to sign."""
    import base64
    return [base64.urlsafe_b64decode(part + "==").decode() for part in text.split(".")[:2]]


@pytest.mark.parametrize("reason, change, cut", [row[:3] for row in WRONG],
                         ids=[row[3] for row in WRONG])
def test_rfc9449_4_3_each_check(fishplate, app, key, bound, reason, change, cut):
    header, claims = change.get("header"), {k: v for k, v in change.items() if k != "header"}
    shown = proof(key, "GET", fishplate.url + CLIENT, bound, header, **claims)
    shown = cut(key, shown) if cut else shown
    challenge = check_binding(get(fishplate, CLIENT, key, bound, sent=shown), reason)
    assert challenge.startswith("DPoP ") and 'algs="ES256 EdDSA"' in challenge
    # the same at the token endpoint, in RFC 6749's words
    claims = {k: "PUT" if k == "htm" and v == "DELETE" else v for k, v in claims.items()}
    shown = proof(key, "POST", fishplate.url + TOKEN, None, header, **claims)
    shown = cut(key, shown) if cut else shown
    check_oauth(ask_token(fishplate, app, shown), "invalid_dpop_proof", "DPOP_PROOF_INVALID")


def test_rfc9449_4_3_what_goes_with_the_token(fishplate, app, key, other_key, bound):
    url = fishplate.url + CLIENT
    fresh = proof(key, "GET", url, bound)
    check_binding(get(fishplate, CLIENT, key, bound, sent=[]), "PROOF_MISSING")
    check_binding(get(fishplate, CLIENT, key, bound, sent=[fresh, fresh]), "PROOF_REPEATED")
    check_binding(get(fishplate, CLIENT, key, bound, sent=proof(key, "GET", url)), "PROOF_TOKEN")
    another = bound_token(fishplate, app, key)
    check_binding(get(fishplate, CLIENT, key, bound, sent=proof(key, "GET", url, another)),
                  "PROOF_TOKEN")
    check_binding(get(fishplate, CLIENT, key, bound, sent=proof(other_key, "GET", url, bound)),
                  "KEY_OTHER", "invalid_token")
    # 7.2: a bound token is no bearer token, a plain one is not bound
    challenge = check_binding(get(fishplate, CLIENT, key, bound, scheme="Bearer"), "SCHEME_BEARER",
                              "invalid_token")
    assert challenge.startswith("DPoP ")
    plain = fishplate.app_token({"client_id": app.id, "client_secret": app.secret})
    check_binding(get(fishplate, CLIENT, key, plain), "TOKEN_NOT_BOUND", "invalid_token")
    assert get(fishplate, CLIENT, key, plain, scheme="Bearer").status == 200
    # none of these used the proof up
    assert get(fishplate, CLIENT, key, bound, sent=fresh).status == 200


def test_rfc9449_11_1_a_proof_works_once(fishplate, app, key, bound):
    shown = proof(key, "GET", fishplate.url + CLIENT, bound)
    assert get(fishplate, CLIENT, key, bound, sent=shown).status == 200
    check_binding(get(fishplate, CLIENT, key, bound, sent=shown), "PROOF_REPLAYED")
    shown = proof(key, "POST", fishplate.url + TOKEN)
    assert ask_token(fishplate, app, shown).status == 200
    check_oauth(ask_token(fishplate, app, shown), "invalid_dpop_proof", "DPOP_PROOF_INVALID")


def test_who_lacks_the_key_learns_nothing_else_of_the_token(fishplate, key):
    app = new_app(fishplate, "Leaky")
    token = bound_token(fishplate, app, key)
    assert ask(fishplate, "/oauth/revoke", app, {"token": token}).status == 200
    check_binding(fishplate.get(CLIENT, token), "SCHEME_BEARER", "invalid_token")
    check_error(get(fishplate, CLIENT, key, token), "TOKEN_REVOKED")
    answer = get(fishplate, CLIENT, key, "fpa_test_" + token[9:-7] + "A" + token[-6:])
    assert answer.code in ("TOKEN_MALFORMED", "TOKEN_UNKNOWN")


def test_n6_tokens_of_connections(fishplate, app, shared_connection, key, other_key):
    """From the command line and by the API; rotation keeps the key."""
    own = fishplate.command("token", "issue", shared_connection.id, "--bind",
                            f"jkt:{key.thumbprint}", "--scopes", "vendors:read")
    assert own["token_type"] == "DPoP" and own["binding"] == f"jkt:{key.thumbprint}"
    asked = fishplate.post(f"/api/system/connections/{shared_connection.id}/token", app.token,
                           body={"cnf": {"jkt": key.thumbprint}, "token": "not looked at"})
    assert asked.status == 200, asked
    assert asked.data["binding"] == f"jkt:{key.thumbprint}"
    turned = fishplate.command("token", "rotate", own["id"])
    for token in (own["access_token"], asked.data["access_token"], turned["access_token"]):
        assert get(fishplate, VENDORS, key, token, timeout=90.0).status == 200
        check_binding(fishplate.get(VENDORS, token), "SCHEME_BEARER", "invalid_token")
        shown = proof(other_key, "GET", fishplate.url + VENDORS.split("?")[0], token)
        check_binding(get(fishplate, VENDORS, key, token, sent=shown), "KEY_OTHER",
                      "invalid_token")
    # what is wrong with the request itself is told only to who proves the key
    check_binding(fishplate.get("/api/erp/vendors?per_page=x", turned["access_token"]),
                  "SCHEME_BEARER", "invalid_token")


@pytest.mark.parametrize("cnf", [{"jkt": "short"}, {"jkt": "A" * 42 + "B"}, {}, {"kid": "x"},
                                 {"x5t#S256": "A" * 43},
                                 {"jkt": "A" * 43, "x5t#S256": "A" * 43}, "text"])
def test_bindings_that_are_none_are_refused(fishplate, app, shared_connection, cnf):
    answer = fishplate.post(f"/api/system/connections/{shared_connection.id}/token", app.token,
                            body={"cnf": cnf})
    body = check_error(answer, "FIELD_INVALID")
    assert "cnf" in body["errors"]


def test_s8_tokens_for_addresses(fishplate, shared_connection):
    here = fishplate.command("token", "issue", shared_connection.id, "--from", "127.0.0.0/8, ::1")
    away = fishplate.command("token", "issue", shared_connection.id, "--from", "10.0.0.0/8")
    assert fishplate.get(VENDORS, here["access_token"], timeout=90.0).status == 200
    check_binding(fishplate.get(VENDORS, away["access_token"]), "ADDRESS_OTHER", "invalid_token")
    shown = {row["id"]: row for row in fishplate.command("token", "list", shared_connection.id)}
    assert shown[away["id"]]["addresses"] == "10.0.0.0/8"
    refused = fishplate.run("token", "issue", shared_connection.id, "--from", "10.0.0.1/8",
                            check=False)
    assert refused.returncode != 0


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    from tests.systems.fishplate import Fishplate
    with Fishplate(tmp_path_factory.mktemp("strict"),
                   settings={"tokens.dpop_nonce": "true"}) as server:
        yield server


def test_rfc9449_8_nonces(strict, key):
    app = new_app(strict, "Nonces")
    answer = ask_token(strict, app, proof(key, "POST", strict.url + TOKEN))
    check_oauth(answer, "use_dpop_nonce", "DPOP_NONCE_REQUIRED")
    nonce = answer.header("DPoP-Nonce")
    assert len(nonce) == 22, nonce
    for wrong in ("", "x" * 22, nonce + "x", nonce * 3):
        answer = ask_token(strict, app, proof(key, "POST", strict.url + TOKEN, nonce=wrong))
        check_oauth(answer, "use_dpop_nonce", "DPOP_NONCE_REQUIRED")
    answer = ask_token(strict, app, proof(key, "POST", strict.url + TOKEN, nonce=nonce))
    assert answer.status == 200, answer
    token = answer.json["access_token"]
    answer = get(strict, CLIENT, key, token)
    check_binding(answer, "PROOF_NONCE", "use_dpop_nonce")
    nonce = answer.header("DPoP-Nonce")
    shown = proof(key, "GET", strict.url + CLIENT, token, nonce=nonce)
    assert get(strict, CLIENT, key, token, sent=shown).status == 200


def test_rfc9449_11_1_a_new_process_takes_no_proof_from_before(strict, key):
    """The names of proofs are in memory alone, so what an earlier process may have seen is refused."""
    app = new_app(strict, "Restarted")
    nonce = ask_token(strict, app, proof(key, "POST", strict.url + TOKEN)).header("DPoP-Nonce")
    shown = proof(key, "POST", strict.url + TOKEN, nonce=nonce, iat=int(time.time()) - 50)
    strict.restart()
    answer = ask_token(strict, app, shown)
    check_oauth(answer, "invalid_dpop_proof", "DPOP_PROOF_INVALID")
    assert "process" in answer.json["error_description"]


def test_fields_that_stand_twice(fishplate, key, bound):
    """RFC 8725 2.4, 3.1: no two readers may understand one proof in two ways."""
    url = fishplate.url + CLIENT
    good = {"jti": secrets.token_urlsafe(8), "htm": "GET", "htu": url, "iat": int(time.time()),
            "ath": digest(bound)}
    head = {"typ": "dpop+jwt", "alg": key.algorithm, "jwk": key.jwk}
    for member, reason in (("jti", "PROOF_CLAIMS"), ("htu", "PROOF_CLAIMS"), ("ath", "PROOF_TOKEN")):
        text = json.dumps(good)[:-1] + f', "{member}": {json.dumps(good[member])}}}'
        check_binding(get(fishplate, CLIENT, key, bound, sent=key.sign(head, text)), reason)
    text = json.dumps(head)[:-1] + f', "jwk": {json.dumps(key.jwk)}}}'
    check_binding(get(fishplate, CLIENT, key, bound, sent=key.sign(text, good)), "PROOF_KEY")


def test_dpop_with_codes_and_refresh_tokens(fishplate, tryton, key, other_key):
    """RFC 9449 5: the whole way; once bound, never plain again."""
    from tests.integration.test_oauth_authorize import BACK
    from tests.integration.test_oauth_connect import come_back_with_code
    client = fishplate.command("app", "create", "--name", "Bound", "--environment", "test",
                               "--redirect-uris", BACK)
    verifier = secrets.token_urlsafe(48)
    code = come_back_with_code(fishplate, client, tryton, verifier, f"{key.algorithm}@b.test")["code"]

    def exchange(signer, **wanted):
        shown = [("DPoP", proof(signer, "POST", fishplate.url + TOKEN))] if signer else []
        body = {"client_id": client["client_id"], "client_secret": client["client_secret"], **wanted}
        return fishplate.post(TOKEN, body=body, headers=shown)

    first = exchange(key, grant_type="authorization_code", code=code, redirect_uri=BACK,
                     code_verifier=verifier)
    assert first.status == 200 and first.json["token_type"] == "DPoP", first
    wanted = {"grant_type": "refresh_token", "refresh_token": first.json["refresh_token"]}
    refused = exchange(None, **wanted)
    assert refused.json["error"] == "invalid_grant" and "DPoP" in refused.json["error_description"]
    second = exchange(other_key, **wanted)
    assert second.status == 200 and second.json["token_type"] == "DPoP", second
    assert get(fishplate, VENDORS, key, first.json["access_token"], timeout=90.0).status == 200
    assert get(fishplate, VENDORS, other_key, second.json["access_token"], timeout=90.0).status == 200
    # a lost answer is repeated for the same key alone
    assert exchange(other_key, **wanted).json == second.json | {
        "expires_in": exchange(other_key, **wanted).json["expires_in"]}
    assert exchange(key, **wanted).json["error"] == "invalid_grant"


def test_connecting_with_a_bound_token(fishplate, tryton, key):
    app = new_app(fishplate, "Connects")
    token = bound_token(fishplate, app, key)
    check_binding(fishplate.post("/api/system/connections", token, body={}), "SCHEME_BEARER",
                  "invalid_token")
    made = connect(fishplate, app.token, tryton, name="By a plain one")
    path = f"/api/system/connections/{made.id}/metadata"
    shown = proof(key, "POST", fishplate.url + path, token)
    answer = fishplate.post(path, headers=[("Authorization", f"DPoP {token}"), ("DPoP", shown)],
                            body={"key": "site", "value": "munich"})
    assert answer.status == 200, answer
