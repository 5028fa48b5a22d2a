"""N16, S22: `fishplate evidence` on a running server: one archive, complete, without secrets and customers' names,
whose manifest and signature are checked here with Python and `openssl` alone."""
# SPDX-License-Identifier: Apache-2.0
import base64
import hashlib
import json
import subprocess
import tarfile

import pytest

from tests.api.world import connect, new_app

NAMES = {"README.md", "mapping.md", "status.json", "keys.json", "access/applications.json",
         "access/connections.json", "access/tokens.json", "access/operators.json", "settings.yaml",
         "audit.pub", "audit.json", "MANIFEST.json", "MANIFEST.sig.json"}


@pytest.fixture
def pack(own_fishplate, tryton, tmp_path):
    server = own_fishplate.start()
    app = new_app(server)
    plant = connect(server, app.token, tryton, name="Canary Plant", email="canary@plant.example")
    config = server.config.read_text()
    server.config.write_text(config + "\n# url: postgres://user:canary-word@host/base\n")
    path = tmp_path / "evidence.tar"
    server.run("evidence", "--out", str(path))
    with tarfile.open(path) as archive:
        files = {member.name: archive.extractfile(member).read() for member in archive.getmembers()}
        assert all(member.mode == 0o600 for member in archive.getmembers())
    return server, app, plant, path, files


def signed_by(key, text, signature, tmp_path):
    """Ed25519 with openssl: its public key is a fixed head and the 32 bytes."""
    head = bytes.fromhex("302a300506032b6570032100")
    (tmp_path / "key.der").write_bytes(head + bytes.fromhex(key))
    (tmp_path / "text").write_bytes(text)
    (tmp_path / "sig").write_bytes(signature)
    return subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "key.der", "-keyform", "DER",
         "-rawin", "-in", tmp_path / "text", "-sigfile", tmp_path / "sig"],
        capture_output=True, check=False).returncode == 0


def test_complete_and_proven_by_the_public_key(pack, tmp_path):
    server, _app, _plant, path, files = pack
    assert set(files) == NAMES and path.stat().st_mode & 0o777 == 0o600
    manifest = json.loads(files["MANIFEST.json"])
    assert manifest["type"] == "fishplate-evidence-1"
    assert {row["name"] for row in manifest["files"]} == NAMES - {"MANIFEST.json", "MANIFEST.sig.json"}
    for row in manifest["files"]:
        assert row["size"] == len(files[row["name"]])
        assert row["sha256"] == hashlib.sha256(files[row["name"]]).hexdigest()
    said = json.loads(files["MANIFEST.sig.json"])
    digest = hashlib.sha256(files["MANIFEST.json"]).hexdigest()
    assert said["text"].splitlines()[:2] == ["fishplate evidence v1", f"manifest {digest}"]
    key = (server.directory / "data/audit/audit.pub").read_text().split()[1]
    text, signature = said["text"].encode(), base64.b64decode(said["signature"])
    assert said["key"] == key and signed_by(key, text, signature, tmp_path)
    assert not signed_by(key, text.replace(b"v1", b"v2"), signature, tmp_path)
    # the log knows that it was handed out
    records = [json.loads(line) for log in (server.directory / "data/audit").glob("audit-*.jsonl")
               for line in log.read_text().splitlines()]
    (export,) = [record for record in records if record["action"] == "operator.export"]
    assert export["detail"] == {"what": "evidence", "manifest": digest}


def test_what_it_shows(pack):
    server, app, plant, _path, files = pack
    status = json.loads(files["status.json"])
    assert status["running"] and {room["name"] for room in status["rooms"]} >= {"vault", "egress"}
    assert all(room["protections"] for room in status["rooms"])
    assert {row["state"] for row in json.loads(files["keys.json"])} == {"active"}
    assert json.loads(files["audit.json"])["state"] == "intact"
    assert app.id in {row["id"] for row in json.loads(files["access/applications.json"])}
    (row,) = json.loads(files["access/connections.json"])
    assert row["key"] == plant.id and row["integration_name"] == "tryton"
    assert not {"name", "email", "user_metadata", "tags"} & set(row)
    owners = {row["owner"]: row["tokens"] for row in json.loads(files["access/tokens.json"])}
    assert set(owners) == {app.id, plant.id} and len(owners[plant.id]) == 1
    assert isinstance(json.loads(files["access/operators.json"]), list)
    for criterion in ("CC6.1", "CC6.2", "CC6.3", "CC6.6", "CC6.7", "CC6.8", "CC7.1", "CC7.2", "CC7.3"):
        assert criterion in files["mapping.md"].decode()
    # no secret and no customer
    everything = b"".join(files.values())
    for secret in (plant.token, app.token, "Canary Plant", "canary@plant.example", "canary-word",
                   (server.directory / "master.key").read_text().splitlines()[2].split()[1]):
        assert secret.encode() not in everything
    assert b"postgres://***@host/base" in files["settings.yaml"]


def test_never_over_a_file_and_only_from_a_running_server(pack, tmp_path):
    server, _app, _plant, path, _files = pack
    before = path.read_bytes()
    assert server.run("evidence", "--out", str(path), check=False).returncode != 0
    assert path.read_bytes() == before
    assert server.stop() == 0
    done = server.run("evidence", "--out", str(tmp_path / "other.tar"), check=False)
    assert done.returncode != 0 and "NOT_RUNNING" in done.stdout + done.stderr
    assert not (tmp_path / "other.tar").exists()
