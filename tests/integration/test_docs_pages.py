"""Every command of the documentation is run, in its order, in one shell, against the real
server; N9: on nothing but the binary. The text behind a command must be what the command says.
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import os
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.api.pages import Shell, blocks, matches, run_page
from tests.api.world import connect, credentials_of, new_app
from tests.systems.fishplate import BINARY, Fishplate

ROOT = Path(__file__).resolve().parent.parent.parent
DOCS = ROOT / "docs"


def page(name):
    return (DOCS / name).read_text(encoding="utf-8")


def shell_in(directory, **more):
    """A shell that knows `fishplate`, as after an installation."""
    folder = Path(directory) / "bin"
    folder.mkdir()
    (folder / "fishplate").symlink_to(BINARY.resolve())
    kept = {key: value for key, value in os.environ.items() if not key.startswith("FISHPLATE_")}
    return Shell(directory, {**kept, "PATH": f"{folder}:{os.environ['PATH']}", **more})


def test_the_comparison_itself():
    assert matches("json", '{"a": [1, ...], "b": {...}}', '{"a":[1,2],"b":{"c":"x"}}')
    assert not matches("json", '{"a": [1, ...]}', '{"a":[2,1]}')
    assert matches("text", "5\nhi ...", "5\nhi there") and not matches("text", "5", "55")
    assert len(blocks("```sh\na\n```\n\n```text\nb\n```\n```text\nc\n```\n")) == 1


def test_quickstart(fishplate, app, tryton, shared_connection, tmp_path):
    replace = [("export TOKEN=fp_test_...", f"export TOKEN={shared_connection.token}"),
               ("CLIENT_ID=app_...", f"CLIENT_ID={app.id}"),
               ("CLIENT_SECRET=fps_...", f"CLIENT_SECRET={app.secret}"),
               ("https://localhost:8443", fishplate.url),
               (".dev/run/fishplate/tls/cert.pem", str(fishplate.certificate)),
               (".dev/run/fishplate/", f"{fishplate.directory}/"),
               ("http://127.0.0.1:8000", tryton.url), ("build/release/fishplate", str(BINARY))]
    text = page("quickstart.md")
    assert all(old in text for old, _new in replace), "the page says it in other words now"
    (tmp_path / ".dev").mkdir()
    shell = shell_in(tmp_path)
    try:
        assert run_page(text, shell, replace) >= 9
    finally:
        shell.close()


def test_readme(fishplate, shared_connection, tmp_path):
    """Its tour, and how it says to run the server oneself (but for the build, and for staying)."""
    text = page("../README.md")
    begin, middle, end = (text.index(f"\n## {title}") for title in (
        "A tour in one minute", "Run it yourself", "Read on"))
    tour = [("TOKEN=...", f"TOKEN={shared_connection.token}"),
            ("https://localhost:8443", fishplate.url),
            ("http://127.0.0.1:9464", f"http://127.0.0.1:{fishplate.metrics_port}"),
            (".dev/run/fishplate/tls/cert.pem", str(fishplate.certificate)),
            (".dev/run/fishplate/", f"{fishplate.directory}/")]
    own = [("/var/lib/fishplate", str(tmp_path / "own")),
           ("./dev build --release && install -m 755 build/release/fishplate /usr/bin/", ":"),
           (f"fishplate serve --dir {tmp_path / 'own'}",
            f"fishplate serve --check-config --dir {tmp_path / 'own'}"),
           (f"fishplate status --dir {tmp_path / 'own'}",
            f"fishplate status --dir {fishplate.directory}")]
    shell = shell_in(tmp_path)
    try:
        assert run_page(text[begin:middle], shell, tour) == 1
        path = "/api/erp/vendors?filter[name:contains]=GmbH"
        output, code = shell.run(f"api '{fishplate.url}{path}'")
        assert code == 0 and '"data":[{' in output, output
        assert run_page(text[middle:end], shell, own) == 2
    finally:
        shell.close()


def test_operations(tmp_path):
    folder = tmp_path / "server"
    shell = shell_in(tmp_path)
    try:
        count = run_page(page("operations.md"), shell, [("/var/lib/fishplate", str(folder))])
    finally:
        shell.close()
    assert count >= 2
    assert {entry.name for entry in folder.iterdir()} >= {"fishplate.yaml", "master.key", "tls",
                                                          "data"}


def test_connectors(tryton, tmp_path):
    """The definition of the page is checked, loaded by a server, and reads the real Tryton."""
    shell = shell_in(tmp_path)
    try:
        run_page(page("connectors.md"), shell)
    finally:
        shell.close()
    assert (tmp_path / "wrong.yaml").exists()
    with contextlib.ExitStack() as stack:
        # Where the user of egress can read it, as the page says; pytest's folders are root's own.
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)
        shutil.copy(tmp_path / "my-connectors" / "my-erp.yaml", folder)
        server = stack.enter_context(Fishplate(tmp_path / "server",
                                               settings={"connectors.dir": folder}))
        app = new_app(server)
        answer = server.connect(app.token, credentials_of(tryton), provider="my-erp")
        assert answer.status == 200, answer
        token = answer.data["access_token"]
        products = server.all_pages("/api/erp/products", token, per_page=500)
        assert len(products) == tryton.count("product.product")
        assert all(record["name"] and record["price"] is None for record in products)
        listed = server.get("/api/erp/companies?filter[code:startsWith]=V", token)
        assert listed.json["meta"]["total"] == tryton.count("party.party", [["code", "like", "V%"]])
        proofs = {row["key"]: row["proof"]
                  for row in server.all_pages("/api/system/platforms", app.token)}
        assert (proofs["my-erp"], proofs["tryton"]) == ("documented", "real")
        # the built-in one is still there
        connect(server, app.token, tryton)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md"])
def test_verbs_of_the_script_exist(name):
    """`./dev VERB` in the pages of the root names a verb that `./dev` has."""
    verbs = set(re.findall(r"^(\w+)\|", (ROOT / "dev").read_text(), re.M))
    verbs |= {match for match in re.findall(r"^VERBS='(\w+)\|", (ROOT / "dev").read_text(), re.M)}
    named = set(re.findall(r"\./dev ([a-z]+)", (ROOT / name).read_text(encoding="utf-8")))
    assert named and named <= verbs, named - verbs


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_named_files_and_codes_exist(path):
    """A path of this repository that a page names is there, and so is each error code."""
    text = path.read_text(encoding="utf-8")
    catalogue = (ROOT / "src/base/errors.def").read_text()
    missing = []
    for name in re.findall(r"`((?:src|tests|tools|docs|schema|connectors)/[\w./*-]+)`", text):
        found = list(ROOT.glob(name.rstrip("/")))
        missing += [] if found else [name]
    for name in re.findall(r"tests/integration/[\w*]+\.py", text):
        missing += [] if list(ROOT.glob(name)) else [name]
    codes = re.compile(r"`((?:TOKEN|SOURCE|CONNECTION|CREDENTIALS|REQUEST|REAUTHORIZATION|AUDIT"
                       r"|STORE|FILTER|SORT)_[A-Z_]+)`")
    for code in set(codes.findall(text)):
        missing += [] if f"FP_ERROR({code}," in catalogue or path.name == "limits.md" else [code]
    assert missing == []
