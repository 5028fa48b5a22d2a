"""`./dev run` stays until Ctrl-C, works as it prints, and leaves no process behind."""
# SPDX-License-Identifier: Apache-2.0
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.skipif(os.environ.get("FISHPLATE_KIND") == "asan",
                                reason="./dev run is about the release build")


def alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def descendants(pid):
    """Every process below `pid`."""
    children = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
            except (OSError, ValueError, IndexError):
                continue
    found, todo = [], [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_dev_run__starts_prints_works_and_stops(number, tmp_path):
    environment = {**os.environ, "FISHPLATE_RUN_DIR": str(tmp_path / "run")}
    log = open(tmp_path / "output", "w+")
    start = time.monotonic()
    process = subprocess.Popen(["/usr/bin/python3", "tools/demo.py"], cwd=ROOT, stdout=log,
                               stderr=log, stdin=subprocess.DEVNULL, env=environment)
    try:
        while "Ctrl-C stops both servers." not in (text := (tmp_path / "output").read_text()):
            assert process.poll() is None, text
            assert time.monotonic() - start < 60, text
            time.sleep(0.05)
        below = descendants(process.pid)
        assert len(below) >= 6  # Tryton, the supervisor and four rooms
        token = re.search(r"export TOKEN=(\S+)", text).group(1)
        link = re.search(r"^  (https://\S+/connect/fplink_\S+)$", text, re.M).group(1)
        done = subprocess.run(["curl", "-sk", link], text=True, capture_output=True, check=True)
        assert "<title>Connect your system</title>" in done.stdout
        link = re.search(r"^  (https://\S+)/#/welcome/(\S+)$", text, re.M)
        done = subprocess.run(["curl", "-sk", f"{link[1]}/api/invitation", "-H", f"Origin: {link[1]}", "-H",
                               "X-Fishplate-Console: 1", "--data-urlencode", f"link={link[2]}"],
                              text=True, capture_output=True, check=True)
        assert '"role":"owner"' in done.stdout
        for line in re.findall(r"^  (curl --cacert .*)$", text, re.M)[:3]:
            done = subprocess.run(["bash", "-c", line + " -s -o /dev/null -w '%{http_code}'"],
                                  cwd=ROOT, env={**environment, "TOKEN": token}, text=True,
                                  capture_output=True, check=False)
            assert done.stdout == "200", (line, done)
    finally:
        process.send_signal(number)
        assert process.wait(30) == 0
        log.close()
    assert [pid for pid in below if alive(pid)] == []
