"""N2 S15. `fishplate audit search` over a real log: by what records say, with a server that writes and
without one, and over a copy of the files."""
# SPDX-License-Identifier: Apache-2.0
import json
import shutil

import pytest

from tests.systems.fishplate import Fishplate


@pytest.fixture
def installation(tmp_path):
    made = Fishplate(tmp_path / "fishplate").init()
    made.apps = [made.create_app(name)["client_id"] for name in ("One", "Two", "Three")]
    made.command("app", "list")
    return made


def log(installation):
    """All records, read by Python alone."""
    folder = installation.directory / "data" / "audit"
    return [json.loads(line) for path in sorted(folder.glob("audit-*.jsonl"))
            for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


def search(installation, *options):
    done = installation.run("audit", "search", "--json", *options)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_all_and_the_newest(installation):
    records = log(installation)
    assert search(installation) == records
    assert search(installation, "--limit", 3) == records[-3:]
    assert search(installation, "--limit", len(records) + 5) == records


@pytest.mark.parametrize("options, fits", [
    (["--action", "application.create"], lambda r: r["action"] == "application.create"),
    (["--action", "application"], lambda r: r["action"].startswith("application.")),
    (["--result", "OK"], lambda r: r.get("result") == "OK"),
    (["--since", "1h"], lambda r: True),
    (["--since", "2100-01-01T00:00:00Z"], lambda r: False),
    (["--until", "1h"], lambda r: False),
    (["--until", "2100-01-01"], lambda r: True),
    (["--request", "req_nosuch"], lambda r: False),
])
def test_what_fits_is_what_python_finds(installation, options, fits):
    wanted = [record for record in log(installation) if fits(record)]
    assert search(installation, *options) == wanted


def test_by_application_and_by_the_moment(installation):
    records = log(installation)
    app = installation.apps[1]
    wanted = [record for record in records if record.get("application") == app]
    assert wanted
    assert search(installation, "--application", app) == wanted
    moment = wanted[0]["time"]
    assert search(installation, "--since", moment) == [r for r in records if r["time"] >= moment]
    assert search(installation, "--until", moment) == [r for r in records if r["time"] < moment]


def test_text_within_detail_is_no_field(installation, tmp_path):
    line = json.dumps({"seq": 1, "time": "2026-01-01T00:00:00.000Z", "action": "data.call",
                       "actor": "system", "result": "OK", "detail": {"token": "tok_x"},
                       "prev": "0" * 64, "hash": "0" * 64}, separators=(",", ":"))
    path = tmp_path / "one.jsonl"
    path.write_text(line + "\n")
    assert search(installation, path, "--token", "tok_x") == []
    assert len(search(installation, path, "--action", "data.call")) == 1


def test_an_unfinished_last_line_is_passed_over(installation, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(installation.directory / "data" / "audit", copy)
    (path,) = copy.glob("audit-*.jsonl")
    data = path.read_bytes()
    path.write_bytes(data + data.splitlines()[-1][:60])
    done = installation.run("audit", "search", copy, "--json")
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == len(data.splitlines())
    path.write_bytes(b"{}\n" + data)
    done = installation.run("audit", "search", copy, "--json")
    assert "1 lines are no records" in done.stderr


def test_while_a_server_writes(installation):
    with installation as server:
        answer = server.get("/api/erp/currencies", "fp_live_nosuch")
        assert answer.status == 401
        client = server.command("app", "create", "--name", "Four", "--environment", "test")
        found = search(server, "--application", client["client_id"])
        assert [record["action"] for record in found][0] == "application.create"
        assert search(server, "--action", "log.start", "--limit", 1)[0]["action"] == "log.start"
        assert server.command("audit", "verify")["state"] == "intact"


def test_people_read_a_table(installation):
    done = installation.run("audit", "search", "--action", "application.view")
    head, row = done.stdout.splitlines()
    assert head.split() == ["RECORD", "TIME", "ACTION", "RESULT", "BY", "CONNECTION", "REQUEST",
                            "ADDRESS"]
    assert row.split()[2:4] == ["application.view", "OK"]
    assert "No record fits." in installation.run("audit", "search", "--token", "tok_no").stderr


@pytest.mark.parametrize("options, told", [
    (["--action", "token.isue"], "token.issue"), (["--action", "nonsense.x"], "never recorded"),
    (["--since", "yesterday"], "--since"), (["--until", "2x"], "--until"),
    (["--result", "ok"], "is no result"), (["--limit", "0"], "--limit"),
])
def test_wrong_options_are_told(installation, options, told):
    done = installation.run("audit", "search", *options, check=False)
    assert done.returncode == 2
    assert told in done.stderr
