"""N2. The audit log of a real installation, checked by `fishplate audit verify` and by a stranger: this
file, which shares no code with it and uses Python's SHA-256 and the openssl command alone."""
# SPDX-License-Identifier: Apache-2.0
import hashlib
import json
import shutil
import subprocess

import pytest

from tests.systems.fishplate import Fishplate

DER_HEAD = bytes.fromhex("302a300506032b6570032100")  # RFC 8410: an Ed25519 public key follows


def tree(leaves):
    """RFC 6962 2.1 over hashes of records."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\1" + tree(leaves[:split]) + tree(leaves[split:])).digest()


def signed(text, signature, key, folder):
    (folder / "key.der").write_bytes(DER_HEAD + key)
    (folder / "text").write_bytes(text)
    (folder / "signature").write_bytes(signature)
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", folder / "key.der",
         "-rawin", "-in", folder / "text", "-sigfile", folder / "signature"],
        capture_output=True, check=False)
    return done.returncode == 0


def check_by_hand(audit, key, folder):
    """Chain, trees and signatures of all files; how many records and checkpoints there are."""
    prev, leaves, expected, checkpoints = "0" * 64, [], 1, 0
    for path in sorted(audit.glob("audit-*.jsonl")):
        for line in path.read_bytes().splitlines():
            record = json.loads(line)
            covered = line[:line.rindex(b',"hash":"')]
            assert record["seq"] == expected
            assert record["prev"] == prev
            assert record["hash"] == hashlib.sha256(covered).hexdigest()
            if record["action"] == "log.checkpoint":
                root = tree(leaves).hex()
                text = (f"fishplate audit checkpoint v1\nfrom {record['from']}\nto {record['to']}\n"
                        f"generation {record['generation']}\nroot {root}\nprev {prev}\n"
                        f"time {record['time']}\n")
                assert record["root"] == root
                assert record["to"] - record["from"] + 1 == len(leaves)
                assert signed(text.encode(), bytes.fromhex(record["signature"]), key, folder)
                leaves, checkpoints = [], checkpoints + 1
            leaves.append(bytes.fromhex(record["hash"]))
            prev, expected = record["hash"], expected + 1
    return expected - 1, checkpoints


@pytest.fixture
def installation(tmp_path):
    """Made, used by a few commands, not running."""
    made = Fishplate(tmp_path / "fishplate").init()
    for name in ("One", "Two", "Three"):
        made.create_app(name)
    made.command("app", "list")
    return made


@pytest.fixture
def audit(installation):
    return installation.directory / "data" / "audit"


def test_a_stranger_comes_to_the_same(installation, audit, tmp_path):
    word, digits = (audit / "audit.pub").read_text().split()
    assert word == "fishplate-audit-key-1"
    records, checkpoints = check_by_hand(audit, bytes.fromhex(digits), tmp_path)
    found = installation.command("audit", "verify")
    assert found["state"] == "intact"
    assert (found["records"], found["last"], found["key"]) == (records, records, digits)
    assert checkpoints >= 4


def test_a_copy_is_enough(installation, audit, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(audit, copy)
    key = (audit / "audit.pub").read_text()
    (copy / "audit.pub").unlink()
    assert installation.run("audit", "verify", copy, config=False, check=False).returncode == 2
    (tmp_path / "key").write_text(key)
    for given in (tmp_path / "key", key.split()[1]):
        done = installation.run("audit", "verify", copy, "--key", given, config=False)
        assert "intact" in done.stdout


@pytest.mark.parametrize("change, state, record", [
    (lambda lines: lines[:2] + [lines[2].replace(b'"OK"', b'"ok"')] + lines[3:], "changed", 3),
    (lambda lines: lines[:2] + lines[3:], "missing", 3),
    (lambda lines: lines[:2] + [lines[3], lines[2]] + lines[4:], "reordered", 3),
    (lambda lines: lines[:4] + [lines[4][:50]], "cut", 5),
    (lambda lines: lines[:4] + [b"{}\n"] + lines[4:], "malformed", 5),
])
def test_the_first_wrong_record_is_named(installation, audit, change, state, record):
    (path,) = audit.glob("audit-*.jsonl")
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    done = installation.run("audit", "verify", "--json", check=False)
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert (found["state"], found["record"], found["file"]) == (state, record, path.name)


def test_a_tail_cut_at_a_border_shows_against_what_is_known(installation, audit):
    last = installation.command("audit", "verify")["last"]
    (path,) = audit.glob("audit-*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-2]))
    assert installation.command("audit", "verify")["state"] == "intact"
    done = installation.run("audit", "verify", "--reaches", last, "--json", check=False)
    assert done.returncode == 1
    assert (json.loads(done.stdout)["state"], json.loads(done.stdout)["record"]) == ("cut", last - 1)
