"""A real Redmine for tests: Debian's package, on a copy of its database, filled by its own code.

Nothing of an installed Redmine is changed: the database is a copy in the test's own directory. Two
plants, one inside of the other, with issues of several states in them.
"""
# SPDX-License-Identifier: Apache-2.0
import contextlib
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.systems.tryton import free_port

ROOT = Path("/usr/share/redmine")
DATABASE = Path("/var/lib/dbconfig-common/sqlite3/redmine/instances/default/redmine_default")
ISSUES = 130  # more than Redmine gives at once
# Times of changes lie 0.4 s apart, so that several fall into one second.
SETUP = """
require 'json'
Setting.rest_api_enabled = '1'
Setting.login_required = '1'
admin = User.find_by(login: 'admin')
admin.must_change_passwd = false
admin.save!
reader = User.new(firstname: 'Rita', lastname: 'Reader', mail: 'rita@example.com', language: 'en')
reader.login = 'rita'
reader.password = reader.password_confirmation = 'r1ta-secret'
reader.save!
User.current = admin
plant = Project.create!(name: 'Plant Nord', identifier: 'plant-nord', description: 'Übersee & Ölwerk')
hall = Project.create!(name: 'Hall 2', identifier: 'hall-2')
hall.set_parent!(plant)
priorities = IssuePriority.all.to_a
(0...%d).each do |n|
  issue = Issue.create!(
    project: n %% 5 == 4 ? hall : plant, tracker: Tracker.first, author: admin,
    subject: format('Pump %%03d leaks', n), description: n %% 7 == 0 ? nil : "Row #{n}\\nLine two: é",
    status_id: 1, priority: priorities[n %% priorities.size], start_date: nil,
    due_date: n %% 3 == 0 ? nil : Date.new(2026, 12, 1 + n %% 28),
    estimated_hours: n %% 4 == 0 ? nil : n / 4.0)
  issue.update_columns(status_id: 1 + n %% 2, updated_on: Time.utc(2026, 3, 1, 8) + n * 0.4)
end
puts 'KEYS ' + {admin: admin.api_key, rita: reader.api_key, sites: [plant.id, hall.id]}.to_json
""" % ISSUES
RENEW = "u = User.find_by(login: 'admin'); u.api_token.destroy; puts 'KEY ' + User.find(u.id).api_key"


class RedmineError(Exception):
    """What Redmine answered instead of a result."""

    def __init__(self, status, body):
        super().__init__(f"HTTP {status}: {body[:300]!r}")
        self.status = status
        self.body = body


def missing():
    """Why there is no Redmine on this machine; empty where there is one."""
    if not (ROOT / "config.ru").exists() or shutil.which("puma") is None:
        return "the packages redmine, redmine-sqlite, ruby-sqlite3 and puma are not installed"
    try:
        with DATABASE.open("rb"):
            return ""
    except OSError as error:
        return f"Redmine's database cannot be read: {error}"


def major():
    """Which Redmine it is: 5 on Debian 12, 6 on Debian 13; 0 where there is none."""
    with contextlib.suppress(OSError):
        text = (ROOT / "lib/redmine/version.rb").read_text(encoding="utf-8")
        return int(re.search(r"MAJOR\s*=\s*(\d+)", text).group(1))
    return 0


class Redmine:
    """One Redmine in a directory of its own, started and filled; `redmine.log` is its log."""

    def __init__(self, directory):
        self.directory = Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.key = None     # of the administrator
        self.reader = None  # of a user without any role
        self.sites = []     # numbers of the plant and of the hall inside of it
        self._process = None

    def _environment(self):
        return {**os.environ, "HOME": str(self.directory), "RAILS_ENV": "production",
                "X_DEBIAN_SITEID": "default", "REDMINE_LANG": "en",
                "DATABASE_URL": f"sqlite3:{self.directory / 'redmine.sqlite3'}"}

    def run_ruby(self, code):
        """Runs code inside of Redmine; what it prints."""
        done = subprocess.run([str(ROOT / "bin" / "rails"), "runner", code], cwd=ROOT, text=True,
                              env=self._environment(), capture_output=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self):
        # by SQLite itself: newer packages keep much of it in a write-ahead log beside the file
        with (contextlib.closing(sqlite3.connect(f"file:{DATABASE}?mode=ro", uri=True)) as kept,
              contextlib.closing(sqlite3.connect(self.directory / "redmine.sqlite3")) as own):
            kept.backup(own)
        line = [x for x in self.run_ruby(SETUP).splitlines() if x.startswith("KEYS ")][0]
        keys = json.loads(line[5:])
        self.key, self.reader, self.sites = keys["admin"], keys["rita"], keys["sites"]
        with (self.directory / "redmine.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["puma", "-t", "1:4", "-w", "0", "-b", f"tcp://127.0.0.1:{self.port}", "config.ru"],
                cwd=ROOT, env=self._environment(), stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError, RedmineError):
                self.get("/users/current.json")
                return
            assert self._process.poll() is None and time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def log(self):
        return (self.directory / "redmine.log").read_text(errors="replace")

    def stop(self):
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_exception):
        self.stop()

    # -- its own API --------------------------------------------------------------------------
    def request(self, method, path, body=None):
        request = urllib.request.Request(
            self.url + path, method=method, data=None if body is None else json.dumps(body).encode(),
            headers={"X-Redmine-API-Key": self.key, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RedmineError(error.code, error.read()) from None
        return json.loads(text) if text.strip() else None

    def get(self, path):
        return self.request("GET", path)

    def post(self, path, body):
        return self.request("POST", path, body)

    def all(self, path, name):
        """Every record of a list, as Redmine pages it."""
        rows = []
        joiner = "&" if "?" in path else "?"
        while True:
            page = self.get(f"{path}{joiner}limit=100&offset={len(rows)}")
            rows += page[name]
            if not page[name] or len(rows) >= page.get("total_count", 0):
                return rows

    def renew_key(self):
        """The administrator's key is another one from now on."""
        self.key = [x for x in self.run_ruby(RENEW).splitlines() if x.startswith("KEY ")][0][4:]
