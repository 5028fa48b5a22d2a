"""`fishplate key rotate` on a real installation: the store belongs to the new key, the old one is kept
aside, the record is in the audit log."""
# SPDX-License-Identifier: Apache-2.0
import json

import pytest

from tests.systems.fishplate import Fishplate


@pytest.fixture
def installation(tmp_path):
    made = Fishplate(tmp_path / "fishplate").init()
    made.create_app("One")
    return made


def test_new_key_takes_over(installation):
    before = (installation.directory / "master.key").read_text()
    report = installation.command("key", "rotate")
    after = (installation.directory / "master.key").read_text()
    assert f"id {report['master_key']}\n" in after and after != before
    assert (installation.directory / report["old_key_file"]).read_text() == before
    assert not (installation.directory / "master.key.new").exists()
    assert report["rewrapped"] == report["keys"] >= 1
    # everything still opens: one more application, and the log's own key signs on
    installation.create_app("Two")
    assert installation.command("audit", "verify")["state"] == "intact"
    (path,) = (installation.directory / "data" / "audit").glob("audit-*.jsonl")
    stages = [record["detail"]["stage"] for record in map(json.loads, path.read_text().splitlines())
              if record["action"] == "key.rotate"]
    assert stages == ["begin", "end"]


def test_old_key_opens_nothing_any_more(installation):
    report = installation.command("key", "rotate")
    key = installation.directory / "master.key"
    key.write_text((installation.directory / report["old_key_file"]).read_text())
    done = installation.run("app", "list", "--json", check=False)
    assert done.returncode != 0 and "KEY_OTHER_MASTER" in done.stdout + done.stderr


def test_not_while_a_server_runs_that_asks_for_its_key(tmp_path):
    """A server with a key file takes the new key while it runs (test_key_online.py)."""
    server = Fishplate(tmp_path / "fishplate")
    server.init()
    server.start()
    key = (server.directory / "master.key").read_text()
    secret = tmp_path / "passphrase"
    secret.write_text("a passphrase of some length\n")
    secret.chmod(0o600)
    done = server.run("key", "rotate", "--to-source", "passphrase", "--new-passphrase-file", str(secret),
                      check=False)
    assert done.returncode != 0
    assert (server.directory / "master.key").read_text() == key
    assert server.stop() == 0
