"""N15. The master key wrapped by a PKCS#11 token (issue 3, item 1): SoftHSM as the token, the real server."""
# SPDX-License-Identifier: Apache-2.0
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.systems.fishplate import SLOW, Fishplate

MODULE = "/usr/lib/softhsm/libsofthsm2.so"
PIN, LABEL = "4711-test-pin", "Fishplate test"


class Token:
    """A token of SoftHSM's in a folder of its own."""

    def __init__(self, directory):
        self.directory = Path(directory)
        self.config = self.directory / "softhsm2.conf"
        self.environment = {"SOFTHSM2_CONF": str(self.config)}
        self.config.write_text(f"directories.tokendir = {self.directory / 'tokens'}\n"
                               "objectstore.backend = file\nlog.level = ERROR\n")
        self.make()

    def make(self):
        """A new token, without any key."""
        shutil.rmtree(self.directory / "tokens", ignore_errors=True)
        (self.directory / "tokens").mkdir(0o700)
        subprocess.run(["softhsm2-util", "--init-token", "--free", "--label", LABEL, "--so-pin",
                        "12345678", "--pin", PIN], env={**os.environ, **self.environment},
                       check=True, capture_output=True)


@pytest.fixture
def token(tmp_path):
    folder = tmp_path / "hsm"
    folder.mkdir(0o700)
    return Token(folder)


@pytest.fixture
def made(tmp_path, token):
    """An installation whose key the token wraps, stopped."""
    server = Fishplate(tmp_path / "made", environment=token.environment)
    server.run("init", "--dir", server.directory, "--key-source", "pkcs11", "--pkcs11-module",
               MODULE, "--pkcs11-token", LABEL, config=False, text=PIN)
    yield server
    server.stop()


def modules_of(pid):
    return Path(f"/proc/{pid}/maps").read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="the maps of another user's process need root")
def test_no_room_loads_the_module(made):
    made.start(wait=False)
    made.wait_sealed()
    made.unseal(PIN)
    made.wait_ready()
    rooms = made.rooms()
    assert set(rooms) == {"supervisor", "gateway", "vault", "egress"}
    for room, pid in rooms.items():
        assert "libcrypto" in modules_of(pid) and "softhsm" not in modules_of(pid), room


def test_unsealed_by_the_token(made):
    text = (made.directory / "master.key").read_text()
    assert text.startswith("fishplate-pkcs11-1\n") and f"\ntoken {LABEL}\n" in text
    made.start(wait=False)
    made.wait_sealed()
    done = made.unseal("0000-wrong-pin", check=False)
    assert done.returncode != 0 and "PIN is wrong" in done.stderr, done.stderr
    # the server was not asked: its own pause is for wrong keys
    assert not [line for line in made.log_lines() if line["event"] == "unseal_refused"]
    made.unseal(PIN)
    made.wait_ready()
    assert made.command("status")["key_source"] == "pkcs11"
    made.create_app("In a token")
    made.run("seal")
    made.wait_sealed()
    made.unseal(PIN)
    made.wait_ready()
    made.stop()
    assert [app["name"] for app in made.command("app", "list", text=PIN)] == ["In a token"]


def test_without_the_token_nothing_opens(made, token):
    token.make()  # the same label and PIN, but not the key
    made.start(wait=False)
    made.wait_sealed()
    done = made.unseal(PIN, check=False)
    assert done.returncode != 0 and 'no key "fishplate"' in done.stderr
    shutil.rmtree(token.directory / "tokens")
    (token.directory / "tokens").mkdir()
    done = made.unseal(PIN, check=False)
    assert done.returncode != 0 and f'no token "{LABEL}"' in done.stderr
    assert made.probe("/readyz").json["status"] == "sealed"


def test_key_of_the_same_name_is_not_the_key(made, token, tmp_path):
    """Another key under that label does not unwrap, whoever put it there."""
    token.make()
    other = Fishplate(tmp_path / "other", environment=token.environment)
    other.run("init", "--dir", other.directory, "--key-source", "pkcs11", "--pkcs11-module",
              MODULE, "--pkcs11-token", LABEL, config=False, text=PIN)
    done = made.run("app", "list", text=PIN, check=False)
    assert done.returncode != 0 and "AES-GCM in the token" in done.stderr
    # a key that the token does unwrap, of another store
    shutil.copy(other.directory / "master.key", made.directory / "master.key")
    done = made.run("app", "list", text=PIN, check=False)
    assert done.returncode != 0 and "KEY_OTHER_MASTER" in done.stderr


def test_no_module(made):
    for module, reason in (("/nowhere.so", "no PKCS#11 module"),
                           ("/lib/x86_64-linux-gnu/libc.so.6", "no PKCS#11 module")):
        if not module.startswith("/nowhere") and not Path(module).exists():
            continue
        made.settings["keys.pkcs11.module"] = module
        done = made.run("app", "list", text=PIN, check=False)
        assert done.returncode != 0 and reason in done.stderr, done.stderr


def test_truncated_key_file_does_not_start(made):
    key = made.directory / "master.key"
    key.write_bytes(key.read_bytes()[:-30])
    made.start(wait=False)
    assert made._process.wait(20 * SLOW) != 0
    assert "KEY_INVALID" in made.log_text()


def test_rotation_into_a_token_within_it_and_out_again(tmp_path, token):
    server = Fishplate(tmp_path / "moved", environment=token.environment).init()
    server.create_app("Kept")
    server.settings["keys.pkcs11.module"] = MODULE
    server.settings["keys.pkcs11.token"] = LABEL
    wrong = server.run("key", "rotate", "--to-source", "pkcs11", text="0000-wrong-pin", check=False)
    assert wrong.returncode != 0 and not (server.directory / "master.key.new").exists()
    report = server.command("key", "rotate", "--to-source", "pkcs11", text=PIN)
    assert report["set_source"] == "pkcs11" and report["rewrapped"] >= 1
    server.settings["keys.source"] = "pkcs11"
    assert [app["name"] for app in server.command("app", "list", text=PIN)] == ["Kept"]
    server.command("key", "rotate", text=f"{PIN}\n{PIN}\n")
    assert [app["name"] for app in server.command("app", "list", text=PIN)] == ["Kept"]
    server.command("key", "rotate", "--to-source", "file", text=PIN)
    server.settings["keys.source"] = "file"
    assert [app["name"] for app in server.command("app", "list")] == ["Kept"]
    assert server.command("audit", "verify")["state"] == "intact"
