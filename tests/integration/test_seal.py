"""Sealed and unsealed, and the sources of the master key: issue 3, items 1 and 4, on the real server."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pty
import secrets
import shutil
import signal
import time

import pytest

from tests.api.world import connect, new_app
from tests.systems.fishplate import SLOW, Fishplate

DATA = "/api/erp/vendors"


def new_passphrase():
    return "pass phrase " + secrets.token_hex(12)


def records(server):
    """The audit log's records about sealing, oldest first."""
    lines = []
    for path in sorted((server.directory / "data" / "audit").glob("audit-*.jsonl")):
        lines += map(json.loads, path.read_text().splitlines())
    return [(line["action"], line["result"]) for line in lines
            if line["action"].startswith("vault.")]


def assert_sealed(server, tokens=()):
    ready, health = server.probe("/readyz"), server.probe("/healthz")
    assert (ready.status, ready.json) == (503, {"status": "sealed", "waiting_for": ["unseal"]})
    assert (health.status, health.json) == (200, {"status": "sealed"})
    assert b"\nfishplate_sealed 1\n" in server.probe("/metrics").body
    for path, token in tokens:
        answer = server.get(path, token)
        assert (answer.status, answer.code) == (503, "SEALED"), answer
        assert int(answer.header("Retry-After")) >= 1
        assert "unseal" in answer.json["next_step"]


def try_until_it_may(server, passphrase, deadline=30.0):
    """Unseals as soon as the pause after the last wrong passphrase is over."""
    end = time.monotonic() + deadline * SLOW
    while True:
        done = server.unseal(passphrase, check=False)
        if "RATE_LIMITED" not in done.stderr or time.monotonic() > end:
            return done
        time.sleep(0.1)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Fishplate(tmp_path_factory.mktemp("sealed"), passphrase=new_passphrase()) as server:
        yield server


def test_a_day_of_a_sealed_server(server, tryton):
    """Start sealed, unseal, list, seal, unseal, a crash of the vault: each with what it means."""
    app = new_app(server, "Sealed")
    own = connect(server, app.token, tryton)
    assert server.get(DATA, own.token).status == 200
    assert b"\nfishplate_sealed 0\n" in server.probe("/metrics").body
    assert "sealed" in server.run("seal").stdout
    server.wait_sealed()
    calls = [(DATA, own.token), ("/api/system/client", app.token),
             ("/api/system/connections", app.token)]
    assert_sealed(server, calls)
    answer = server.post("/link/token", body=b"grant_type=client_credentials&client_id=a&client_"
                         b"secret=b", headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert answer.status == 503, answer
    # what needs a key is refused at the command line too, what needs none works
    done = server.run("app", "list", check=False)
    assert done.returncode != 0 and "SEALED" in done.stderr
    assert server.command("status")["sealed"] is True
    assert "already" in server.run("seal").stdout
    server.unseal()
    server.wait_ready()
    assert server.get(DATA, own.token).status == 200
    assert "not sealed" in server.unseal().stdout
    # a vault that dies forgets its key
    os.kill(server.rooms()["vault"], signal.SIGKILL)
    server.wait_sealed()
    assert_sealed(server, calls)
    server.unseal()
    server.wait_ready()
    assert server.get(DATA, own.token).status == 200
    assert server.command("audit", "verify")["state"] == "intact"
    assert records(server) == [("vault.unseal", "OK"), ("vault.seal", "OK"),
                               ("vault.unseal", "OK"), ("vault.unseal", "OK")]


def test_seal_is_no_crash(server):
    """The room ends by itself: no error in the log, no penalty before the next start."""
    starts = len([line for line in server.log_lines() if line["event"] == "room_exited"])
    server.run("seal")
    line = server.wait_log(lambda line: line["event"] == "sealing")
    server.wait_sealed()
    exits = [line for line in server.log_lines() if line["event"] == "room_exited"]
    assert len(exits) == starts + 1 and line["level"] == "warning"
    assert (exits[-1]["level"], exits[-1]["status"], exits[-1]["restart_in_ms"]) == ("info", 0, 0)
    server.unseal()
    server.wait_ready()


def test_wrong_passphrase_opens_nothing_and_has_to_wait(server):
    server.run("seal")
    server.wait_sealed()
    before = len(records(server))
    wrong = [new_passphrase(), server.passphrase[:-1], server.passphrase + " "]
    for passphrase in wrong:
        done = try_until_it_may(server, passphrase)
        assert done.returncode != 0 and "PASSPHRASE_WRONG" in done.stderr, done.stderr
        assert_sealed(server)
        # also the right one has to wait now
        soon = server.unseal(check=False)
        assert soon.returncode != 0 and "RATE_LIMITED" in soon.stderr, soon.stderr
    assert "retry_after_s" in server.unseal(check=False).stderr
    assert len(records(server)) == before  # there is no log to write to
    assert try_until_it_may(server, server.passphrase).returncode == 0
    server.wait_ready()
    assert records(server)[before:] == [("vault.unseal", "PASSPHRASE_WRONG")] * 3 + [
        ("vault.unseal", "OK")]
    assert len([line for line in server.log_lines() if line["event"] == "unseal_refused"]) == 3


def test_terminal_shows_no_passphrase(server):
    """At a terminal the passphrase is asked for and not echoed."""
    server.run("seal")
    server.wait_sealed()
    child, master = pty.fork()
    if child == 0:
        os.execve(str(server.binary), ["fishplate", "unseal", "--config", str(server.config)],
                  server.environment)
    shown = b""
    while b"Passphrase" not in shown:
        shown += os.read(master, 1000)
    os.write(master, server.passphrase.encode() + b"\n")
    try:
        while more := os.read(master, 1000):
            shown += more
    except OSError:
        pass  # the other end is closed
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, shown
    assert b"unsealed" in shown and server.passphrase.encode() not in shown
    server.wait_ready()


def test_passphrase_file_must_be_private(server, tmp_path):
    server.run("seal")
    server.wait_sealed()
    path = tmp_path / "passphrase"
    path.write_text(server.passphrase + "\n")
    path.chmod(0o644)
    done = server.run("unseal", "--passphrase-file", path, check=False)
    assert done.returncode != 0 and "chmod 600" in done.stderr
    path.chmod(0o600)
    server.run("unseal", "--passphrase-file", path)
    server.wait_ready()


@pytest.fixture
def made(tmp_path):
    """An installation with a passphrase, stopped."""
    server = Fishplate(tmp_path / "made", passphrase=new_passphrase()).init()
    yield server
    server.stop()


def test_key_of_another_store_opens_nothing(made, tmp_path):
    other = Fishplate(tmp_path / "other", passphrase=made.passphrase).init()
    shutil.copy(other.directory / "master.key", made.directory / "master.key")
    made.start(wait=False)
    made.wait_sealed()
    done = made.unseal(check=False)
    assert done.returncode != 0 and "KEY_OTHER_MASTER" in done.stderr
    assert_sealed(made)


def test_older_store_opens_nothing(made):
    store = made.directory / "data" / "store.db"
    old = store.read_bytes()
    made.run("app", "create", "--name", "One", text=made.passphrase)
    made.run("app", "list", text=made.passphrase)  # a checkpoint names the new generation
    for path in (made.directory / "data").glob("store.db-*"):
        path.unlink()
    store.write_bytes(old)
    made.start(wait=False)
    made.wait_sealed()
    done = made.unseal(check=False)
    assert done.returncode != 0 and "STORE_ROLLED_BACK" in done.stderr
    assert_sealed(made)


@pytest.mark.parametrize("harm", ["truncated", "flipped", "open to others", "no key", "plain key"])
def test_does_not_start_with_a_bad_key_file(made, tmp_path, harm):
    key = made.directory / "master.key"
    text = key.read_bytes()
    if harm == "truncated":
        key.write_bytes(text[:-40])
    elif harm == "flipped":
        key.write_bytes(text.replace(b"salt ", b"salt f", 1)[:-1])
    elif harm == "open to others":
        key.chmod(0o640)
    elif harm == "no key":
        key.write_bytes(b"")
    else:
        plain = Fishplate(tmp_path / "plain").init()
        shutil.copy(plain.directory / "master.key", key)
    made.start(wait=False)
    assert made._process.wait(20 * SLOW) != 0
    assert "KEY_INVALID" in made.log_text()


def test_offline_commands_ask_for_the_passphrase(made):
    made.run("app", "create", "--name", "Offline", text=made.passphrase)
    done = made.run("app", "list", text=new_passphrase(), check=False)
    assert done.returncode != 0 and "PASSPHRASE_WRONG" in done.stderr
    assert [app["name"] for app in made.command("app", "list", text=made.passphrase)] == ["Offline"]
    assert len(made.command("key", "status", text=made.passphrase)) >= 1
    assert made.command("audit", "verify")["state"] == "intact"  # a stranger can do it
    done = made.run("unseal", text=made.passphrase, check=False)
    assert done.returncode != 0 and "NOT_RUNNING" in done.stderr


def test_short_passphrase_makes_nothing(tmp_path):
    server = Fishplate(tmp_path / "short", passphrase="too short")
    with pytest.raises(Exception, match="at least 15"):
        server.init()
    assert not server.config.exists() and not (server.directory / "master.key").exists()


def test_rotation_from_file_to_passphrase_and_back(tmp_path):
    server = Fishplate(tmp_path / "moved").init()
    server.create_app("Kept")
    passphrase = new_passphrase()
    plain = (server.directory / "master.key").read_text()
    report = server.command("key", "rotate", "--to-source", "passphrase", text=passphrase)
    assert report["set_source"] == "passphrase"
    assert (server.directory / report["old_key_file"]).read_text() == plain
    # until the configuration follows, nothing starts, and the reason is said
    done = server.run("app", "list", check=False)
    assert done.returncode != 0 and "set keys.source to passphrase" in done.stderr
    server.settings["keys.source"] = "passphrase"
    assert [app["name"] for app in server.command("app", "list", text=passphrase)] == ["Kept"]
    wrong = server.run("key", "rotate", text=new_passphrase() + "\n" + passphrase, check=False)
    assert wrong.returncode != 0 and "PASSPHRASE_WRONG" in wrong.stderr
    assert not (server.directory / "master.key.new").exists()
    # another key with another passphrase: the old one on the first line, the new one on the second
    second = new_passphrase()
    server.command("key", "rotate", text=f"{passphrase}\n{second}\n")
    assert server.command("app", "list", text=second)
    assert server.command("key", "rotate", "--to-source", "file", text=second)["set_source"] == "file"
    server.settings["keys.source"] = "file"
    assert [app["name"] for app in server.command("app", "list")] == ["Kept"]


def test_another_passphrase_for_the_same_key(made):
    made.run("app", "create", "--name", "Same", text=made.passphrase)
    identity = (made.directory / "master.key").read_text().splitlines()[1]
    after = new_passphrase()
    done = made.run("key", "passphrase", text=f"{after}\n{after}\n", check=False)
    assert done.returncode != 0 and "PASSPHRASE_WRONG" in done.stderr
    made.run("key", "passphrase", text=f"{made.passphrase}\n{after}\n")
    assert (made.directory / "master.key").read_text().splitlines()[1] == identity
    assert (made.directory / "master.key").stat().st_mode & 0o777 == 0o600
    done = made.run("app", "list", text=made.passphrase, check=False)
    assert done.returncode != 0 and "PASSPHRASE_WRONG" in done.stderr
    assert made.command("app", "list", text=after)


def test_systemd_credential(tmp_path):
    """The folder that systemd names holds the key; nothing else on the disk does."""
    server = Fishplate(tmp_path / "unit")
    report = server.run("init", "--dir", server.directory, "--key-source", "credential",
                        config=False)
    assert "systemd-creds encrypt --name=fishplate-master-key" in report.stdout
    folder = tmp_path / "credentials"
    folder.mkdir(0o700)
    credential = folder / "fishplate-master-key"
    shutil.move(server.directory / "master.key", credential)
    done = server.run("serve", "--check-config", check=False)
    assert done.returncode != 0 and "fishplate-master-key was not handed over" in done.stderr
    server._environment["CREDENTIALS_DIRECTORY"] = str(folder)
    credential.chmod(0o444)
    done = server.run("serve", "--check-config", check=False)
    assert done.returncode != 0 and "KEY_INVALID" in done.stderr
    credential.chmod(0o440)  # as systemd shows it, with its access list
    with server:
        assert server.probe("/healthz").json == {"status": "ok"}
        assert server.command("status")["key_source"] == "credential"
        server.create_app("Through systemd")
        done = server.run("seal", check=False)
        assert done.returncode != 0 and "STATE_CONFLICT" in done.stderr
    assert [app["name"] for app in server.command("app", "list")] == ["Through systemd"]
    rotated = server.command("key", "rotate")
    assert "old_key_file" not in rotated
    shutil.move(server.directory / "master.key", credential)  # where systemd-creds would encrypt it
    assert server.command("app", "list")
