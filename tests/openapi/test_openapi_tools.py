"""The OpenAPI documents as other people's tools read them: redocly and spectral find nothing to say, and
the clients that openapi-typescript and openapi-python-client make compile and import."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NODE = HERE / "node"
VENV = Path(os.environ.get("FISHPLATE_DEV_DIR", ROOT / ".dev")) / "openapi-venv"
VERSIONS = ("3.1", "3.0")

sys.path.insert(0, str(ROOT / "tools"))
import openapi_document  # noqa: E402

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


def run(*command, directory=HERE, timeout=600, **options):
    return subprocess.run([str(word) for word in command], cwd=directory, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          check=False, **options)


@pytest.fixture(scope="module")
def node():
    """The folder of npm's commands, installed from the lock file when it changed."""
    stamp, lock = NODE / "node_modules" / ".lock", (NODE / "package-lock.json").read_text()
    if not stamp.exists() or stamp.read_text() != lock:
        done = run("npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error",
                   directory=NODE)
        assert done.returncode == 0, done.stdout
        stamp.write_text(lock)
    return NODE / "node_modules" / ".bin"


@pytest.fixture(scope="module")
def python():
    """A Python of its own with what requirements.txt names."""
    stamp, wanted = VENV / "requirements", (HERE / "requirements.txt").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        shutil.rmtree(VENV, ignore_errors=True)
        done = run("/usr/bin/python3", "-m", "venv", VENV)
        assert done.returncode == 0, done.stdout
        done = run(VENV / "bin" / "pip", "install", "-q", "--no-deps", "-r", HERE / "requirements.txt")
        assert done.returncode == 0, done.stdout
        stamp.write_text(wanted)
    return VENV / "bin"


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    """{version: file}, as the build puts them into the binary."""
    folder = tmp_path_factory.mktemp("openapi")
    made, _neutral, _schema = openapi_document.make(ROOT)
    for version, document in made.items():
        (folder / f"{version}.json").write_text(openapi_document.text_of(document), encoding="utf-8")
    return {version: folder / f"{version}.json" for version in VERSIONS}


@pytest.mark.parametrize("version", VERSIONS)
def test_redocly_finds_nothing(node, documents, version):
    done = run(node / "redocly", "lint", "--config", HERE / "redocly.yaml", "--format=json",
               documents[version], env={**os.environ, "REDOCLY_TELEMETRY": "off", "CI": "true"})
    assert done.returncode == 0, done.stdout[-4000:]
    report = json.loads(done.stdout[done.stdout.index("{"):done.stdout.rindex("}") + 1])
    assert report["totals"] == {"errors": 0, "warnings": 0, "ignored": 0}, report


@pytest.mark.parametrize("version", VERSIONS)
def test_spectral_finds_nothing(node, documents, version):
    done = run(node / "spectral", "lint", "-r", HERE / "spectral.yaml", "-F", "hint", "-f", "json",
               documents[version])
    assert done.returncode == 0 and json.loads(done.stdout[:done.stdout.rindex("]") + 1]) == [], done.stdout


def test_linters_would_find_something(node, documents, tmp_path):
    """A document that is wrong in one place each is refused: the two above can fail."""
    document = json.loads(documents["3.1"].read_text())
    del document["paths"]["/api/erp/vendors"]["get"]["operationId"]
    document["components"]["schemas"]["Unused"] = {"type": "string"}
    (tmp_path / "bad.json").write_text(json.dumps(document))
    redocly = run(node / "redocly", "lint", "--config", HERE / "redocly.yaml", tmp_path / "bad.json",
                  env={**os.environ, "REDOCLY_TELEMETRY": "off", "CI": "true"})
    assert "operation-operationId" in redocly.stdout and "no-unused-components" in redocly.stdout


CLIENT = """
import type { components, operations, paths } from "./api.js";

type Vendors = paths["/api/erp/vendors"]["get"]["responses"]["200"]["content"]["application/json"];
export function names(page: Vendors): (string | null)[] {
  const last: number = page.meta.last_page;
  return last > 0 ? page.data.map((vendor) => vendor.name) : [];
}
export const query: operations["erpPurchaseOrdersList"]["parameters"]["query"] = {
  page: 1, per_page: 100, filterMatch: "any", filter: { "updatedAt:gteq": "2026-01-31" }, sort: { orderDate: 1 },
};
export const order: components["schemas"]["PurchaseOrder"]["billingAddress"] = null;
// @ts-expect-error a key is never null
export const key: components["schemas"]["Vendor"]["key"] = null;
// @ts-expect-error there is no such field
export const wrong: operations["erpVendorsList"]["parameters"]["query"] = { filter: { colour: "x" } };
"""


@pytest.mark.parametrize("version", VERSIONS)
def test_typescript_client_compiles(node, documents, tmp_path, version):
    (tmp_path / "package.json").write_text('{"type": "module"}')
    done = run(node / "openapi-typescript", documents[version], "-o", tmp_path / "api.ts")
    assert done.returncode == 0, done.stdout
    (tmp_path / "client.ts").write_text(CLIENT)
    done = run(node / "tsc", "--strict", "--noEmit", "--target", "es2022", "--module", "nodenext",
               "--skipLibCheck", "client.ts", directory=tmp_path)
    assert done.returncode == 0, done.stdout


USE = """
import fishplate_client
from fishplate_client.models import PurchaseOrder, Vendor, VendorList
from fishplate_client.api.erp import erp_vendors_list
from fishplate_client.api.o_auth import system_token
page = VendorList.from_dict({page})
assert page.data[0].key == "1001" and page.data[0].name is None and page.meta.last_page == 3
assert erp_vendors_list.sync and system_token.sync and fishplate_client.AuthenticatedClient
"""


def test_python_client_generates_and_imports(python, documents, tmp_path):
    document = json.loads(documents["3.1"].read_text())
    content = document["paths"]["/api/erp/vendors"]["get"]["responses"]["200"]["content"]
    page = content["application/json"]["example"]
    page["data"][0].update({"key": "1001", "name": None})
    done = run(python / "openapi-python-client", "generate", "--path", documents["3.1"], "--meta", "none",
               "--output-path", tmp_path / "fishplate_client", "--fail-on-warning", directory=tmp_path,
               env={**os.environ, "PATH": f"{python}:{os.environ['PATH']}"})
    assert done.returncode == 0, done.stdout[-4000:]
    (tmp_path / "use.py").write_text(USE.replace("{page}", repr(page)))
    done = run(python / "python", "use.py", directory=tmp_path)
    assert done.returncode == 0, done.stdout
    done = run(python / "python", "-m", "compileall", "-q", "fishplate_client", directory=tmp_path)
    assert done.returncode == 0, done.stdout
