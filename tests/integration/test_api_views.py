"""Choosing fields, the source's own record beside, and versions: ETag with If-None-Match and If-Match. M2."""
# SPDX-License-Identifier: Apache-2.0
import itertools
import json

import pytest

from tests.api.errors import check_error
from tests.integration.conftest import connect, credentials_of
from tests.systems.between import Between

VENDORS = "/api/erp/vendors"
ORDERS = "/api/erp/purchase-orders"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def token(fishplate, app, tryton):
    return connect(fishplate, app.token, tryton, name="Viewer").token


def make(fishplate, token):
    answer = fishplate.post(VENDORS, token, {"name": f"Versioned {next(_numbers)}"})
    assert answer.status == 200, answer
    return answer


# ------------------------------------------------------------------------------------------- fields
@pytest.mark.parametrize("path", [VENDORS, ORDERS, "/api/erp/stocks", "/api/wms/locations", "/api/erp/products"])
def test_api_views__fields_are_those_of_the_whole_record(fishplate, token, path):
    whole = fishplate.get(f"{path}?per_page=50", token).data
    assert whole
    for names in (["createdAt"], ["key", "name", "locationKey", "lineItems", "siteKey", "address"]):
        names = [name for name in names if name in whole[0]]
        if not names:
            continue
        answer = fishplate.get(f"{path}?per_page=50&fields={','.join(names)}", token)
        assert answer.status == 200, answer
        wanted = {"key", *names}
        assert answer.data == [{name: value for name, value in row.items() if name in wanted} for row in whole]
        assert answer.json["meta"]["total"] >= len(whole)


def test_api_views__the_source_is_asked_for_no_more(fishplate, app, tryton, tmp_path):
    with Between(tryton.url, tmp_path) as proxy:
        made = fishplate.connect(app.token, {**credentials_of(tryton), "url": proxy.url})
        token = made.data["access_token"]
        proxy.forget()
        assert fishplate.get(f"{VENDORS}?fields=name&per_page=2", token).status == 200
        key = fishplate.get(f"{VENDORS}?per_page=1", token).data[0]["key"]
        assert set(fishplate.get(f"{VENDORS}/{key}?fields=code", token).data) == {"key", "code"}
        calls = [json.loads(body) for body in proxy.bodies]
        asked = [set(call["params"][4]) for call in calls if call["method"] == "model.party.party.search_read"]
        assert (asked[0], asked[2]) == ({"id", "name"}, {"id", "code"}) and len(asked[1]) > 4


def test_api_views__unknown_fields_are_named(fishplate, token):
    body = check_error(fishplate.get(f"{VENDORS}?fields=name,shoeSize", token), "PARAMETER_INVALID")
    assert body["errors"] == {"fields": ['Vendor has no field "shoeSize".']}
    check_error(fishplate.get(f"{VENDORS}/1?fields=", token), "PARAMETER_INVALID")
    check_error(fishplate.get("/api/erp/statuses/purchase-orders?include_raw=true", token), "PARAMETER_INVALID")
    assert set(fishplate.get("/api/erp/statuses/purchase-orders?fields=name", token).data[0]) == {"key", "name"}


def test_api_views__the_source_s_own_record(fishplate, token, tryton):
    rows = fishplate.get(f"{ORDERS}?include_raw=true&per_page=5", token).data
    plain = fishplate.get(f"{ORDERS}?per_page=5", token).data
    assert [{k: v for k, v in row.items() if k != "raw"} for row in rows] == plain
    for row in rows:
        real = tryton.read("purchase.purchase", ["number", "state", "party"], [["id", "=", int(row["key"])]])[0]
        assert row["raw"]["id"] == int(row["key"])
        assert (row["raw"]["number"], row["raw"]["state"]) == (real["number"], real["state"])
    one = fishplate.get(f"{VENDORS}?fields=name&include_raw=true&per_page=1", token).data[0]
    assert set(one) == {"key", "name", "raw"} and one["raw"]["name"] == one["name"]


# ---------------------------------------------------------------------------------------- versions
@pytest.mark.parametrize("path", [VENDORS, f"{ORDERS}?per_page=3&sort[orderDate]=1", f"{VENDORS}?fields=name",
                                  "/api/erp/statuses/sales-orders"])
def test_api_views__a_list_that_is_known_is_not_sent(fishplate, token, path):
    first = fishplate.get(path, token)
    tag = first.header("ETag")
    assert tag.startswith('W/"') and first.header("Cache-Control") == "no-store"
    assert fishplate.get(path, token).header("ETag") == tag
    for known in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        again = fishplate.get(path, token, headers=[("If-None-Match", known)])
        assert (again.status, again.body, again.header("ETag")) == (304, b"", tag), known
        assert again.header("Content-Type") is None and again.request_id
    for other in ('"x"', "", 'W/"' + "x" * 2000 + '", ' + tag):
        again = fishplate.get(path, token, headers=[("If-None-Match", other)])
        assert again.status == 200 and again.body == first.body


def test_api_views__a_record_has_one_version_until_it_changes(fishplate, token, tryton):
    made = make(fishplate, token)
    path = f"{VENDORS}/{made.data['key']}"
    read = fishplate.get(path, token, headers=[("Accept-Encoding", "gzip")])
    tag = read.header("ETag")
    assert tag.startswith('"') and made.header("ETag") == tag, "a write answers with the new version"
    assert read.header("Content-Encoding") is None, "a strong tag names these very bytes"
    assert fishplate.request("HEAD", path, token).header("ETag") == tag
    assert fishplate.get(path, token, headers=[("If-None-Match", tag)]).status == 304
    tryton.write("party.party", int(made.data["key"]), name="Changed in Tryton")
    again = fishplate.get(path, token, headers=[("If-None-Match", tag)])
    assert again.status == 200 and again.header("ETag") != tag and again.data["name"] == "Changed in Tryton"
    assert fishplate.get(f"{path}?fields=code", token, headers=[("If-None-Match", again.header("ETag"))]).status == 200


def test_api_views__a_change_of_another_version_is_refused(fishplate, token, tryton):
    made = make(fishplate, token)
    key, tag = made.data["key"], made.header("ETag")
    path = f"{VENDORS}/{key}"

    def put(name, *match):
        return fishplate.request("PUT", path, token, {"name": name}, headers=[("If-Match", one) for one in match])

    first = put("First", tag)
    assert (first.status, first.data["name"]) == (200, "First")
    for stale in (tag, "W/" + first.header("ETag"), '"x"', "nonsense"):
        check_error(put("Lost update", stale), "PRECONDITION_FAILED")
    assert tryton.read("party.party", ["name"], [["id", "=", int(key)]])[0]["name"] == "First"
    assert put("Second", f'"x", {first.header("ETag")}').data["name"] == "Second"
    assert put("Third", "*").data["name"] == "Third"
    for wrong in (["*", "*"], ['"' + "x" * 2000 + '"']):
        body = check_error(put("No", *wrong), "PARAMETER_INVALID")
        assert set(body["errors"]) == {"If-Match"}
    check_error(fishplate.request("PUT", f"{VENDORS}/999999", token, {"name": "x"}, headers=[("If-Match", "*")]),
                "RECORD_NOT_FOUND")
    assert tryton.read("party.party", ["name"], [["id", "=", int(key)]])[0]["name"] == "Third"
