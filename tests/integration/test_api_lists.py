"""M2: lists against what Tryton itself counts: pages, links, filters with each operator, order,
HEAD, gzip."""
# SPDX-License-Identifier: Apache-2.0
import datetime
import gzip
import json
import urllib.parse
from pathlib import Path

import pytest

from tests.api.errors import check_error, fields_of

ORDERS = "/api/erp/purchase-orders"
GOODS = "/api/erp/materials"
# What the connector counts as a material, inactive ones included.
MATERIALS = [["template.type", "=", "goods"], ["active", "in", [True, False]]]
SCHEMA = Path(__file__).resolve().parent.parent.parent / "schema"


def query(**parameters):
    return urllib.parse.urlencode(parameters, safe="[]:")


def filters(*pairs, **more):
    """("name:contains", "x") and so on, as a query string."""
    parts = {f"filter[{name}]": value for name, value in pairs}
    return query(**parts, **more)


@pytest.fixture(scope="module")
def get(fishplate, shared_connection):
    def get(path, parameters=""):
        answer = fishplate.get(f"{path}?{parameters}", shared_connection.token)
        assert answer.status == 200, answer
        return answer
    return get


@pytest.fixture(scope="module")
def orders(fishplate, shared_connection):
    """All purchase orders, as the API shows them."""
    return fishplate.all_pages(ORDERS, shared_connection.token, per_page=500)


@pytest.fixture(scope="module")
def goods(fishplate, shared_connection):
    return fishplate.all_pages(GOODS, shared_connection.token, per_page=500)


# -- pages ------------------------------------------------------------------------------------
@pytest.mark.parametrize("per_page", [1, 7, 25, 29, 30, 31, 500])
def test_m2_pages_add_up(fishplate, shared_connection, tryton, per_page):
    total = tryton.count("purchase.purchase")
    records, page = [], 1
    with fishplate.client() as client:
        while True:
            answer = client.get(f"{ORDERS}?page={page}&per_page={per_page}",
                                shared_connection.token)
            meta = answer.json["meta"]
            assert meta["total"] == total
            assert meta["last_page"] == -(-total // per_page)
            assert (meta["current_page"], meta["per_page"]) == (page, per_page)
            assert meta["from"] == len(records) + 1
            records += answer.data
            assert meta["to"] == len(records)
            if page == meta["last_page"]:
                break
            page += 1
    assert len(records) == total
    assert len({record["key"] for record in records}) == total, "a record came twice"


def test_m2_links_lead_through_the_whole_list(fishplate, shared_connection, tryton):
    """As a client that never builds a URL itself; filters and sizes stay in the links."""
    token = shared_connection.token
    begin = f"{fishplate.url}{ORDERS}?per_page=4&{filters(('orderDate:gteq', '2026-01-01'))}"
    seen, url, before = [], begin, None
    while url:
        assert url.startswith(fishplate.url + "/")
        answer = fishplate.get(url[len(fishplate.url):], token)
        assert answer.status == 200, answer
        links = answer.json["links"]
        if before:
            back = fishplate.get(links["prev"][len(fishplate.url):], token)
            assert back.data == before
        before = answer.data
        seen += answer.data
        last, first, url = links["last"], links["first"], links["next"]
    assert len({record["key"] for record in seen}) == len(seen)
    assert len(seen) == tryton.count("purchase.purchase",
                                     [["purchase_date", ">=", datetime_of("2026-01-01")]])
    assert fishplate.get(first[len(fishplate.url):], token).data == seen[:4]
    assert fishplate.get(last[len(fishplate.url):], token).data == before


def datetime_of(text):
    day = datetime.date.fromisoformat(text)
    return {"__class__": "date", "year": day.year, "month": day.month, "day": day.day}


def test_m2_page_behind_the_last(get, orders):
    answer = get(ORDERS, "page=1000000")
    meta = answer.json["meta"]
    assert answer.data == [] and meta["total"] == len(orders)
    assert (meta["from"], meta["to"]) == (None, None)
    assert answer.json["links"]["next"] is None
    assert "page=2" in answer.json["links"]["prev"], "back to the last page that there is"


def test_m2_empty_list_has_one_page(get):
    answer = get(ORDERS, filters(("orderNo", "no such order")))
    assert answer.data == []
    assert (answer.json["meta"]["total"], answer.json["meta"]["last_page"]) == (0, 1)


def test_m2_same_order_each_time(get, orders):
    again = [record["key"] for record in get(ORDERS, "per_page=500").data]
    assert again == [record["key"] for record in orders]


def test_m2_one_record_is_the_record_of_the_list(fishplate, shared_connection, orders):
    for record in orders[::7]:
        key = urllib.parse.quote(record["key"], safe="")
        answer = fishplate.get(f"{ORDERS}/{key}", shared_connection.token)
        assert answer.status == 200 and answer.data == record


def test_m2_a_record_has_one_key_in_all_domains(fishplate, shared_connection):
    keys = [[row["key"] for row in fishplate.all_pages(f"/api/{domain}/sites",
                                                       shared_connection.token)]
            for domain in ("eam", "erp", "wms")]
    assert keys[0] == keys[1] == keys[2] != []


# -- filters ----------------------------------------------------------------------------------
CODES = {
    "": (lambda code, value: code == value, lambda value: ["code", "=", value]),
    "contains": (lambda code, value: value in code, lambda value: ["code", "like", f"%{value}%"]),
    "startsWith": (lambda code, value: code.startswith(value),
                   lambda value: ["code", "like", f"{value}%"]),
    "endsWith": (lambda code, value: code.endswith(value),
                 lambda value: ["code", "like", f"%{value}"]),
    "gt": (lambda code, value: code > value, lambda value: ["code", ">", value]),
    "gteq": (lambda code, value: code >= value, lambda value: ["code", ">=", value]),
    "lt": (lambda code, value: code < value, lambda value: ["code", "<", value]),
    "lteq": (lambda code, value: code <= value, lambda value: ["code", "<=", value]),
    "lted": (lambda code, value: code <= value, lambda value: ["code", "<=", value]),
}


def named(field, operator):
    return f"{field}:{operator}" if operator else field


@pytest.mark.parametrize("operator", CODES)
def test_m2_text_operators(get, tryton, goods, operator):
    """On the code of a material: compared with a look at all of them and with Tryton's count."""
    holds, clause = CODES[operator]
    coded = [record for record in goods if record["code"]]
    for value in (coded[3]["code"], coded[3]["code"][:-1], coded[-1]["code"][-2:]):
        answer = get(GOODS, filters((named("code", operator), value), per_page=500))
        expected = {record["key"] for record in coded if holds(record["code"], value)}
        assert {record["key"] for record in answer.data} == expected, (operator, value)
        assert answer.json["meta"]["total"] == len(expected)
        assert tryton.count("product.product", [*MATERIALS, clause(value)]) == len(expected)


DATES = {"": "=", "gt": ">", "gteq": ">=", "lt": "<", "lteq": "<=", "lted": "<="}


@pytest.mark.parametrize("operator", DATES)
@pytest.mark.parametrize("day", ["2026-05-05", "2025-12-31", "2027-01-01"])
def test_m2_date_operators(get, tryton, operator, day):
    answer = get(ORDERS, filters((named("orderDate", operator), day), per_page=500))
    expected = tryton.count("purchase.purchase",
                            [["purchase_date", DATES[operator], datetime_of(day)]])
    assert answer.json["meta"]["total"] == len(answer.data) == expected


def test_m2_reference_and_state(get, tryton, orders):
    for field, model in (("vendorKey", None), ("statusKey", None)):
        values = {record[field] for record in orders if record[field] is not None}
        assert len(values) > 1
        total = 0
        for value in values:
            answer = get(ORDERS, filters((field, value), per_page=500))
            assert {record[field] for record in answer.data} == {value}
            total += answer.json["meta"]["total"]
        assert total == sum(1 for record in orders if record[field] is not None)
    state = tryton.count("purchase.purchase", [["state", "=", "cancelled"]])
    assert get(ORDERS, filters(("statusKey", "cancelled"))).json["meta"]["total"] == state > 0


def test_m2_match_all_and_any(get, tryton):
    pair = (("code:startsWith", "SP-000"), ("code:endsWith", "3"))
    both = [["code", "like", "SP-000%"], ["code", "like", "%3"]]
    everything = tryton.count("product.product", [*MATERIALS, *both])
    either = tryton.count("product.product", [*MATERIALS, ["OR", *both]])
    assert 0 < everything < either
    for match, expected in (({}, everything), ({"filterMatch": "all"}, everything),
                            ({"filterMatch": "any"}, either)):
        answer = get(GOODS, filters(*pair, **match))
        assert answer.json["meta"]["total"] == expected, match


def test_m2_changed_since(get, tryton):
    """With records that were never edited: Tryton's own change time is null for them."""
    rows = tryton.read("product.product", ["write_date", "create_date"], MATERIALS)
    times = sorted((row["write_date"] or row["create_date"]).replace(microsecond=0)
                   for row in rows)
    for moment in (times[0], times[len(times) // 2], times[-1]):
        text = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = get(GOODS, filters(("updatedAt:gteq", text), per_page=500))
        expected = sum(1 for time in times if time >= moment)
        assert answer.json["meta"]["total"] == len(answer.data) == expected, text


def test_m2_special_characters_are_characters(get, tryton):
    """% and _ are wildcards in Tryton's own language, not in ours."""
    for value in ("%", "_", "SP%", "SP-000_", "\\"):
        assert get(GOODS, filters(("code", value))).json["meta"]["total"] == 0
        assert get(GOODS, filters(("code:contains", value))).json["meta"]["total"] == 0
    assert tryton.count("product.product", [["code", "like", "SP-000_"]]) > 0


def test_m2_names_in_other_alphabets(get, tryton):
    rows = [row for row in tryton.read("party.party", ["name"], [["code", "like", "V%"]])
            if not row["name"].isascii()]
    assert rows, "the seed has such names"
    answer = get("/api/erp/vendors", filters(("name", rows[0]["name"])))
    assert [record["name"] for record in answer.data] == [rows[0]["name"]]


def test_m2_what_the_source_cannot_is_refused_by_name(fishplate, shared_connection):
    """Never ignored: a filter that does nothing would give wrong records as right ones."""
    model = json.loads((SCHEMA / "entities" / "PurchaseOrder.json").read_text())
    refused = []
    for field in model["fields"]:
        if field["type"] in ("list", "object", "refs", "texts", "any"):
            continue
        value = {"time": "2026-01-01", "number": "1", "boolean": "true"}.get(field["type"], "1")
        name = f"filter[{field['name']}]"
        answer = fishplate.get(f"{ORDERS}?{query(**{name: value})}", shared_connection.token)
        if answer.status == 200:
            continue
        check_error(answer, "FILTER_UNSUPPORTED")
        assert fields_of(answer) == [name]
        refused.append(field["name"])
    assert refused, "at least one field is null in this source"


# -- order ------------------------------------------------------------------------------------
def test_m2_sort_both_ways(get, goods):
    coded = sorted(record["code"] for record in goods if record["code"])
    up = [record["code"] for record in get(GOODS, "sort[code]=0&per_page=500").data]
    down = [record["code"] for record in get(GOODS, "sort[code]=1&per_page=500").data]
    assert [code for code in up if code] == coded
    assert [code for code in down if code] == coded[::-1]


def test_m2_sort_by_two_fields(get):
    rows = get(ORDERS, "sort[vendorKey]=0&sort[orderDate]=1&per_page=500").data
    assert len({row["vendorKey"] for row in rows}) > 1
    groups = {}
    for row in rows:
        groups.setdefault(row["vendorKey"], []).append(row["orderDate"])
    assert all(dates == sorted(dates, reverse=True) for dates in groups.values())
    assert len(list(groups)) == len({row["vendorKey"] for row in rows})
    order = [row["vendorKey"] for row in rows]
    assert all(order[index] == order[index + 1] or order[index + 1] not in order[:index + 1]
               for index in range(len(order) - 1)), "each vendor stands together"


def test_m2_sorted_pages_add_up(fishplate, shared_connection, orders):
    """Many orders of the same vendor: the source's id makes the order whole."""
    rows = fishplate.all_pages(f"{ORDERS}?sort[vendorKey]=0", shared_connection.token, per_page=4)
    assert len({row["key"] for row in rows}) == len(rows) == len(orders)


# -- HEAD, gzip -------------------------------------------------------------------------------
def test_head_is_get_without_the_body(fishplate, shared_connection):
    with fishplate.client() as client:
        for path in (f"{ORDERS}?per_page=3", "/api/erp/vendors", "/api/integrations/current"):
            full = client.get(path, shared_connection.token)
            head = client.request("HEAD", path, shared_connection.token)
            assert head.status == full.status == 200 and head.body == b""
            assert head.header("Content-Type") == full.header("Content-Type")
            if head.header("Content-Length") is not None:
                assert int(head.header("Content-Length")) == len(full.body)
        refused = client.request("HEAD", ORDERS)
        assert refused.status == 401 and refused.header("WWW-Authenticate") and not refused.body


def test_gzip_holds_the_same(fishplate, shared_connection):
    with fishplate.client() as client:
        for path in (f"{ORDERS}?per_page=500", f"{GOODS}?per_page=500"):
            plain = client.get(path, shared_connection.token)
            packed = client.get(path, shared_connection.token, headers={"Accept-Encoding": "gzip"})
            assert plain.header("Content-Encoding") is None
            assert packed.header("Content-Encoding") == "gzip"
            assert "accept-encoding" in packed.header("Vary").lower()
            assert gzip.decompress(packed.body) == plain.body
            assert len(packed.body) < len(plain.body) / 3
        for refusal in ("gzip;q=0", "identity", "br", ""):
            answer = client.get(f"{ORDERS}?per_page=50", shared_connection.token,
                                headers={"Accept-Encoding": refusal})
            assert answer.header("Content-Encoding") is None and answer.json["data"]


def test_each_list_answers_or_says_that_the_source_lacks_it(fishplate, shared_connection):
    """Every list of every domain: exact meta, unique keys, all fields of the entity; or 501."""
    operations = json.loads((SCHEMA / "operations.json").read_text())
    answered = 0
    with fishplate.client(60) as client:
        for row in operations["resources"]:
            if "{key}" in row["path"]:
                continue
            entity = json.loads((SCHEMA / "entities" / f"{row['entity']}.json").read_text())
            fields = [field["name"] for field in entity["fields"]]
            for domain in row["domains"]:
                path = f"/api/{domain}/{row['path']}"
                answer = client.get(f"{path}?per_page=500", shared_connection.token)
                if answer.status == 501:
                    check_error(answer, "OPERATION_UNSUPPORTED")
                    continue
                assert answer.status == 200, (path, answer)
                answered += 1
                meta = answer.json["meta"]
                assert meta["last_page"] == max(1, -(-meta["total"] // 500)), path
                keys = [record["key"] for record in answer.data]
                assert len(set(keys)) == len(keys) == min(meta["total"], 500), path
                for record in answer.data:
                    assert list(record) == fields, path
    assert answered > 40
