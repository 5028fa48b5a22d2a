"""/oauth/authorize: what is shown as a page because nobody may be trusted with an answer, what goes back
through the redirect URI, and the way on to the connect page. One row for each MUST, named by section."""
# SPDX-License-Identifier: Apache-2.0
import urllib.parse

import pytest

BACK = "https://app.example.com/back?tenant=1"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B


@pytest.fixture(scope="module")
def client(fishplate):
    return fishplate.command("app", "create", "--name", "Browser", "--environment", "test",
                             "--redirect-uris", f"{BACK} http://127.0.0.1:8000/cb")


@pytest.fixture(scope="module")
def old_client(fishplate):
    made = fishplate.command("app", "create", "--name", "Old", "--environment", "test",
                             "--redirect-uris", BACK, "--pkce", "optional")
    assert made["pkce"] == "optional"
    return made


def query(client, **change):
    wanted = {"response_type": "code", "client_id": client["client_id"], "redirect_uri": BACK,
              "state": "a b&c=<d>", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
              **change}
    return urllib.parse.urlencode({name: value for name, value in wanted.items()
                                   if value is not None})


def authorize(server, client, path="/oauth/authorize", **change):
    return server.get(f"{path}?{query(client, **change)}")


def check_browser_headers(answer):
    """RFC 9700 4.16, RFC 6749 10.13."""
    policy = answer.header("Content-Security-Policy")
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert answer.header("X-Frame-Options") == "DENY"
    assert answer.header("Referrer-Policy") == "no-referrer"
    assert answer.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("change, code", [
    ({"client_id": None}, "AUTHORIZE_REQUEST_INVALID"),
    ({"client_id": "app_00000000000000000000000000"}, "AUTHORIZE_CLIENT_UNKNOWN"),
    ({"client_id": "<script>alert(1)</script>"}, "AUTHORIZE_CLIENT_UNKNOWN"),
    ({"client_id": "x" * 500}, "AUTHORIZE_CLIENT_UNKNOWN"),
    ({"redirect_uri": "https://evil.example/"}, "AUTHORIZE_REDIRECT_INVALID"),
    ({"redirect_uri": BACK + "&x"}, "AUTHORIZE_REDIRECT_INVALID"),
    ({"redirect_uri": BACK.replace("https", "HTTPS")}, "AUTHORIZE_REDIRECT_INVALID"),
    ({"redirect_uri": BACK.replace("app.", "")}, "AUTHORIZE_REDIRECT_INVALID"),
    ({"redirect_uri": BACK[:-1]}, "AUTHORIZE_REDIRECT_INVALID"),
    ({"redirect_uri": f"{BACK} http://127.0.0.1:8000/cb"}, "AUTHORIZE_REDIRECT_INVALID"),
    ({"redirect_uri": "https://a.example/" + "x" * 2000}, "AUTHORIZE_REDIRECT_INVALID"),
    ({"redirect_uri": None}, "AUTHORIZE_REDIRECT_INVALID"),
], ids=["6749 4.1.1 no client_id", "6749 4.1.2.1 unknown client", "6749 4.1.2.1 markup",
        "6749 4.1.2.1 long client", "6749 3.1.2.4 other host", "9700 4.1.3 longer",
        "9700 4.1.3 other case", "9700 4.1.3 other subdomain", "9700 4.1.3 prefix",
        "9700 4.1.3 two in one", "6749 3.1.2.4 long", "6749 3.1.2.3 several registered"])
def test_nothing_is_sent_anywhere(fishplate, client, change, code):
    answer = authorize(fishplate, client, **change)
    assert answer.status == 400 and answer.header("Location") is None, answer
    assert answer.header("Content-Type") == "text/html; charset=utf-8"
    assert code.encode() in answer.body and answer.request_id.encode() in answer.body
    assert b"<script" not in answer.body and b"evil" not in answer.body
    check_browser_headers(answer)


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_rfc6749_3_1_decisive_parameters_stand_once(fishplate, client, name):
    answer = fishplate.get(f"/oauth/authorize?{query(client)}&{name}=x")
    assert answer.status == 400 and b"AUTHORIZE_REQUEST_INVALID" in answer.body


def sent_back(answer):
    """The parameters that the browser brings back; everything else of the answer is checked."""
    assert answer.status == 303, answer
    location = answer.header("Location")
    assert location.startswith(BACK + "&"), location
    check_browser_headers(answer)
    values = dict(urllib.parse.parse_qsl(location[len(BACK) + 1:], strict_parsing=True))
    return values


@pytest.mark.parametrize("change, error", [
    ({"response_type": None}, "invalid_request"),
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"response_type": "code token"}, "unsupported_response_type"),
    ({"response_mode": "fragment"}, "invalid_request"),
    ({"scope": "everything"}, "invalid_scope"),
    ({"scope": "erp:read\x20\x20eam:read"}, "invalid_scope"),
    ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    ({"code_challenge": None}, "invalid_request"),
    ({"code_challenge": "short"}, "invalid_request"),
    ({"code_challenge_method": "plain"}, "invalid_request"),
    ({"code_challenge_method": None}, "invalid_request"),
    ({"request": "e30.e30."}, "request_not_supported"),
    ({"request_uri": "https://a.example/r"}, "request_uri_not_supported"),
], ids=["6749 4.1.1 no response_type", "9700 2.1.2 implicit", "9700 2.1.2 hybrid",
        "6749 4.1.2 fragment", "6749 3.3 unknown scope", "6749 3.3 two blanks",
        "7636 4.4.1 no challenge", "7636 4.3 method alone", "7636 4.2 malformed",
        "9700 2.1.1 plain", "7636 4.3 plain by default", "request object", "request uri"])
def test_the_client_is_told(fishplate, client, change, error):
    values = sent_back(authorize(fishplate, client, **change))
    assert values["error"] == error and values["error_description"].isascii()
    assert values["state"] == "a b&c=<d>"      # 6749 4.1.2.1
    assert values["iss"] == fishplate.url      # 9207 2
    assert "code" not in values


def test_rfc6749_3_1_repeated_parameter_is_told_without_a_doubtful_state(fishplate, client):
    answer = fishplate.get(f"/oauth/authorize?{query(client)}&state=other")
    values = sent_back(answer)
    assert values["error"] == "invalid_request" and "state" not in values


@pytest.mark.parametrize("path", ["/oauth/authorize", "/link/oauth/authorize", "/link/auth"])
def test_a_good_request_leads_to_a_connect_page(fishplate, client, path):
    answer = authorize(fishplate, client, path, scope="erp:read", unknown="ignored")
    assert answer.status == 303, answer
    assert answer.header("Location").startswith("/connect/fplink_"), answer.headers
    check_browser_headers(answer)
    assert answer.body == b""


def test_an_old_client_may_leave_pkce_and_its_only_address_out(fishplate, old_client):
    answer = authorize(fishplate, old_client, redirect_uri=None, code_challenge=None,
                       code_challenge_method=None)
    assert answer.status == 303 and answer.header("Location").startswith("/connect/"), answer


def test_rfc6749_3_1_get_only(fishplate, client):
    answer = fishplate.post("/oauth/authorize", body=query(client).encode(),
                            headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 405 and "GET" in answer.header("Allow")


@pytest.mark.parametrize("uri", [
    "http://app.example.com/", "https://", "https://app.example.com/#x", "//app.example.com/",
    "https://user@app.example.com/", "javascript:alert(1)", "data:text/html,x", "/back",
    "https://app.example.com/\\x", 'https://app.example.com/"',
], ids=["9700 2.6 http", "no host", "6749 3.1.2 fragment", "6749 3.1.2 relative", "user's name",
        "script", "data", "path", "backslash", "quote"])
def test_addresses_that_may_not_be_registered(fishplate, uri):
    done = fishplate.run("app", "create", "--name", "x", "--redirect-uris", uri, check=False)
    assert done.returncode != 0 and "redirect_uris" in done.stdout + done.stderr


def test_an_update_counts_at_once(fishplate):
    made = fishplate.command("app", "create", "--name", "Later", "--environment", "test")
    assert authorize(fishplate, made).status == 400
    changed = fishplate.command("app", "update", made["client_id"], "--redirect-uris", BACK,
                                "--access-seconds", "600", "--refresh-seconds", "1200")
    assert changed["redirect_uris"] == BACK and changed["pkce"] == "required"
    assert (changed["access_seconds"], changed["refresh_seconds"]) == (600, 1200)
    assert authorize(fishplate, made).status == 303
    fishplate.command("app", "update", made["client_id"], "--redirect-uris", "")
    assert authorize(fishplate, made).status == 400
    done = fishplate.run("app", "update", made["client_id"], "--access-seconds", "5", check=False)
    assert done.returncode != 0 and "access_seconds" in done.stdout + done.stderr
