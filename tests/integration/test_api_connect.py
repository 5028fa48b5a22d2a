"""S2: connecting verifies the credential at the source before anything is stored, and gives a
token."""
# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.api.errors import CATALOGUE, check_error, fields_of
from tests.api.tokens import is_well_formed
from tests.api.world import connect, connections, credentials_of, new_app, new_login, new_password
from tests.systems.tryton import free_port

PATH = "/api/system/connections"


@pytest.fixture(scope="module")
def fresh(fishplate):
    """An application of this file alone, so that its list can be compared whole."""
    return new_app(fishplate, "Connecting")


def body_of(tryton, **other):
    body = {"name": "Plant", "email": "plant@example.com", "provider": "tryton",
            "credentials": credentials_of(tryton)}
    body.update(other)
    return {name: value for name, value in body.items() if value is not None}


def test_s2_connecting_gives_the_token_of_that_connection(fishplate, fresh, tryton):
    before = set(connections(fishplate, fresh.token))
    answer = fishplate.post(PATH, fresh.token, body_of(tryton, name="Werk Süd",
                                                       email="Sud@example.com"))
    assert answer.status == 200, answer
    assert answer.header("Cache-Control") == "no-store"
    token = answer.data["access_token"]
    assert is_well_formed(token) and token.startswith("fp_test_")
    current = fishplate.get("/api/integrations/current", token).data
    assert current["company_name"] == "Werk Süd" and current["provider"] == "tryton"
    after = connections(fishplate, fresh.token)
    assert set(after) - before == {current["id"]}
    row = after[current["id"]]
    shown = (row["name"], row["status"], row["integration_name"])
    assert shown == ("Werk Süd", "active", "tryton")
    assert token.encode() not in fishplate.get(PATH, fresh.token).body, "shown once only"


def test_s2_token_answers_at_once(fishplate, fresh, tryton):
    own = connect(fishplate, fresh.token, tryton, name="At once")
    assert fishplate.get("/api/integrations/sync/status", own.token).json["status"] == "done"
    answer = fishplate.get("/api/erp/purchase-orders", own.token)
    assert answer.json["meta"]["total"] == tryton.count("purchase.purchase")


def rejected(server, app, tryton, code, **credentials):
    """Connecting fails with this code, and afterwards nothing is there that was not before."""
    before = connections(server, app.token)
    answer = server.post(PATH, app.token, body_of(tryton, credentials=credentials_of(
        tryton, **credentials)), timeout=90)
    body = check_error(answer, code)
    assert connections(server, app.token) == before
    for secret in (credentials.get("password", ""), tryton.password):
        assert not secret or secret.encode() not in answer.body
    return body


def test_s2_wrong_password_stores_nothing(fishplate, fresh, tryton):
    login, wrong = new_login(), new_password()
    tryton.create_limited_user(login, new_password())
    body = rejected(fishplate, fresh, tryton, "FIELD_INVALID", username=login, password=wrong)
    assert list(body["errors"]) == ["credentials"]
    assert body["errors"]["credentials"] == [CATALOGUE["CREDENTIALS_REJECTED"][2]]
    assert body["details"]["source_status"] == 401
    assert "user name or password" in body["details"]["reason"]


def test_s2_wrong_database_is_named(fishplate, fresh, tryton):
    body = rejected(fishplate, fresh, tryton, "SOURCE_SETTINGS_INVALID", database="nosuchdatabase")
    assert str(tryton.directory) not in str(body), "the source's file path is not ours to show"


def test_s2_source_that_is_not_there(fishplate, fresh, tryton):
    answer = rejected(fishplate, fresh, tryton, "SOURCE_UNREACHABLE",
                      url=f"http://127.0.0.1:{free_port()}")
    assert answer["type"] == "source"


@pytest.mark.parametrize("provider", ["sap-nothing", "", "Tryton", "../tryton", "tryton\x00", 7])
def test_s2_unknown_provider(fishplate, fresh, tryton, provider):
    answer = fishplate.post(PATH, fresh.token, body_of(tryton, provider=provider))
    assert answer.code in ("PLATFORM_UNKNOWN", "FIELD_INVALID"), answer
    assert fields_of(check_answer(answer)) == ["provider"]


def check_answer(answer):
    check_error(answer, answer.code)
    return answer


@pytest.mark.parametrize("name", ["name", "email", "provider", "credentials"])
def test_s2_each_missing_field_is_named(fishplate, fresh, tryton, name):
    answer = fishplate.post(PATH, fresh.token, body_of(tryton, **{name: None}))
    check_error(answer, "FIELD_INVALID")
    assert fields_of(answer) == [name]


def test_s2_all_missing_fields_are_named_at_once(fishplate, fresh):
    answer = fishplate.post(PATH, fresh.token, {})
    check_error(answer, "FIELD_INVALID")
    assert sorted(fields_of(answer)) == ["credentials", "email", "name", "provider"]


@pytest.mark.parametrize("name", ["url", "database", "username", "password"])
def test_s2_each_missing_credential_is_named(fishplate, fresh, tryton, name):
    credentials = credentials_of(tryton)
    del credentials[name]
    answer = fishplate.post(PATH, fresh.token, body_of(tryton, credentials=credentials))
    check_error(answer, "FIELD_INVALID")
    assert fields_of(answer) == [f"credentials.{name}"]


def test_s2_unknown_credential_is_named(fishplate, fresh, tryton):
    answer = fishplate.post(PATH, fresh.token, body_of(
        tryton, credentials=credentials_of(tryton, pasword="x")))
    check_error(answer, "FIELD_INVALID")
    assert fields_of(answer) == ["credentials.pasword"]


@pytest.mark.parametrize("change", [
    {"email": "nobody"}, {"email": "a@b@c"}, {"email": 5}, {"name": ""}, {"name": "x" * 201},
    {"name": "a\u0000b"}, {"name": ["x"]}, {"credentials": "text"}, {"credentials": []}],
    ids=["email", "two at", "number", "empty", "long", "nul", "list", "text", "array"])
def test_s2_wrong_fields_are_named(fishplate, fresh, tryton, change):
    answer = fishplate.post(PATH, fresh.token, body_of(tryton, **change))
    check_error(answer, "FIELD_INVALID")
    assert {field.split(".")[0] for field in fields_of(answer)} == set(change)


@pytest.mark.parametrize("url", [
    "http://169.254.169.254/latest/meta-data/", "http://[fe80::1]/", "http://224.0.0.1/",
    "http://0.0.0.0:1/", "http://[::ffff:169.254.169.254]/", "http://[fd00:ec2::254]/"])
def test_s2_metadata_and_link_local_are_refused_always(fishplate, fresh, tryton, url):
    rejected(fishplate, fresh, tryton, "SOURCE_ADDRESS_REFUSED", url=url)


def test_s2_private_networks_only_where_allowed(own_fishplate, tryton):
    """The same server, the same source: refused for one application, allowed for the other."""
    own_fishplate.settings["egress.networks"] = ""
    own_fishplate.start()
    closed = new_app(own_fishplate, "Closed")
    opened = new_app(own_fishplate, "Open", networks="127.0.0.0/8")
    rejected(own_fishplate, closed, tryton, "SOURCE_ADDRESS_REFUSED")
    own = connect(own_fishplate, opened.token, tryton)
    assert own_fishplate.get("/api/erp/currencies", own.token).status == 200


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "http://user:pw@127.0.0.1/", "127.0.0.1:8000",
                                 "http://", "javascript:alert(1)", "file:///etc/passwd",
                                 "http://a b/"])
def test_s2_urls_that_are_none(fishplate, fresh, tryton, url):
    answer = fishplate.post(PATH, fresh.token, body_of(
        tryton, credentials=credentials_of(tryton, url=url)))
    assert answer.status == 422, answer
    check_error(answer, answer.code)
    assert fields_of(answer) == ["credentials.url"]
