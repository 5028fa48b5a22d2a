"""Writing through the unified API on a real Tryton: what Tryton says by its own RPC afterwards is what
was sent. M1, S12. Faults between Fishplate and Tryton: a write is sent once, whatever happens to it.
"""
# SPDX-License-Identifier: Apache-2.0
import itertools
import json

import pytest

from tests.integration.conftest import connect, credentials_of
from tests.systems.between import Between
from tests.systems.fishplate import Fishplate

VENDORS = "/api/erp/vendors"
CREATE, WRITE = "model.party.party.create", "model.party.party.write"
_numbers = itertools.count(1)


def fresh_name(word="Vendor"):
    return f"{word} ŧ {next(_numbers)}"


@pytest.fixture(scope="module")
def token(fishplate, app, tryton):
    return connect(fishplate, app.token, tryton, name="Writer").token


def party(tryton, key):
    return tryton.read("party.party", ["name", "code", "supplier_payment_term", "customer_payment_term"],
                       [["id", "=", int(key)]])[0]


def create(fishplate, token, path=VENDORS, **body):
    answer = fishplate.post(path, token, body or {"name": fresh_name()})
    assert answer.status == 200, answer.json
    return answer.data


def put(fishplate, token, path, body):
    return fishplate.request("PUT", path, token, body)


def errors_of(answer, status=422, code="FIELD_INVALID"):
    assert (answer.status, answer.code) == (status, code), answer
    return answer.json["errors"]


# ------------------------------------------------------------------------- vendors and customers
@pytest.mark.parametrize("resource,term", [("vendors", "supplier_payment_term"),
                                           ("customers", "customer_payment_term")])
@pytest.mark.parametrize("domain", ["eam", "erp", "wms"])
def test_api_write__a_party_is_made_and_changed(fishplate, token, tryton, resource, term, domain):
    path, name = f"/api/{domain}/{resource}", fresh_name()
    made = create(fishplate, token, path, name=name, code=f"X-{domain}-{resource}")
    row = party(tryton, made["key"])
    assert (row["name"], row["code"]) == (name, f"X-{domain}-{resource}") == (made["name"], made["code"])
    assert row[term] is not None, "only with terms of payment it is in the list"
    listed = fishplate.get(f"{path}?filter[code]=X-{domain}-{resource}", token).data
    assert listed == [made]
    changed = put(fishplate, token, f"{path}/{made['key']}", {"name": name + " AG"})
    assert changed.status == 200, changed
    row = party(tryton, made["key"])
    assert (row["name"], row["code"]) == (name + " AG", f"X-{domain}-{resource}"), "absent is unchanged"
    assert changed.data["name"] == name + " AG" and changed.data["createdAt"] == made["createdAt"]
    assert changed.data == fishplate.get(f"{path}/{made['key']}", token).data


def test_api_write__texts_arrive_as_they_are(fishplate, token, tryton):
    for name in ("\"quoted\" \\ back", "日本軸受株式会社", "𝔘𝔫𝔦", "{credentials.password} $record"):
        assert party(tryton, create(fishplate, token, name=name)["key"])["name"] == name


def test_api_write__null_clears_and_an_empty_body_changes_nothing(fishplate, token, tryton):
    made = create(fishplate, token, "/api/erp/vendors", name=fresh_name(), code="WILL-GO")
    before = tryton.read("party.party", ["write_date"], [["id", "=", int(made["key"])]])
    same = put(fishplate, token, f"{VENDORS}/{made['key']}", {})
    assert same.status == 200 and same.data == made
    assert tryton.read("party.party", ["write_date"], [["id", "=", int(made["key"])]]) == before
    answer = put(fishplate, token, f"{VENDORS}/{made['key']}", {"name": None})
    assert errors_of(answer) == {"name": ["This field cannot be empty."]}


def test_api_write__every_wrong_field_is_named_before_the_source_is_called(fishplate, app, tryton,
                                                                           tmp_path):
    with Between(tryton.url, tmp_path) as proxy:
        answer = fishplate.connect(app.token, {**credentials_of(tryton), "url": proxy.url})
        token = answer.data["access_token"]
        proxy.forget()
        answer = fishplate.post(VENDORS, token, {"code": 5, "key": "7", "shoeSize": 44, "createdAt": None})
        assert set(errors_of(answer)) == {"name", "code", "key", "shoeSize", "createdAt"}
        assert errors_of(answer)["createdAt"] == errors_of(answer)["key"]
        many = fishplate.post(VENDORS, token, {f"x{i}": 1 for i in range(300)})
        assert len(errors_of(many)) == 24 and "?" in errors_of(many)
        raw = b'{"name": "a", "name": "b"}'
        twice = fishplate.request("POST", VENDORS, token, raw,
                                  headers=[("Content-Type", "application/json")])
        assert errors_of(twice) == {"name": ["Send each field once."]}
        assert proxy.methods() == []


@pytest.mark.parametrize("body", [b"", b"[]", b"7", b"null", b'"x"', b"{", b'{"name": "\xff"}',
                                  b"[" * 200, b'{"name":' * 80])
def test_api_write__what_is_no_object_is_refused(fishplate, token, body):
    answer = fishplate.request("POST", VENDORS, token, body, headers=[("Content-Type", "application/json")])
    assert (answer.status, answer.code) == (400, "REQUEST_BODY_INVALID"), answer
    assert answer.json["details"]["reason"]


def test_api_write__other_media_types_are_refused(fishplate, token):
    answer = fishplate.request("POST", VENDORS, token, b"name=a",
                               headers=[("Content-Type", "application/x-www-form-urlencoded")])
    assert (answer.status, answer.code) == (415, "REQUEST_MEDIA_TYPE_UNSUPPORTED")


def test_api_write__a_dry_run_changes_nothing(fishplate, token, tryton):
    count = tryton.count("party.party")
    answer = fishplate.post(f"{VENDORS}?validate_only=true", token, {"name": "Dry"})
    assert (answer.status, answer.json) == (200, {"data": None, "validate_only": True})
    assert errors_of(fishplate.post(f"{VENDORS}?validate_only=true", token, {})) == {
        "name": ["This system needs the field in a new record."]}
    for query in ("validate_only=maybe", "validate_only=true&validate_only=true", "page=1"):
        answer = fishplate.post(f"{VENDORS}?{query}", token, {"name": "Dry"})
        assert (answer.status, answer.code) == (422, "PARAMETER_INVALID")
    assert fishplate.get(f"{VENDORS}/1?validate_only=true", token).code in (None, "PARAMETER_INVALID")
    assert tryton.count("party.party") == count


def test_api_write__unknown_keys_are_not_found(fishplate, token):
    for key in ("999999", "seven", "0", "1%00", "../1"):
        answer = put(fishplate, token, f"{VENDORS}/{key}", {"name": "x"})
        assert answer.status in (400, 404), answer


def test_api_write__the_source_s_own_refusal_comes_with_its_sentence(fishplate, token, tryton):
    made = create(fishplate, token, name=fresh_name(), code="ONLY-ONE")
    count = tryton.count("party.party")
    answer = fishplate.post(VENDORS, token, {"name": "Second", "code": "ONLY-ONE"})
    assert (answer.status, answer.code) == (422, "SOURCE_REJECTED")
    assert "unique" in answer.json["details"]["source_message"]
    assert tryton.count("party.party") == count
    assert party(tryton, made["key"])["name"] == made["name"]


def test_api_write__what_the_platform_cannot_write_is_said(fishplate, token):
    answer = fishplate.post("/api/eam/work-orders", token, {"title": "x"})
    assert (answer.status, answer.code) == (501, "OPERATION_UNSUPPORTED")
    assert fishplate.request("DELETE", VENDORS, token).status == 405
    answer = fishplate.request("PUT", VENDORS, token, {"name": "x"})
    assert answer.status == 405 and "POST" in answer.header("Allow")


def test_api_write__needs_the_scope_and_is_on_record(fishplate, app, tryton):
    made = connect(fishplate, app.token, tryton, name="Scoped")
    reader = fishplate.issue_token(made.id, scopes="*:read")["token"]
    writer = fishplate.issue_token(made.id, scopes="vendors:write")["token"]
    count = tryton.count("party.party")
    answer = fishplate.post(VENDORS, reader, {"name": "x"})
    assert (answer.status, answer.code) == (401, "PERMISSION_MISSING")
    assert tryton.count("party.party") == count
    answer = fishplate.post(VENDORS, writer, {"name": fresh_name()})
    assert answer.status == 200
    answer = put(fishplate, writer, f"{VENDORS}/{answer.data['key']}", {"name": fresh_name()})
    assert answer.status == 200
    found = fishplate.command("audit", "search", "--request", answer.request_id)
    text = json.dumps(found)
    assert "erp.vendors.update" in text and answer.data["key"] in text


# ------------------------------------------------------------------------- orders, goods, transfers
ORDERS = "/api/erp/purchase-orders"


@pytest.fixture(scope="module")
def goods(tryton):
    """Some products that can be bought: (id, unit)."""
    rows = tryton.read("product.product", ["template.default_uom"],
                       [["template.purchasable", "=", True]], limit=3)
    return [(str(row["id"]), str(row["template."]["default_uom"])) for row in rows]


@pytest.fixture(scope="module")
def vendor(tryton):
    return str(tryton.read("party.party", ["id"], [["code", "=", "V0001"]])[0]["id"])


def order_of(tryton, key):
    return tryton.read("purchase.purchase", [
        "party", "state", "description", "reference", "comment", "purchase_date", "delivery_date",
        "currency.code", "warehouse", "untaxed_amount", "lines.product", "lines.quantity", "lines.unit",
        "lines.unit_price", "lines.description", "lines.type", "lines.note"], [["id", "=", int(key)]])[0]


def line(goods, number, quantity, price, **more):
    return {"productKey": goods[number][0], "uomKey": goods[number][1], "quantity": quantity,
            "price": price, **more}


def test_api_write__an_order_and_its_lines_are_made_in_one_call(fishplate, app, tryton, goods, vendor,
                                                                tmp_path):
    currency = tryton.read("currency.currency", ["id"], [["code", "=", "USD"]])[0]["id"]
    site = tryton.read("stock.location", ["id"], [["code", "=", "WH2"]])[0]["id"]
    body = {"vendorKey": vendor, "siteKey": str(site), "title": "Spare parts", "description": "REF-1", "notes": "two\nlines",
            "orderDate": "2026-11-24", "dueAt": "2026-12-01T00:00:00Z", "currencyKey": str(currency),
            "lineItems": [line(goods, 0, 3, "12.3456", description="first"),
                          line(goods, 1, 2, 0.1, notes="n")]}
    with Between(tryton.url, tmp_path) as proxy:
        answer = fishplate.connect(app.token, {**credentials_of(tryton), "url": proxy.url})
        made = create(fishplate, answer.data["access_token"], ORDERS, **body)
        assert [m for m in proxy.methods() if m.endswith((".create", ".write"))] == [
            "model.purchase.purchase.create"]
    row = order_of(tryton, made["key"])
    assert (row["party"], row["state"], row["description"], row["reference"], row["comment"]) == (
        int(vendor), "draft", "Spare parts", "REF-1", "two\nlines")
    assert (str(row["purchase_date"]), str(row["delivery_date"])) == ("2026-11-24", "2026-12-01")
    assert (row["currency."]["code"], row["warehouse"]) == ("USD", site)
    lines = {entry["product"]: entry for entry in row["lines."]}
    first, second = lines[int(goods[0][0])], lines[int(goods[1][0])]
    assert (first["quantity"], str(first["unit_price"]), first["description"], first["type"]) == (
        3, "12.3456", "first", "line")
    assert (second["quantity"], float(second["unit_price"]), second["note"]) == (2, 0.1, "n")
    assert len(made["lineItems"]) == 2 and made["statusKey"] == "draft"
    assert abs(made["totalNetValue"] - float(row["untaxed_amount"])) < 1e-9


def test_api_write__the_lines_of_an_order_are_replaced_by_key(fishplate, token, tryton, goods, vendor):
    made = create(fishplate, token, ORDERS, vendorKey=vendor,
                  lineItems=[line(goods, 0, 1, 1), line(goods, 1, 2, 2), line(goods, 2, 3, 3)])
    keep = next(row for row in made["lineItems"] if row["productKey"] == goods[1][0])
    path = f"{ORDERS}/{made['key']}"
    answer = put(fishplate, token, path, {"title": "header only"})
    assert answer.status == 200 and len(answer.data["lineItems"]) == 3, "an absent list stays"
    answer = put(fishplate, token, path, {"lineItems": [{"key": keep["key"], "quantity": 20},
                                                        line(goods, 0, 7, 7)]})
    assert answer.status == 200, answer
    rows = {row["product"]: row for row in order_of(tryton, made["key"])["lines."]}
    assert set(rows) == {int(goods[1][0]), int(goods[0][0])}
    assert rows[int(goods[1][0])]["id"] == int(keep["key"])
    assert (rows[int(goods[1][0])]["quantity"], rows[int(goods[1][0])]["unit_price"]) == (20, 2)
    assert rows[int(goods[0][0])]["quantity"] == 7
    other = create(fishplate, token, ORDERS, vendorKey=vendor, lineItems=[line(goods, 0, 1, 1)])
    answer = put(fishplate, token, path, {"lineItems": [{"key": other["lineItems"][0]["key"], "quantity": 9}]})
    assert set(errors_of(answer)) == {"lineItems.0.key"}, "a line of another order is out of reach"
    assert order_of(tryton, other["key"])["lines."][0]["quantity"] == 1
    assert put(fishplate, token, path, {"lineItems": None}).data["lineItems"] == []
    assert order_of(tryton, made["key"])["lines."] == []


def test_api_write__wrong_lines_are_named_by_their_place(fishplate, token, tryton, goods, vendor):
    count = tryton.count("purchase.purchase")
    answer = fishplate.post(ORDERS, token, {"vendorKey": "x", "orderDate": "2026-11-24T08:00:00Z",
                                            "totalNetValue": 5, "lineItems": [
                                                line(goods, 0, "three", 1), {"quantity": 1, "colour": 1}, 7]})
    assert set(errors_of(answer)) == {
        "vendorKey", "orderDate", "totalNetValue", "lineItems.0.quantity", "lineItems.1.uomKey",
        "lineItems.1.price", "lineItems.1.colour", "lineItems.2."}
    assert set(errors_of(fishplate.post(ORDERS, token, {}))) == {"vendorKey"}
    assert tryton.count("purchase.purchase") == count


def test_api_write__an_order_that_is_under_way_is_not_changed(fishplate, token, tryton):
    row = tryton.read("purchase.purchase", ["state", "description", "lines"],
                      [["state", "=", "processing"]], limit=1)[0]
    for path, body in ((f"{ORDERS}/{row['id']}", {"title": "late"}),
                       (f"/api/wms/purchase-orders.line-items/{row['lines'][0]}", {"quantity": 99})):
        answer = put(fishplate, token, path, body)
        assert (answer.status, answer.code) == (409, "RECORD_LOCKED"), answer
        assert answer.json["details"]["state"] == "processing"
    assert tryton.read("purchase.purchase", ["state", "description", "lines"],
                       [["id", "=", row["id"]]])[0] == row


def test_api_write__one_line_is_changed(fishplate, token, tryton, goods, vendor):
    made = create(fishplate, token, ORDERS, vendorKey=vendor, lineItems=[line(goods, 0, 1, 1)])
    key = made["lineItems"][0]["key"]
    answer = put(fishplate, token, f"/api/erp/purchase-orders.line-items/{key}",
                 {"quantity": 4, "price": 2.5})
    assert answer.status == 200 and answer.data["lineTotalValue"] == 10, answer
    row = order_of(tryton, made["key"])["lines."][0]
    assert (row["quantity"], float(row["unit_price"])) == (4, 2.5)


@pytest.mark.parametrize("resource", ["materials", "products"])
def test_api_write__goods_are_made_and_changed(fishplate, token, tryton, resource):
    path, unit = f"/api/erp/{resource}", tryton.read("product.uom", ["id"], [["symbol", "=", "kg"]])[0]["id"]
    extra = {"price": "9.95"} if resource == "products" else {}
    made = create(fishplate, token, path, name=fresh_name("Grease"), code=f"G-{resource}",
                  uomKey=str(unit), **extra)
    fields = ["code", "template.name", "template.default_uom", "template.type", "template.list_price"]
    row = tryton.read("product.product", fields, [["id", "=", int(made["key"])]])[0]
    assert (row["code"], row["template."]["default_uom"], row["template."]["type"]) == (
        f"G-{resource}", unit, "goods")
    assert made["name"] == row["template."]["name"] and made["uomKey"] == str(unit)
    assert not extra or str(row["template."]["list_price"]) == "9.95"
    answer = put(fishplate, token, f"{path}/{made['key']}", {"name": "Better grease"})
    assert answer.status == 200 and answer.data["key"] == made["key"], answer
    row = tryton.read("product.product", fields, [["id", "=", int(made["key"])]])[0]
    assert (row["template."]["name"], row["code"]) == ("Better grease", f"G-{resource}")
    assert set(errors_of(fishplate.post(path, token, {"quantity" if extra else "cost": 1}))) == {
        "quantity" if extra else "cost", "name", "uomKey"}


def test_api_write__sales_orders_and_transfers(fishplate, token, tryton):
    customer = tryton.read("party.party", ["id"], [["code", "=", "C0001"]])[0]["id"]
    made = create(fishplate, token, "/api/erp/sales-orders", customerKey=str(customer), code="WEB-7")
    row = tryton.read("sale.sale", ["party", "reference", "state"], [["id", "=", int(made["key"])]])[0]
    assert (row["party"], row["reference"], row["state"]) == (customer, "WEB-7", "draft")
    answer = put(fishplate, token, f"/api/wms/sales-orders/{made['key']}", {"code": None})
    assert answer.status == 200 and answer.data["code"] is None, answer
    places = [row["id"] for row in tryton.read("stock.location", ["id"], [["type", "=", "storage"]], limit=2)]
    made = create(fishplate, token, "/api/wms/stock-transfers", fromLocationKey=str(places[0]),
                  toLocationKey=str(places[1]), orderNumber="T-1")
    row = tryton.read("stock.shipment.internal", ["from_location", "to_location", "reference"],
                      [["id", "=", int(made["key"])]])[0]
    assert (row["from_location"], row["to_location"], row["reference"]) == (*places, "T-1")


# ------------------------------------------------------------------------- faults
@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    settings = {"egress.timeouts.answer": "1500ms", "egress.timeouts.connect": "1s"}
    with Fishplate(tmp_path_factory.mktemp("hasty"), settings=settings) as server:
        server.app_token_text = server.app_token(server.create_app())
        yield server


@pytest.fixture(scope="module")
def between(tryton, tmp_path_factory):
    with Between(tryton.url, tmp_path_factory.mktemp("between")) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def hasty_token(hasty, between, tryton):
    answer = hasty.connect(hasty.app_token_text, {**credentials_of(tryton), "url": between.url})
    assert answer.status == 200, answer
    return answer.data["access_token"]


@pytest.fixture
def quiet(between):
    between.misbehave(None)
    between.forget()
    yield between
    between.misbehave(None)


UNCLEAR = ["hang", "close", "reset", "html", "empty", "cut_body", "not_http", "html_error", "unavailable",
           "wrong_json", "slow_drip"]


@pytest.mark.parametrize("fault", UNCLEAR)
def test_api_write__an_unclear_answer_is_told_and_nothing_is_sent_twice(hasty, hasty_token, quiet, fault):
    made = create(hasty, hasty_token)
    quiet.forget()
    quiet.misbehave_at(WRITE, fault)
    answer = put(hasty, hasty_token, f"{VENDORS}/{made['key']}", {"name": "Never twice"})
    assert (answer.status, answer.code) == (504, "OUTCOME_UNKNOWN"), answer
    details = answer.json["details"]
    assert details["look_at"] == f"{VENDORS}/{made['key']}" and details["reason"]
    assert answer.header("Retry-After") is None
    assert quiet.methods().count(WRITE) == 1
    quiet.misbehave(None)
    look = hasty.get(details["look_at"], hasty_token)
    assert look.status == 200 and look.data["name"] in (made["name"], "Never twice")


def test_api_write__an_unclear_new_record_can_be_looked_for(hasty, hasty_token, quiet, tryton):
    name = fresh_name("Lost & found = ")
    quiet.misbehave_at(CREATE, "pass_then_hang")
    answer = hasty.post(VENDORS, hasty_token, {"name": name})
    assert (answer.status, answer.code) == (504, "OUTCOME_UNKNOWN"), answer
    assert quiet.methods().count(CREATE) == 1
    quiet.misbehave(None)
    found = hasty.get(answer.json["details"]["look_at"], hasty_token)
    assert [row["name"] for row in found.data] == [name], "it was made, and look_at shows it"
    assert tryton.count("party.party", [["name", "=", name]]) == 1


def test_api_write__a_lost_session_is_renewed_where_nothing_was_done(hasty, hasty_token, quiet, tryton):
    name = fresh_name()
    hasty.get(f"{VENDORS}?per_page=1", hasty_token)
    tryton.end_sessions()
    answer = hasty.post(VENDORS, hasty_token, {"name": name})
    assert answer.status == 200, answer
    assert tryton.count("party.party", [["name", "=", name]]) == 1


def test_api_write__a_record_that_cannot_be_read_back_was_written(hasty, hasty_token, quiet, tryton):
    name = fresh_name()
    hasty.get(f"{VENDORS}?per_page=1", hasty_token)
    quiet.misbehave_at("model.party.party.search_read", "hang")
    answer = hasty.post(VENDORS, hasty_token, {"name": name})
    assert (answer.status, answer.code) == (502, "WRITTEN_UNREAD"), answer
    assert party(tryton, answer.json["details"]["key"])["name"] == name
    assert quiet.methods().count(CREATE) == 1


def test_api_write__a_source_that_is_not_there_got_nothing(hasty, tryton, tmp_path):
    with Between(tryton.url, tmp_path) as proxy:
        answer = hasty.connect(hasty.app_token_text, {**credentials_of(tryton), "url": proxy.url})
        token = answer.data["access_token"]
    answer = hasty.post(VENDORS, token, {"name": "Nobody home"})
    assert (answer.status, answer.code) == (503, "SOURCE_UNREACHABLE"), answer
    assert tryton.count("party.party", [["name", "=", "Nobody home"]]) == 0
