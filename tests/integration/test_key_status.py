"""N5: `fishplate key status` on a real installation, stopped and running: every data key with version,
age and count, wrapped by the present master key; the look is recorded."""
# SPDX-License-Identifier: Apache-2.0
import datetime
import json

from tests.systems.fishplate import Fishplate


def check_system_key(rows):
    (row,) = [row for row in rows if row["customer"] == "system"]
    assert row["version"] == 1 and row["state"] == "active" and row["due"] is None
    assert 0 < row["encryptions"] < row["encryptions_max"]
    made, due = (datetime.datetime.fromisoformat(row[name].replace("Z", "+00:00"))
                 for name in ("created_at", "due_at"))
    assert due - made == datetime.timedelta(days=365)
    assert len(row["key_id"]) == len(row["master_key_id"]) == 32
    return row


def test_stopped_and_after_a_new_master_key(tmp_path):
    installation = Fishplate(tmp_path / "fishplate").init()
    before = check_system_key(installation.command("key", "status"))
    report = installation.command("key", "rotate")
    after = check_system_key(installation.command("key", "status"))
    assert after["master_key_id"] == report["master_key"] != before["master_key_id"]
    assert after["key_id"] == before["key_id"]


def test_running_and_recorded(tmp_path):
    with Fishplate(tmp_path / "fishplate") as server:
        row = check_system_key(server.command("key", "status"))
        table = server.run("key", "status").stdout
        heads, line = table.splitlines()
        assert heads.split()[:3] == ["CUSTOMER", "VER", "STATE"]
        assert line.split()[:3] == [row["customer"], "1", "active"]
        assert str(row["encryptions"]) in line
        (path,) = (server.directory / "data" / "audit").glob("audit-*.jsonl")
        looks = [record for record in map(json.loads, path.read_text().splitlines())
                 if record["action"] == "operator.view"]
        assert len(looks) == 2 and looks[0]["detail"] == {"what": "keys"}
