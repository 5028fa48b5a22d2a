"""N6: the OAuth server as clients of others see it. oauth4webapi and openid-client, the libraries that the
OpenID Foundation certified, drive every flow: metadata, code with PKCE, refresh, client credentials,
introspection, revocation; openid-client with DPoP, at a server that wants nonces."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import shutil
import subprocess
import urllib.parse
from pathlib import Path

import pytest

from tests.api.world import credentials_of
from tests.integration.test_connect_links import send
from tests.systems.fishplate import SLOW, Fishplate

HERE = Path(__file__).resolve().parent.parent / "oauth"
NODE = HERE / "node"
BACK = "https://app.example.com/back"  # openid-client knows no redirect URI with a query

pytestmark = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")


@pytest.fixture(scope="module")
def node():
    """The libraries, installed from the lock file when it changed."""
    stamp, lock = NODE / "node_modules" / ".lock", (NODE / "package-lock.json").read_text()
    if not stamp.exists() or stamp.read_text() != lock:
        done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts",
                               "--loglevel=error"], cwd=NODE, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
                              check=False)
        assert done.returncode == 0, done.stdout
        stamp.write_text(lock)
    return NODE


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One that takes no DPoP proof without its nonce."""
    with Fishplate(tmp_path_factory.mktemp("library"),
                   settings={"tokens.dpop_nonce": "true"}) as made:
        yield made


def customer(server, tryton, url, email):
    """The customer's browser: from the authorization URL to the redirect URI with its code."""
    assert url.startswith(server.url + "/oauth/authorize?"), url
    away = server.get(url.removeprefix(server.url))
    assert away.status == 303, away
    link = away.header("Location").rsplit("/", 1)[1]
    answer = send(server, link, credentials_of(tryton), name="Plant", email=email)
    assert answer.status == 200, answer
    return answer.data["return_url"]


@pytest.mark.parametrize("library, basic, algorithm, kind", [
    ("oauth4webapi", True, None, "bearer"), ("oauth4webapi", False, None, "bearer"),
    ("openid-client", True, "ES256", "dpop"), ("openid-client", False, "Ed25519", "dpop"),
], ids=["basic", "body", "dpop P-256", "dpop Ed25519"])
def test_every_flow(server, tryton, node, library, basic, algorithm, kind):
    client = server.command("app", "create", "--name", library, "--environment", "test",
                            "--redirect-uris", BACK)
    about = {"issuer": server.url, "id": client["client_id"], "secret": client["client_secret"],
             "back": BACK, "basic": basic, "algorithm": algorithm,
             "data": "/api/erp/vendors?per_page=1"}
    with subprocess.Popen(["node", str(HERE / "client.mjs"), library, str(node)], text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          env={**os.environ, "NODE_EXTRA_CA_CERTS": str(server.certificate)}) as run:
        try:
            run.stdin.write(json.dumps(about) + "\n")
            run.stdin.flush()
            step = run.stdout.readline()
            assert step, run.stderr.read()
            email = urllib.parse.quote(f"{library}-{basic}") + "@plant.test"
            back = customer(server, tryton, json.loads(step)["url"], email)
            out, errors = run.communicate(back + "\n", timeout=60 * SLOW)
        finally:
            run.kill()
    assert run.returncode == 0, errors
    assert json.loads(out.splitlines()[-1]) == {"first": kind, "second": kind, "own": kind}
