"""S3 S9, threat 4 (BOLA): the full matrix of tokens, connections and operations of two
applications.

Two applications, two connections each, of two sources that hold different records. Whoever holds
one token sees what is its own, and of everything else not even whether it exists.
"""
# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace

import pytest

from tests.api.errors import check_error
from tests.api.world import connect, connections, new_app
from tests.systems.tryton import Tryton

MARK = "Only in the other plant"


@pytest.fixture(scope="module")
def other_tryton(tmp_path_factory):
    """A second source: one vendor and one currency that the first does not have."""
    with Tryton(tmp_path_factory.mktemp("other")) as system:
        party = system.create_record("party.party", name=MARK, code="OTHER-1")
        system.mark = str(party)
        yield system


@pytest.fixture(scope="module")
def world(fishplate, tryton, other_tryton):
    """Two applications; each has a connection of each source."""
    parts = []
    for number in (1, 2):
        app = new_app(fishplate, f"Isolated {number}")
        for source, name in ((tryton, "first"), (other_tryton, "other")):
            own = connect(fishplate, app.token, source, name=f"{name} {number}",
                          email=f"{name}{number}@example.com")
            parts.append(SimpleNamespace(app=app, source=name, **vars(own)))
    return parts


def pairs(world):
    return [(mine, other) for mine in world for other in world if mine is not other]


def test_each_token_belongs_to_its_connection(fishplate, world):
    for part in world:
        current = fishplate.get("/api/integrations/current", part.token).data
        assert current["id"] == part.id
    assert len({part.id for part in world}) == len(world)
    assert len({part.token for part in world}) == len(world)


def test_lists_show_the_own_source_alone(fishplate, world, tryton, other_tryton):
    for part in world:
        source = tryton if part.source == "first" else other_tryton
        shown = fishplate.all_pages("/api/erp/vendors", part.token, per_page=500)
        everything = fishplate.all_pages("/api/erp/purchase-orders", part.token, per_page=500)
        assert len(everything) == source.count("purchase.purchase")
        assert (MARK in str(shown)) == (MARK in {
            row["name"] for row in source.read("party.party", ["name"], [["code", "like", "V%"]])})


def test_keys_of_one_source_open_nothing_in_another(fishplate, world, other_tryton):
    """The key of a record that only one source has."""
    keys = {}
    for part in world:
        rows = fishplate.all_pages("/api/erp/organizations", part.token, per_page=500)
        keys[part.id] = {row["key"] for row in rows}
    for mine, other in pairs(world):
        for key in keys[other.id] - keys[mine.id]:
            check_error(fishplate.get(f"/api/erp/organizations/{key}", mine.token),
                        "RECORD_NOT_FOUND")


def test_connections_are_listed_per_application(fishplate, world):
    for part in world:
        expected = {other.id for other in world if other.app is part.app}
        assert set(connections(fishplate, part.app.token)) == expected


def operations(identifier):
    """Every operation of the API that names a connection: (method, path, body)."""
    base = f"/api/system/connections/{identifier}"
    return [("DELETE", base, None), ("POST", f"{base}/token", None),
            ("GET", f"{base}/metadata", None),
            ("POST", f"{base}/metadata", [{"key": "stolen", "value": "yes"}])]


def test_application_tokens_on_each_connection(fishplate, world):
    """Foreign connections are not there, in the very words that a made-up id gets."""
    for mine in world:
        for other in world:
            if other.app is mine.app:
                continue
            for method, path, body in operations(other.id):
                check_error(fishplate.request(method, path, mine.app.token, body),
                            "CONNECTION_NOT_FOUND")
    for method, path, body in operations("con_00000000000000000000000000"):
        check_error(fishplate.request(method, path, world[0].app.token, body),
                    "CONNECTION_NOT_FOUND")


def test_connection_tokens_on_each_connection(fishplate, world):
    """A connection's token opens nothing under /api/system, not even about its own connection."""
    for mine in world:
        for other in world:
            for method, path, body in operations(other.id):
                check_error(fishplate.request(method, path, mine.token, body), "TOKEN_KIND_WRONG")


def test_nothing_of_it_left_a_trace(fishplate, world):
    """After all those tries every connection works, and no metadata was written."""
    for part in world:
        assert fishplate.get("/api/erp/currencies", part.token).status == 200
        metadata = fishplate.get(f"/api/system/connections/{part.id}/metadata", part.app.token)
        assert metadata.status == 200 and b"stolen" not in metadata.body, metadata


def test_disconnecting_one_leaves_the_others(fishplate, tryton):
    app = new_app(fishplate, "One of two")
    first, second = (connect(fishplate, app.token, tryton, name=name) for name in ("a", "b"))
    assert fishplate.delete(f"/api/system/connections/{first.id}", app.token).status == 200
    check_error(fishplate.get("/api/erp/currencies", first.token), "CONNECTION_DISCONNECTED")
    assert fishplate.get("/api/erp/currencies", second.token).status == 200


@pytest.mark.parametrize("identifier", ["..", "%2e%2e", "%00", "*", "con_%27%20OR%201=1--", "0",
                                        "con_" + "0" * 200, "%ff", "con_x/../con_y"])
def test_odd_ids_find_nothing(fishplate, app, identifier):
    answer = fishplate.get(f"/api/system/connections/{identifier}/metadata", app.token)
    assert answer.status in (400, 404), answer
    check_error(answer, answer.code)
