"""N2, S15: `fishplate audit export`, and checkpoints kept elsewhere (audit.anchor_file, audit.anchor_syslog):
an export that a stranger verifies, events of OCSF 1.3, and a log that was cut back or written anew,
which verifies by itself, is found by its anchors."""
# SPDX-License-Identifier: Apache-2.0
import json
import shutil
import socket
import subprocess

import pytest

from tests.systems.fishplate import Fishplate


def records(folder):
    return [json.loads(line) for path in sorted(folder.glob("audit-*.jsonl"))
            for line in path.read_text().splitlines()]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A server that ran three times, with anchors; stopped. Its log as it was after the first run."""
    base = tmp_path_factory.mktemp("export")
    anchors = base / "anchors.jsonl"
    server = Fishplate(base / "fishplate", settings={
        "audit.anchor_file": str(anchors), "audit.anchor_syslog": f"{base}/log"}).init()
    syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    syslog.bind(str(base / "log"))
    (base / "log").chmod(0o777)
    syslog.setblocking(False)
    log = server.directory / "data/audit"
    early = base / "early"
    for run in range(3):
        server.start()
        server.create_app(f"App {run}")
        assert server.stop() == 0
        if run == 0:
            shutil.copytree(log, early)
    said = []
    try:
        while True:
            said.append(syslog.recv(65536).decode())
    except BlockingIOError:
        pass
    syslog.close()
    return server, log, early, anchors, said


def run(server, *words):
    return subprocess.run([str(server.binary), *map(str, words)], capture_output=True, text=True,
                          check=False)


def verify(server, path, *more):
    done = run(server, "audit", "verify", path, *more, "--json")
    return done.returncode, json.loads(done.stdout)


def test_native_export_is_verified_alone(world, tmp_path):
    server, log, _early, _anchors, _said = world
    out, key = tmp_path / "export.jsonl", tmp_path / "key"
    shutil.copy(log / "audit.pub", key)
    assert run(server, "audit", "export", log, "--out", out).returncode == 0
    assert [json.loads(line) for line in out.read_text().splitlines()] == records(log)
    code, found = verify(server, out, "--key", key)
    assert code == 0 and found["state"] == "intact" and found["last"] == len(records(log))
    # a piece of it: without holes, up to the checkpoint that signs its last record
    moment = next(record["time"] for record in records(log) if record["action"] == "application.create")
    piece = tmp_path / "piece.jsonl"
    assert run(server, "audit", "export", log, "--out", piece, "--since", moment, "--until",
               moment).returncode == 0
    lines = [json.loads(line) for line in piece.read_text().splitlines()]
    assert lines == [] or lines[-1]["action"] == "log.checkpoint"
    after = records(log)[-4]["time"]
    piece.unlink()
    assert run(server, "audit", "export", log, "--out", piece, "--since", moment, "--until",
               after).returncode == 0
    lines = [json.loads(line) for line in piece.read_text().splitlines()]
    assert lines[0]["time"] >= moment and lines[-1]["action"] == "log.checkpoint"
    assert [line["seq"] for line in lines] == list(range(lines[0]["seq"], lines[-1]["seq"] + 1))
    code, found = verify(server, piece, "--key", key)
    assert code == 0 and found["signed"] == lines[-1]["seq"] - 1
    piece.write_text(piece.read_text().replace("App", "Apq").replace('"OK"', '"KO"', 1))
    code, found = verify(server, piece, "--key", key)
    assert code == 1 and found["state"] == "changed"
    # never over a file, and no chain with holes
    assert run(server, "audit", "export", log, "--out", out).returncode != 0
    done = run(server, "audit", "export", log, "--action", "application")
    assert done.returncode == 2 and "ocsf" in done.stderr


CLASSES = {3002: 3, 3004: 3, 6002: 6, 6003: 6}


def test_ocsf_events(world):
    server, log, _early, _anchors, _said = world
    done = run(server, "audit", "export", log, "--format", "ocsf")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    ours = records(log)
    assert len(events) == len(ours)
    for event, record in zip(events, ours):
        assert CLASSES[event["class_uid"]] == event["category_uid"]
        assert event["type_uid"] == event["class_uid"] * 100 + event["activity_id"]
        assert event["severity_id"] in (1, 3) and event["status_id"] in (1, 2)
        assert isinstance(event["time"], int) and event["message"] == record["action"]
        assert event["metadata"]["version"] == "1.3.0"
        assert event["metadata"]["sequence"] == record["seq"]
        assert event["metadata"]["product"]["name"] == "Fishplate"
        assert event["actor"]["user"]["type"] == record.get("actor")
        assert json.loads(event["raw_data"]) == record
    made = [event for event in events if event["message"] == "application.create"]
    assert len(made) == 3
    for event in made:
        assert event["type_uid"] == 300401 and event["entity"]["type"] == "application"
        assert event["entity"]["uid"].startswith("app_")
    starts = [event["type_uid"] for event in events if event["message"] == "log.start"]
    assert starts and set(starts) == {600203}
    done = run(server, "audit", "export", log, "--format", "ocsf", "--action", "application.create")
    assert [json.loads(line) for line in done.stdout.splitlines()] == made


def test_every_checkpoint_is_anchored(world):
    server, log, _early, anchors, said = world
    checkpoints = [record for record in records(log) if record["action"] == "log.checkpoint"]
    kept = [json.loads(line) for line in anchors.read_text().splitlines()]
    assert kept and all(one in checkpoints for one in kept)
    # all but those that the command line wrote while no server ran
    assert {one["seq"] for one in kept} >= {checkpoints[-1]["seq"]}
    assert len(said) == len(kept)
    for line, one in zip(said, kept):
        assert line.startswith("<85>fishplate: ") and json.loads(line.split(": ", 1)[1]) == one
    code, found = verify(server, log, "--anchors", anchors)
    assert code == 0 and found["state"] == "intact" and found["anchors"] == len(kept)


def test_a_log_that_was_cut_back_is_found(world, tmp_path):
    server, _log, early, anchors, said = world
    code, found = verify(server, early)
    assert code == 0 and found["state"] == "intact"  # by itself it says nothing
    code, found = verify(server, early, "--anchors", anchors)
    assert code == 1 and found["state"] == "cut" and found["record"] > found["last"]
    # from the system log as well, whatever stands around it
    journal = tmp_path / "journal"
    journal.write_text("Nov 24 21:00:00 host something else {}\n"
                       + "".join("Nov 24 21:00:00 host " + line.split(">", 1)[1] for line in said))
    code, found = verify(server, early, "--anchors", journal)
    assert code == 1 and found["state"] == "cut"


def test_anchors_of_nobody(world, tmp_path):
    server, log, _early, anchors, _said = world
    other = Fishplate(tmp_path / "other").init()
    done = run(server, "audit", "verify", other.directory / "data/audit", "--anchors", anchors)
    assert done.returncode != 0 and "no checkpoint that this key signed" in done.stderr
    forged = tmp_path / "forged"
    lines = anchors.read_text().splitlines()
    forged.write_text("\n".join(line.replace('"root":"', '"root":"0', 1) for line in lines) + "\n")
    assert run(server, "audit", "verify", log, "--anchors", forged).returncode != 0
    assert run(server, "audit", "verify", log, "--anchors", tmp_path / "none").returncode != 0


def test_a_log_that_was_written_anew_is_found(world, tmp_path):
    """Whoever has the master key and the store can sign another log; an anchor contradicts it."""
    server, log, early, anchors, _said = world
    anew = Fishplate(tmp_path / "anew")
    subprocess.run(["cp", "-a", server.directory, anew.directory], check=True)  # with the owners
    folder = anew.directory / "data/audit"
    owner = (log / "audit.pub").stat()
    for old in folder.iterdir():
        old.unlink()
    for file in early.iterdir():
        shutil.copy2(file, folder / file.name)
        shutil.chown(folder / file.name, owner.st_uid, owner.st_gid)
    for number in range(12):
        anew.create_app(f"Another {number}")
    code, found = verify(server, folder)
    assert code == 0 and found["last"] > max(json.loads(line)["seq"] for line in
                                            anchors.read_text().splitlines())
    code, found = verify(server, folder, "--anchors", anchors)
    assert code == 1 and found["state"] == "changed"
