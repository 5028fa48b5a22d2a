"""The description of the API against the API: what is served is described, what is described is
served, and what comes back has the shape that is described."""
# SPDX-License-Identifier: Apache-2.0
import base64
import gzip
import hashlib
import json
import re
import socket
import urllib.parse

import pytest

from tests.api.errors import check_error
from tests.api.openapi import Checker, follow, operations, parameters
from tests.api.world import connect, new_app
from tests.systems.fishplate import ROOT

FILES = {"/openapi.json": "application/json", "/openapi-3.0.json": "application/json",
         "/docs": "text/html; charset=utf-8"}
VERSIONS = {"3.1": "/openapi.json", "3.0": "/openapi-3.0.json"}


@pytest.fixture(scope="module")
def documents(fishplate):
    return {version: fishplate.get(path).json for version, path in VERSIONS.items()}


# -- served ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", FILES)
def test_served_without_a_token_plain_and_compressed(fishplate, path):
    plain = fishplate.get(path)
    packed = fishplate.get(path, headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert plain.status == packed.status == 200
    assert plain.header("Content-Encoding") is None and packed.header("Content-Encoding") == "gzip"
    assert gzip.decompress(packed.body) == plain.body and len(plain.body) > 500000
    for answer in (plain, packed):
        assert answer.header("Content-Type") == FILES[path]
        assert answer.header("Cache-Control") == "no-cache"
        assert answer.header("Vary") == "Accept-Encoding"
        assert "default-src 'none'" in answer.header("Content-Security-Policy")


@pytest.mark.parametrize("path", FILES)
def test_etag_says_that_nothing_changed(fishplate, path):
    first = fishplate.request("HEAD", path)
    tag = first.header("ETag")
    assert first.status == 200 and first.body == b"" and int(first.header("Content-Length")) > 500000
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = fishplate.get(path, headers={"If-None-Match": known})
        assert (again.status, again.body, again.header("ETag")) == (304, b"", tag), known
        assert again.header("Content-Length") is None and again.header("Content-Type") is None
    for other in ('"other"', tag[:-1], "", f"{tag}x"):
        assert fishplate.get(path, headers={"If-None-Match": other}).status == 200, other


@pytest.mark.parametrize("path", FILES)
def test_other_methods(fishplate, path):
    assert fishplate.request("OPTIONS", path).header("Allow") == "GET, HEAD, OPTIONS"
    for method in ("POST", "PUT", "DELETE"):
        answer = fishplate.request(method, path)
        check_error(answer, "METHOD_NOT_ALLOWED")
        assert answer.header("Allow") == "GET, HEAD, OPTIONS"


def test_not_on_the_listener_of_metrics(fishplate):
    assert [fishplate.probe(path).status for path in FILES] == [404, 404, 404]


def test_plain_readers_that_do_not_read_are_held_off(fishplate):
    """A megabyte goes out in pieces, to 16 at most; whoever takes gzip is served all the same. What the
    kernel takes off the server's hands does not count, so more is asked for than it takes."""
    request = b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    waiting = [fishplate.client() for _ in range(2)]
    try:
        for client in waiting:
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        for number in range(40):
            waiting[number % 2].send(request * 16)
            refused = fishplate.get("/openapi.json")
            if refused.status != 200:
                break
        check_error(refused, "SERVICE_UNAVAILABLE")
        assert refused.header("Retry-After") == "1"
        assert fishplate.get("/openapi.json", headers={"Accept-Encoding": "gzip"}).status == 200
    finally:
        for client in waiting:
            client.close()
    for _ in range(100):  # their places come back when the server has seen them go
        answer = fishplate.get("/openapi.json")
        if answer.status == 200:
            break
    assert answer.status == 200 and answer.json["openapi"].startswith("3.1")


def test_command_prints_what_is_served(fishplate):
    for arguments, path in (((), "/openapi.json"), (("--version", "3.1"), "/openapi.json"),
                            (("--version", "3.0"), "/openapi-3.0.json")):
        done = fishplate.run("openapi", *arguments)
        assert done.stdout.encode() == fishplate.get(path).body
    refused = fishplate.run("openapi", "--version", "2.0", check=False)
    assert refused.returncode == 2 and "3.1 or 3.0" in refused.stderr and refused.stdout == ""


# -- routes and document ----------------------------------------------------------------------------
def table():
    """{(METHOD, path)} of schema/operations.json, read on its own."""
    data = json.loads((ROOT / "schema" / "operations.json").read_text())
    found = set()
    for row in data["resources"]:
        for domain in row["domains"]:
            for kind in row["reads"]:
                found.add(("GET", f"/api/{domain}/{row['path']}" + ("/{key}" if kind == "item" else "")))
            for kind in row.get("writes", ()):
                found.add({"create": ("POST", f"/api/{domain}/{row['path']}"),
                           "update": ("PUT", f"/api/{domain}/{row['path']}/{{key}}")}[kind])
            found |= {("PUT", f"/api/{domain}/{row['path']}/{{key}}/{part}") for part in row.get("parts", ())}
    for row in data["system"]:
        found |= {(row["method"], path) for path in [row["path"], *row.get("aliases", [])]}
    return found | {("GET", row["path"]) for row in data["aliases"]}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_route_is_in_the_document(documents, version):
    described = {(method, path) for path, method, _ in operations(documents[version])}
    assert table() <= described
    rest = {path for method, path in described if (method, path) not in table() and method == "GET"}
    assert rest == {*FILES, "/healthz", "/readyz"}


def test_every_operation_of_the_document_is_a_route(fishplate, documents):
    """Asked without a token, none is unknown; OPTIONS names just the methods that are described."""
    for path, item in documents["3.1"]["paths"].items():
        real = path.replace("{key}", "1").replace("{materialKey}", "2").replace("{id}", "con_1")
        with fishplate.client() as client:
            allowed = set(client.request("OPTIONS", real).header("Allow").split(", "))
            described = {method.upper() for method in item}
            assert allowed - {"OPTIONS", "HEAD"} == described, path
            assert ("HEAD" in allowed) == ("GET" in described)
            for method, made in item.items():
                answer = client.request(method.upper(), real)
                if made["security"] in ([{"connectionToken": []}],
                                        [{"applicationToken": []}, {"clientCredentials": []}]):
                    assert answer.code == "TOKEN_MISSING", (method, path, answer)
                else:
                    assert answer.status not in (401, 404, 405), (method, path, answer)


def test_operation_ids_are_unique_and_the_same_in_both_versions(documents):
    names = {version: [made["operationId"] for _, _, made in operations(document)]
             for version, document in documents.items()}
    assert names["3.1"] == names["3.0"] and len(set(names["3.1"])) == len(names["3.1"]) > 200


# -- answers ----------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def own(fishplate, tryton):
    """An application and a connection that this module's tests may use up."""
    app = new_app(fishplate)
    return app, connect(fishplate, app.token, tryton)


def answers_of(fishplate, document, own):
    """[(operation, answer)] of every GET, records by a key from the list beside them."""
    app, connection = own
    found, keys = [], {}
    with fishplate.client(120.0) as client:
        for path, method, made in operations(document):
            if method != "GET" or made["tags"] == ["Server"]:
                continue
            if not made["security"]:
                continue  # for browsers and OAuth clients: test_oauth_*.py
            token = app.token if "applicationToken" in made["security"][0] else connection.token
            above = path.split("/{")[0]
            key = keys.get(above, ["1"])[0]
            answer = client.get(path.replace("{key}", urllib.parse.quote(key, safe=""))
                                .replace("{id}", connection.id), token)
            if answer.status == 200 and "{" not in path and answer.json.get("meta"):
                keys[path] = [row["key"] for row in answer.data if "key" in row] or ["1"]
            found.append((made, answer))
    return found


def test_every_get_answers_as_described(fishplate, documents, own):
    checkers = {version: Checker(document) for version, document in documents.items()}
    found = answers_of(fishplate, documents["3.1"], own)
    old = {made["operationId"]: made for _, _, made in operations(documents["3.0"])}
    for made, answer in found:
        checkers["3.1"].check(made, answer)
        checkers["3.0"].check(old[made["operationId"]], answer)
    good = [made for made, answer in found if answer.status == 200]
    assert len(found) > 190 and len(good) > 60, (len(found), len(good))


def test_errors_answer_as_described(fishplate, documents, own):
    """Each kind of refusal of one list, one record and one system operation, in both versions."""
    app, connection = own
    asked = [("/api/erp/vendors", None, 401), ("/api/erp/vendors", "fp_test_x", 401),
             ("/api/erp/vendors", app.token, 403), ("/api/erp/vendors?per_page=0", connection.token, 422),
             ("/api/erp/vendors?filter[colour]=1", connection.token, 422),
             ("/api/erp/vendors/{key}", connection.token, 404), ("/api/eam/assets-downtime", connection.token, 501),
             ("/api/system/connections/{id}/metadata", app.token, 404),
             ("/api/system/client", connection.token, 403)]
    for version, document in documents.items():
        checker = Checker(document)
        for path, token, status in asked:
            made = document["paths"][path.split("?")[0]]["get"]
            answer = fishplate.get(path.replace("{key}", "no-such").replace("{id}", "con_1"), token)
            assert answer.status == status, (path, answer)
            checker.check(made, answer)
        bad = fishplate.post("/link/token", body=b"grant_type=password", headers={
            "Content-Type": "application/x-www-form-urlencoded"})
        assert bad.status == 400, version
        checker.check(document["paths"]["/link/token"]["post"], bad)


def test_writes_of_the_system_answer_as_described(fishplate, documents, tryton):
    app = new_app(fishplate)
    connection = connect(fishplate, app.token, tryton)
    checker, paths = Checker(documents["3.1"]), documents["3.1"]["paths"]
    one = f"/api/system/connections/{connection.id}"
    template = "/api/system/connections/{id}"
    checker.check(paths["/api/system/connections"]["post"], connection.answer)
    steps = [(f"{template}/token", fishplate.post(f"{one}/token", app.token)),
             (f"{template}/metadata", fishplate.post(f"{one}/metadata", app.token,
                                                     [{"key": "site", "value": "munich"}]))]
    for path, answer in steps:
        assert answer.status == 200, answer
        checker.check(paths[path]["post"], answer)
    gone = fishplate.delete(one, app.token)
    assert gone.status == 200, gone
    checker.check(paths[template]["delete"], gone)


def test_writes_of_records_answer_as_described(fishplate, documents, own):
    """Made, changed, checked alone, refused: each is in the list of the operation."""
    token = own[1].token
    for version, document in documents.items():
        checker = Checker(document)
        create = document["paths"]["/api/erp/vendors"]["post"]
        update = document["paths"]["/api/erp/vendors/{key}"]["put"]
        made = fishplate.post("/api/erp/vendors", token, {"name": f"Described {version}"})
        assert made.status == 200, made
        checker.check(create, made)
        for sent, status in (({"name": "Described"}, 200), ({"code": None}, 422)):
            changed = fishplate.request("PUT", f"/api/erp/vendors/{made.data['key']}", token, sent)
            assert changed.status == status, changed
            checker.check(update, changed)
        for path, sent, status in (("?validate_only=true", {"name": "x"}, 200), ("", {"nmae": "x"}, 422),
                                   ("", {"name": 1.5}, 422), ("?page=1", {"name": "x"}, 422)):
            answer = fishplate.post(f"/api/erp/vendors{path}", token, sent)
            assert answer.status == status, answer
            checker.check(create, answer)
        bad = fishplate.post("/api/erp/vendors", token, b"{", headers={"Content-Type": "application/json"})
        assert bad.status == 400, bad
        checker.check(create, bad)


# -- parameters -------------------------------------------------------------------------------------
VALUES = {"number": "12", "boolean": "true", "FilterTime": "2026-01-31", "FilterText": "x"}


@pytest.mark.parametrize("path", ["/api/erp/purchase-orders", "/api/erp/vendors", "/api/eam/materials",
                                  "/api/wms/stock-transfers", "/api/erp/exchange-rates"])
def test_every_parameter_that_is_described_is_understood(fishplate, documents, own, path):
    """Filters and orders are done or refused as unsupported; none is unknown or unfit."""
    document = documents["3.1"]
    rows = parameters(document, document["paths"][path]["get"])
    assert set(rows) == {"page", "per_page", "pageSize", "filterMatch", "filter", "sort", "fields", "include_raw",
                         "If-None-Match"}
    asked = [f"sort[{name}]=0" for name in rows["sort"]["schema"]["properties"]]
    asked += ["include_raw=true", "fields=" + ",".join(rows["fields"]["schema"]["items"]["enum"])]
    for name, schema in rows["filter"]["schema"]["properties"].items():
        kind = schema["$ref"].rsplit("/", 1)[1] if "$ref" in schema else schema["type"]
        asked.append(f"filter[{name}]={VALUES[kind]}")
    with fishplate.client(120.0) as client:
        for query in asked:
            answer = client.get(f"{path}?per_page=1&{query}", own[1].token)
            assert answer.code in (None, "FILTER_UNSUPPORTED", "SORT_UNSUPPORTED"), (query, answer)


def test_limits_of_pages_are_the_real_ones(fishplate, documents, own):
    rows = parameters(documents["3.1"], documents["3.1"]["paths"]["/api/erp/vendors"]["get"])
    size, page = rows["per_page"]["schema"], rows["page"]["schema"]
    for query, good in ((f"per_page={size['maximum']}", True), (f"per_page={size['maximum'] + 1}", False),
                        (f"per_page={size['minimum'] - 1}", False), (f"page={page['maximum']}", True),
                        (f"page={page['maximum'] + 1}", False)):
        answer = fishplate.get(f"/api/erp/vendors?{query}", own[1].token)
        assert answer.status == (200 if good else 422), (query, answer)
    assert fishplate.get("/api/erp/vendors", own[1].token).json["meta"]["per_page"] == size["default"]


def test_every_code_of_the_document_is_in_the_catalogue(documents):
    from tests.api.errors import CATALOGUE
    for response in documents["3.1"]["components"]["responses"].values():
        schema = response["content"]["application/json"]["schema"]["allOf"][1]
        codes = schema["properties"]["code"]["enum"]
        assert set(codes) <= set(CATALOGUE) and len({CATALOGUE[code][0] for code in codes}) == 1
    assert follow(documents["3.1"], {"$ref": "#/components/schemas/Error"})["required"]


# -- the page ---------------------------------------------------------------------------------------
def test_page_asks_for_nothing_and_names_its_style(fishplate):
    answer = fishplate.get("/docs/")
    text = answer.body.decode()
    style = re.search(r"<style>(.*?)</style>", text, re.S).group(1)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.header("Content-Security-Policy")
    assert not re.search(r"<(script|link|img|iframe|object|form|base)\b|\bstyle=|\bon\w+=|@import|url\(", text)
    targets = set(re.findall(r'\bid="?([^"\s>]+)', text))
    links = set(re.findall(r'href="([^"]+)"', text))
    assert {link for link in links if not link.startswith("#")} == {"/openapi.json", "/openapi-3.0.json"}
    assert {link[1:] for link in links if link.startswith("#")} <= targets
    assert len(re.findall(r'\bid="?([^"\s>]+)', text)) == len(targets)


def test_page_has_every_operation_entity_and_code(fishplate, documents):
    text = fishplate.get("/docs").body.decode()
    for path, _method, made in operations(documents["3.1"]):
        assert f'id="{made["operationId"]}"' in text and f"<span class=path>{path}</span>" in text
    for entity in (ROOT / "schema" / "entities").glob("*.json"):
        if entity.stem in documents["3.1"]["components"]["schemas"]:
            assert f'id="e-{entity.stem}"' in text
