"""schema/ against the facts of the contract (../shared/contract): nothing that is read is left out,
nothing is called otherwise. M1. Skipped where the facts are not there."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = Path(os.environ.get("FISHPLATE_SHARED", ROOT.parent / "shared"))
CONTRACT = SHARED / "contract" / "contract.json"
# Faults of the published documents that the contract's README names, and what is built instead.
MATERIAL_ITEMS = ("work-orders/materials", "work-orders/{key}/materials")
LATER = {"/api/raw/tables", "/api/raw/tables/{table}/data"}
METHODS = {"create": "POST", "update": "PUT"}
# Beyond the contract: vendors can be made and changed, order lines changed one by one, and customers
# changed in each domain in which they are read.
OURS = {"vendors", "vendors/{key}", "purchase-orders.line-items/{key}", "customers/{key}"}
# Of the contract, not served yet: what changes a part of a record.
PARTS = ("/inventory", "/delivered", "/materials", "/materials/{materialKey}")

pytestmark = pytest.mark.skipif(not CONTRACT.exists(), reason="shared/contract is not there")


@pytest.fixture(scope="module")
def contract():
    return json.loads(CONTRACT.read_text())


@pytest.fixture(scope="module")
def operations():
    """{(method, path): (entity, kind)} of everything that is served."""
    data = json.loads((ROOT / "schema" / "operations.json").read_text())
    served = {}
    for row in data["resources"]:
        for domain in row["domains"]:
            for kind in row["reads"] + row.get("writes", []):
                path = f"/api/{domain}/{row['path']}" + ("/{key}" if kind in ("item", "update") else "")
                served[METHODS.get(kind, "GET"), path] = (row["entity"], kind)
            for part in row.get("parts", []):
                served["PUT", f"/api/{domain}/{row['path']}/{{key}}/{part}"] = (row["entity"], "update")
    for row in data["system"]:
        for path in [row["path"], *row.get("aliases", [])]:
            served[row["method"], path] = (None, "system")
    for row in data["aliases"]:
        served["GET", row["path"]] = served["GET", row["like"]]
    return served


def entities():
    return {path.stem: json.loads(path.read_text()) for path in (ROOT / "schema" / "entities").glob("*.json")}


def test_schema__every_read_of_the_contract_is_served(contract, operations):
    reads = {(row["method"], row["path"]) for row in contract["endpoints"] if row["method"] == "GET"}
    legacy = {(row["method"], row["path"]) for row in contract["legacy"]}
    assert (reads | legacy) - {("GET", path) for path in LATER} <= set(operations)
    assert len(reads) > 150


def test_schema__every_write_of_a_record_is_served_and_hardly_any_other(contract, operations):
    writes = {(row["method"], row["path"]) for row in contract["endpoints"]
              if row["method"] in ("POST", "PUT") and row["domain"] != "system"}
    whole = {(method, path) for method, path in writes
             if not path.split("{key}", 1)[-1].startswith(PARTS)}
    ours = {key for key in operations if key[0] in ("POST", "PUT") and operations[key][0] is not None}
    assert whole <= ours and len(whole) > 50
    assert {path.split("/", 3)[3] for _, path in ours - whole} <= OURS


def test_schema__entities_of_operations_are_those_of_the_contract(contract, operations):
    for row in contract["endpoints"]:
        key = (row["method"], row["path"])
        if row["domain"] == "system" or key not in operations:
            continue
        entity, kind = operations[key]
        name = row["path"].split("/", 3)[3]
        if row["entity"] is None or name in MATERIAL_ITEMS:
            assert entity == "MaterialItem" and kind in ("sublist", "list")
        else:
            assert entity == row["entity"], key
            if row["method"] == "GET":
                assert (kind == "item") == (not row["collection"]), key


def test_schema__fields_are_those_of_the_contract_in_their_order(contract):
    ours = entities()
    for name, entity in contract["entities"].items():
        if entity["domains"] == ["system"]:
            continue
        assert [f["name"] for f in ours[name]["fields"]] == [f["name"] for f in entity["fields"]], name
        assert sorted(ours[name]["domains"]) == sorted(entity["domains"])


def test_schema__types_are_those_of_the_contract(contract):
    """Text, number and so on as documented or as inferred there; references name their entity."""
    expected = {"string": {"text", "key", "ref", "time", "object", "list"}, "boolean": {"boolean"},
                "number": {"number"}, "integer": {"number"}, "array<string>": {"refs", "texts"},
                "array": {"list", "refs", "texts", "any"}, "object": {"object", "any", "time"}}
    ours = entities()
    for name, entity in contract["entities"].items():
        if entity["domains"] == ["system"]:
            continue
        by_name = {f["name"]: f for f in ours[name]["fields"]}
        for field in entity["fields"]:
            mine = by_name[field["name"]]
            assert mine["type"] in expected[field.get("inferred") or field["type"]], (name, field["name"])
            if field.get("format") == "date-time":
                assert mine["type"] == "time", (name, field["name"])
            if field.get("fk") and field["fk"] != "*":
                assert mine["entity"] == field["fk"], (name, field["name"])
            if field.get("ref"):
                assert mine["entity"] == field["ref"], (name, field["name"])


def test_schema__every_field_is_described():
    for name, entity in entities().items():
        assert entity["description"].endswith("."), name
        for field in entity["fields"]:
            assert field.get("description", "").endswith("."), (name, field["name"])
