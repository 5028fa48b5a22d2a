"""M1: clients as they are in use: Node's fetch, loops until meta.last_page, un-prefixed paths,
pageSize, and the poll of sync/status from a browser's origin."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.errors import check_error
from tests.api.tokens import never_issued
from tests.api.world import connect, new_app

SCRIPT = Path(__file__).resolve().parent.parent / "api" / "client.mjs"
NODE = shutil.which("node") or shutil.which("nodejs")
STATUS = "/api/integrations/sync/status"
ORIGIN = "https://app.example.com"


def node(server, token, path, size=("per_page", 10)):
    done = subprocess.run([NODE, str(SCRIPT), server.url, path, size[0], str(size[1])], text=True,
                          capture_output=True, timeout=120, check=False, env={
                              **os.environ, "FISHPLATE_TOKEN": token,
                              "NODE_EXTRA_CA_CERTS": str(server.certificate)})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


needs_node = pytest.mark.skipif(NODE is None, reason="Node is not installed")


@needs_node
@pytest.mark.parametrize("size", [("per_page", 10), ("pageSize", 7)])
def test_m1_node_reads_all_pages(fishplate, shared_connection, tryton, size):
    found = node(fishplate, shared_connection.token, "/api/erp/purchase-orders", size)
    total = tryton.count("purchase.purchase")
    assert found["status"] == 200, found
    assert found["pages"] == -(-total // size[1])
    assert len({record["key"] for record in found["records"]}) == total == len(found["records"])


@needs_node
def test_m1_node_reads_the_error(fishplate):
    found = node(fishplate, never_issued(), "/api/erp/purchase-orders")
    assert found["status"] == 401 and found["error"]["code"] == "TOKEN_UNKNOWN", found
    assert found["id"] == found["error"]["request_id"]


def test_m1_unprefixed_sites(fishplate, shared_connection):
    old = fishplate.get("/api/sites", shared_connection.token)
    new = fishplate.get("/api/eam/sites", shared_connection.token)
    assert old.status == new.status == 200, old
    assert old.data == new.data and old.data


def test_m1_unprefixed_assets(fishplate, shared_connection):
    """The same answer as under /api/eam, whether the source has assets or not."""
    old = fishplate.get("/api/assets?pageSize=100", shared_connection.token)
    new = fishplate.get("/api/eam/assets?pageSize=100", shared_connection.token)
    assert (old.status, old.code) == (new.status, new.code)
    if old.status == 501:
        check_error(old, "OPERATION_UNSUPPORTED")
    else:
        assert old.status == 200 and old.data == new.data, old


def test_m1_page_size_and_per_page(fishplate, shared_connection):
    """pageSize is an alias; per_page wins; 25 where neither is said."""
    for query, size in (("", 25), ("?pageSize=3", 3), ("?per_page=4", 4),
                        ("?pageSize=3&per_page=4", 4), ("?per_page=4&pageSize=3", 4)):
        answer = fishplate.get(f"/api/erp/products{query}", shared_connection.token)
        assert answer.json["meta"]["per_page"] == len(answer.data) == size, query


@pytest.fixture(scope="module")
def browser(tmp_path_factory, tryton):
    """A server that allows one origin, and a connection."""
    from tests.systems.fishplate import Fishplate
    with Fishplate(tmp_path_factory.mktemp("cors"),
                   settings={"api.cors_origins": ORIGIN}) as server:
        server.own = connect(server, new_app(server).token, tryton)
        yield server


def test_m1_preflight_from_the_allowed_origin(browser):
    answer = browser.request("OPTIONS", STATUS, headers={
        "Origin": ORIGIN, "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization"})
    assert answer.status in (200, 204), answer
    assert answer.header("Access-Control-Allow-Origin") == ORIGIN
    assert "GET" in answer.header("Access-Control-Allow-Methods")
    assert "authorization" in answer.header("Access-Control-Allow-Headers").lower()


def test_m1_sync_status_from_the_browser(browser):
    answer = browser.get(STATUS, browser.own.token, headers={"Origin": ORIGIN})
    assert answer.status == 200 and answer.json["status"] == "done", answer
    assert answer.header("Access-Control-Allow-Origin") == ORIGIN
    assert "origin" in [value.lower() for name, value in answer.headers if name == "Vary"]
    assert "x-request-id" in answer.header("Access-Control-Expose-Headers").lower()


def test_errors_are_readable_from_the_browser_too(browser):
    answer = browser.get(STATUS, headers={"Origin": ORIGIN})
    check_error(answer, "TOKEN_MISSING")
    assert answer.header("Access-Control-Allow-Origin") == ORIGIN


@pytest.mark.parametrize("origin", ["https://evil.example.com", "http://app.example.com", "null",
                                    "https://app.example.com.evil.com",
                                    "https://app.example.com:444"])
def test_other_origins_are_not_allowed(browser, origin):
    for method in ("OPTIONS", "GET"):
        answer = browser.request(method, STATUS, browser.own.token if method == "GET" else None,
                                 headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
        assert answer.header("Access-Control-Allow-Origin") is None, answer.headers


def test_no_cors_unless_configured(fishplate, shared_connection):
    answer = fishplate.get(STATUS, shared_connection.token, headers={"Origin": ORIGIN})
    assert answer.status == 200
    assert answer.header("Access-Control-Allow-Origin") is None
