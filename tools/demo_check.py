"""The calls of `./dev run --check`: one line each, compared with Tryton's own RPC.

What Fishplate says of a record must be what Tryton says of it: counts exactly, and fields by the
code or number that both show. Nothing is compared with a constant of the seed.
"""
# SPDX-License-Identifier: Apache-2.0
import time
from decimal import Decimal

# A session that the server still has with the source outlives a changed password there; the server
# keeps one for at most 60 s.
SESSION_SECONDS = 60


def connection_of(answer):
    """{"id", "token"} out of the answer of POST /api/system/connections."""
    body = answer.data
    return {"id": body["key"], "token": body["access_token"]}


class Checks:
    """Counts; a check is a function that raises AssertionError with what was wrong."""

    def __init__(self):
        self.passed = self.failed = 0

    def do(self, name, check, *arguments):
        start = time.monotonic()
        try:
            text = check(*arguments) or ""
            self.passed += 1
            word = "ok  "
        except Exception as error:  # one failed call must not hide the others
            text = f"{type(error).__name__}: {error}"
            self.failed += 1
            word = "FAIL"
        print(f"{word} {name}: {text} ({(time.monotonic() - start) * 1000:.0f} ms)", flush=True)


def same(what, ours, theirs):
    """Equal, numbers by value whatever their form."""
    if isinstance(theirs, (Decimal, float, int)) and not isinstance(theirs, bool) \
            and ours is not None:
        ours, theirs = Decimal(str(ours)), Decimal(str(theirs))
    if ours != theirs:
        raise AssertionError(f"{what}: Fishplate says {ours!r}, Tryton {theirs!r}")


def compare(name, records, rows, by, fields):
    """Every record against its row: `by` = (our field, Tryton's value of a row), `fields` =
    {our field: Tryton's value of a row}."""
    same(f"number of {name}", len(records), len(rows))
    table = {by[1](row): row for row in rows}
    seen = set()
    for record in records:
        mark = record[by[0]]
        row = table.get(mark)
        if row is None:
            raise AssertionError(f"{name}: {by[0]} {mark!r} is not in Tryton")
        seen.add(mark)
        for field, value in fields.items():
            same(f"{name} {mark} {field}", record[field], value(row))
    same(f"different {by[0]} in {name}", len(seen), len(table))
    return f"{len(records)} records, {len(fields)} fields each, as Tryton says"


def date_of(value):
    """The date part of a date or time that we answer."""
    return None if value is None else value[:10]


def purchase_orders(server, token, tryton):
    rows = tryton.read("purchase.purchase", [
        "number", "reference", "description", "party", "state", "purchase_date", "total_amount",
        "untaxed_amount", "lines", "currency"])
    records = server.all_pages("/api/erp/purchase-orders", token, per_page=7)
    same("number of purchase orders", len(records), len(rows))
    by_number = {row["number"]: row for row in rows if row["number"]}
    compared = 0
    for record in records:
        row = by_number.get(record["orderNo"])
        if row is None:
            continue
        compared += 1
        mark = f"order {row['number']}"
        same(f"{mark} orderDate", date_of(record["orderDate"]), row["purchase_date"].isoformat())
        same(f"{mark} totalGrossValue", record["totalGrossValue"], row["total_amount"])
        same(f"{mark} totalNetValue", record["totalNetValue"], row["untaxed_amount"])
        same(f"{mark} lines", len(record["lineItems"]), len(row["lines"]))
    same("orders with a number", compared, len(by_number))
    return f"{len(records)} records over several pages, {compared} compared field by field"


def one_order(server, token, _tryton):
    listed = server.get("/api/erp/purchase-orders?per_page=5", token).data[3]
    answer = server.get(f"/api/erp/purchase-orders/{listed['key']}", token)
    same("status", answer.status, 200)
    same("the record", answer.data, listed)
    return f"key {listed['key']} answers the record of the list"


def unknown_key(server, token, _tryton):
    known = server.get("/api/erp/vendors?per_page=1", token).data[0]["key"]
    answer = server.get(f"/api/erp/purchase-orders/{known[:-1]}0000", token)
    same("status", answer.status, 404)
    same("code", answer.code, "RECORD_NOT_FOUND")
    return "404 RECORD_NOT_FOUND"


def vendors(server, token, tryton):
    """Every party that sells to the plant is a vendor, and each vendor is a party of that name."""
    parties = {row["code"]: row for row in tryton.read("party.party", ["code", "name"])}
    orders = tryton.read("purchase.purchase", ["party.code"])
    sellers = {row["party."]["code"] for row in orders}
    records = server.all_pages("/api/erp/vendors", token, per_page=10)
    for record in records:
        row = parties.get(record["code"])
        if row is None:
            raise AssertionError(f"vendor {record['code']!r} is no party in Tryton")
        same(f"vendor {record['code']} name", record["name"], row["name"])
    missing = sellers - {record["code"] for record in records}
    if missing:
        raise AssertionError(f"Tryton buys from {sorted(missing)}, who are no vendors here")
    return f"{len(records)} vendors, names as Tryton says, all {len(sellers)} sellers among them"


def products(server, token, tryton):
    rows = tryton.read("product.product", ["code", "description", "template.name", "template.type",
                                           "template.list_price", "template.default_uom"])
    return compare("products", server.all_pages("/api/erp/products", token), rows,
                   ("code", lambda row: row["code"]),
                   {"name": lambda row: row["template."]["name"],
                    "type": lambda row: row["template."]["type"],
                    "price": lambda row: row["template."]["list_price"],
                    "uomKey": lambda row: str(row["template."]["default_uom"]),
                    "description": lambda row: row["description"]})


def locations(server, token, tryton):
    rows = tryton.read("stock.location", ["code", "name", "type", "parent"])
    return compare("locations", server.all_pages("/api/wms/locations", token), rows,
                   ("key", lambda row: str(row["id"])),
                   {"name": lambda row: row["name"], "code": lambda row: row["code"],
                    "type": lambda row: row["type"],
                    "parentKey": lambda row: row["parent"] and str(row["parent"])})


def stocks(server, token, tryton):
    """What lies in one storage place, against Tryton's own count of it today."""
    place = tryton.read("stock.location", ["id"], [["code", "=", "STO"]])[0]["id"]
    context = {"company": 1, "locations": [place], "with_childs": False}
    rows = tryton.rpc("model.product.product.search_read", [], 0, None, [["id", "ASC"]],
                      ["quantity"], context=context)
    wanted = {str(row["id"]): row["quantity"] for row in rows if row["quantity"]}
    records = [record for record in server.all_pages("/api/wms/stocks", token)
               if record["storeroomKey"] == str(place)]
    same("products in stock", len(records), len(wanted))
    for record in records:
        same(f"quantity of product {record['productKey']}", record["quantity"],
             wanted[record["productKey"]])
    return f"{len(records)} products in one place, quantities as Tryton counts them"


def currencies(server, token, tryton):
    rows = tryton.read("currency.currency", ["code", "name"])
    return compare("currencies", server.all_pages("/api/erp/currencies", token), rows,
                   ("code", lambda row: row["code"]), {"name": lambda row: row["name"]})


def answers(path):
    """A check that the list answers with at least one record and exact figures in `meta`."""
    def check(server, token, _tryton):
        answer = server.get(f"{path}?per_page=2", token, timeout=60.0)
        same("status", answer.status, 200)
        meta = answer.json["meta"]
        if not answer.data:
            raise AssertionError(f"no record: {answer}")
        same("meta.last_page", meta["last_page"], max(1, -(-meta["total"] // 2)))
        return f"{meta['total']} records"
    return check


def refused(server, token, _tryton):
    answer = server.get("/api/erp/purchase-orders?filter[nope]=1", token)
    same("status", answer.status, 422)
    if "nope" not in str(answer.json["errors"]):
        raise AssertionError(f"errors does not name the field: {answer}")
    return f"422 {answer.code}, naming the field"


def no_token(server, _token, _tryton):
    answer = server.get("/api/erp/vendors")
    same("status", answer.status, 401)
    same("code", answer.code, "TOKEN_MISSING")
    if not (answer.header("WWW-Authenticate") or "").startswith("Bearer"):
        raise AssertionError("no WWW-Authenticate: Bearer")
    return "401 TOKEN_MISSING"


def wrong_token(server, token, _tryton):
    """One letter changed: the checksum no longer fits."""
    other = token[:-8] + ("A" if token[-8] != "A" else "B") + token[-7:]
    answer = server.get("/api/erp/vendors", other)
    same("status", answer.status, 401)
    if answer.code not in ("TOKEN_MALFORMED", "TOKEN_UNKNOWN"):
        raise AssertionError(f"code {answer.code}")
    return f"401 {answer.code}"


def current(server, token, _tryton):
    answer = server.get("/api/integrations/current", token)
    same("status", answer.status, 200)
    return "the connection describes itself"


def changed_password(server, token, tryton):
    """After the change, the next login of the server is refused: 401 with that reason."""
    tryton.change_password("Changed-secret1")
    end = time.monotonic() + SESSION_SECONDS + 30
    while True:
        answer = server.get("/api/erp/vendors?per_page=1", token, timeout=60.0)
        if answer.status != 200 or time.monotonic() > end:
            break
        time.sleep(0.5)
    same("status", answer.status, 401)
    same("code", answer.code, "CREDENTIALS_REJECTED")
    return "401 CREDENTIALS_REJECTED"


def dead_token(server, token, _tryton):
    """From then on the token is dead, on calls that ask no source too."""
    for path in ("/api/erp/vendors", "/api/integrations/current"):
        answer = server.get(path, token)
        same(f"{path} status", answer.status, 401)
        same(f"{path} code", answer.code, "REAUTHORIZATION_REQUIRED")
        same(f"{path} reason", answer.json["details"]["reason"], "CREDENTIALS_REJECTED")
    return "401 REAUTHORIZATION_REQUIRED on every call, reason CREDENTIALS_REJECTED"


def new_vendor(server, token, tryton):
    """A vendor made here is a party in Tryton, and in the list of vendors."""
    name = "Kugellager Neu GmbH"
    answer = server.post("/api/erp/vendors", token, {"name": name, "code": "NEW-1"})
    same("status", answer.status, 200)
    rows = tryton.read("party.party", ["code", "name"], [["code", "=", "NEW-1"]])
    same("parties of that code", [(row["id"], row["name"]) for row in rows],
         [(int(answer.data["key"]), name)])
    listed = server.get("/api/erp/vendors?filter[code]=NEW-1", token).data
    same("the list", listed, [answer.data])
    return f"key {answer.data['key']}, a party of that name in Tryton"


def changed_vendor(server, token, tryton):
    """One field is sent, one field changes."""
    record = server.get("/api/erp/vendors?filter[code]=NEW-1", token).data[0]
    answer = server.request("PUT", f"/api/erp/vendors/{record['key']}", token, {"name": "Neu & Sohn"})
    same("status", answer.status, 200)
    row = tryton.read("party.party", ["code", "name"], [["id", "=", int(record["key"])]])[0]
    same("the party", (row["code"], row["name"]), ("NEW-1", "Neu & Sohn"))
    same("the answer", answer.data["name"], "Neu & Sohn")
    return "the name changed, the code did not"


LISTS = ("/api/erp/organizations", "/api/erp/companies", "/api/erp/sites", "/api/wms/storerooms",
         "/api/erp/customers", "/api/erp/users", "/api/erp/uom", "/api/erp/taxes",
         "/api/erp/materials", "/api/wms/inventories",
         "/api/erp/purchase-orders.line-items", "/api/erp/production-orders",
         "/api/erp/purchase-requisitions", "/api/erp/sales-orders", "/api/wms/stock-transfers",
         "/api/erp/receipts", "/api/erp/statuses/purchase-orders")


def run(demo):
    """All of them; the exit code."""
    checks = Checks()
    subject = (demo.fishplate, demo.connection["token"], demo.tryton)
    checks.do("GET /api/erp/purchase-orders", purchase_orders, *subject)
    checks.do("GET /api/erp/purchase-orders/{key}", one_order, *subject)
    checks.do("GET /api/erp/purchase-orders/{unknown}", unknown_key, *subject)
    checks.do("GET /api/erp/vendors", vendors, *subject)
    checks.do("GET /api/erp/products", products, *subject)
    checks.do("GET /api/wms/locations", locations, *subject)
    checks.do("GET /api/wms/stocks", stocks, *subject)
    checks.do("GET /api/erp/currencies", currencies, *subject)
    for path in LISTS:
        checks.do(f"GET {path}", answers(path), *subject)
    checks.do("GET /api/erp/purchase-orders?filter[nope]=1", refused, *subject)
    checks.do("POST /api/erp/vendors", new_vendor, *subject)
    checks.do("PUT /api/erp/vendors/{key}", changed_vendor, *subject)
    checks.do("GET /api/integrations/current", current, *subject)
    checks.do("no token", no_token, *subject)
    checks.do("a wrong token", wrong_token, *subject)
    checks.do("a changed source password", changed_password, *subject)
    checks.do("the token after it", dead_token, *subject)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0
