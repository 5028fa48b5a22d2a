"""The commands of `fishplate`: exit codes, JSON, refusals with a next step, the same answers from the
running server and without one."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import pty
import re
import select
import stat
import subprocess

import pytest

from tests.systems.fishplate import ROOT, Fishplate

OK, FAILED, USAGE, NOT_RUNNING, NOT_FOUND = range(5)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with Fishplate(tmp_path_factory.mktemp("cli")) as running:
        yield running


@pytest.fixture
def stopped(tmp_path):
    """A data directory without a server."""
    return Fishplate(tmp_path / "stopped").init()


@pytest.fixture(params=["running", "stopped"])
def either(request, server, stopped):
    return server if request.param == "running" else stopped


def run(server, *arguments, text=None):
    return server.run(*arguments, text=text, check=False)


# ---------------------------------------------------------------- help and wrong use

def test_cli_commands__help_lists_every_command(server):
    alone = run_plain(server)
    listed = run_plain(server, "--help")
    assert alone.returncode == listed.returncode == OK
    assert alone.stdout == listed.stdout
    for command in ("init", "serve", "status", "app create", "app list", "app delete ID",
                    "connection create", "connection list", "connection show ID",
                    "connection delete ID", "token issue", "token list", "token revoke",
                    "connector check", "connector list", "completion", "version"):
        assert f"\n  {command}" in listed.stdout
        words = [word for word in command.split() if word.islower()]
        own = run_plain(server, *words, "--help")
        assert own.returncode == OK
        assert own.stdout.startswith(f"usage: fishplate {' '.join(words)}")
        assert "--json" in own.stdout
        assert run_plain(server, "help", *words).stdout == own.stdout


def test_cli_commands__manual_page_has_all(server):
    page = (ROOT / "docs" / "fishplate.1").read_text().replace("\\-", "-")
    words = set(re.findall(r"^  ([a-z]+(?: [a-z]+)?)", run_plain(server).stdout, re.M))
    assert len(words) > 15
    for command in words - {"completion bash"} | {"completion"}:
        assert re.search(rf"^\.(B|BI|BR) \"?{command}\b", page, re.M), command
        for option in re.findall(r"^  (--[a-z-]+)", run_plain(
                server, *command.split(), "--help").stdout, re.M):
            assert option in page, (command, option)
    rendered = subprocess.run(["man", "-l", "--warnings", str(ROOT / "docs" / "fishplate.1")],
                              capture_output=True, text=True, check=False)
    assert rendered.returncode != 0 or rendered.stderr == ""


def run_plain(server, *arguments):
    return server.run(*arguments, config=False, check=False)


@pytest.mark.parametrize("arguments, text", [
    (["serv"], 'Did you mean "serve"?'),
    (["frobnicate"], 'no command "frobnicate".'),
    (["app", "lsit"], 'Did you mean "list"?'),
    (["app"], '"app" needs a word more'),
    (["app", "list", "--jsno"], 'Did you mean "json"?'),
    (["app", "list", "extra"], "one word too many"),
    (["app", "create"], "--name NAME is missing"),
    (["app", "create", "--name"], "--name needs a value"),
    (["app", "create", "--name="], "--name NAME is missing"),
    (["app", "list", "--json=yes"], "--json takes no value"),
    (["app", "list", "-x"], 'no option "-x"'),
    (["connection", "show"], "ID is missing"),
    (["token", "issue", "con_x", "--expires-in", "soon"], "number of seconds"),
    (["completion", "tcsh"], "bash, zsh or fish"),
    (["help", "nonsense"], 'no command "nonsense"'),
])
def test_cli_commands__wrong_use(server, arguments, text):
    done = run_plain(server, *arguments)
    assert done.returncode == USAGE
    assert text in done.stderr
    assert done.stdout == ""


def test_cli_commands__version(server):
    text = run_plain(server, "version").stdout
    assert re.fullmatch(r"fishplate \d+\.\d+\.\d+\n", text)
    assert run_plain(server, "--version").stdout == text
    assert json.loads(run_plain(server, "version", "--json").stdout)["version"] in text


def test_cli_commands__output_that_cannot_be_written(server):
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(server.binary), "--help"], stdout=full, stderr=subprocess.PIPE,
                              check=False)
    assert done.returncode in (OK, FAILED)
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(server.binary), "connector", "list"], stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == FAILED
    assert "could not be written" in done.stderr


# ---------------------------------------------------------------- applications and tokens

def test_cli_commands__application_from_birth_to_end(either):
    created = either.command("app", "create", "--name", "Plänner \"1\"", "--environment", "test",
                             "--networks", "10.0.0.0/8")
    assert created["client_id"] == created["id"]
    assert created["name"] == 'Plänner "1"'
    rows = either.command("app", "list")
    row = next(row for row in rows if row["id"] == created["id"])
    assert row["environment"] == "test" and row["networks"] == "10.0.0.0/8"
    assert "client_secret" not in row
    table = either.run("app", "list").stdout.splitlines()
    assert table[0].split()[:2] == ["ID", "NAME"]
    assert any(created["id"] in line for line in table)

    issued = either.command("token", "issue", created["id"], "--expires-in", "600")
    assert issued["access_token"].startswith("fp")
    tokens = either.command("token", "list", created["id"])
    assert issued["id"] in [token["id"] for token in tokens]
    assert issued["access_token"] not in json.dumps(tokens)
    revoked = either.run("token", "revoke", issued["id"], "--yes")
    assert "revoked" in revoked.stdout
    tokens = either.command("token", "list", created["id"])
    assert next(token for token in tokens if token["id"] == issued["id"])["status"] == "revoked"

    kept = either.run("app", "delete", created["id"], "--dry-run")
    assert created["id"] in kept.stdout and "Nothing was changed" in kept.stdout
    assert created["id"] in [row["id"] for row in either.command("app", "list")]
    refused = run(either, "app", "delete", created["id"])
    assert refused.returncode == USAGE and "say --yes" in refused.stderr
    either.run("app", "delete", created["id"], "--yes")
    assert created["id"] not in [row["id"] for row in either.command("app", "list")]


def test_cli_commands__not_found(either):
    nobody = "app_01arz3ndektsv4rrffq69g5fav"
    for arguments in (["app", "delete", nobody, "--yes"], ["app", "delete", nobody, "--dry-run"],
                      ["connection", "show", nobody.replace("app", "con")],
                      ["connection", "delete", nobody.replace("app", "con"), "--yes"],
                      ["token", "revoke", nobody.replace("app", "tok"), "--yes"]):
        done = run(either, *arguments)
        assert done.returncode == NOT_FOUND, (arguments, done.stderr)
        assert "NOT_FOUND" in done.stderr
        told = json.loads(run(either, *arguments, "--json").stderr)
        assert told["code"].endswith("NOT_FOUND") and told["next_step"]


def test_cli_commands__refused_values_name_the_field(either):
    done = run(either, "app", "create", "--name", "x", "--environment", "prod")
    assert done.returncode == FAILED
    assert "environment" in done.stderr
    done = run(either, "app", "create", "--name", "x", "--networks", "nonsense", "--json")
    assert done.returncode == FAILED
    assert json.loads(done.stderr)["errors"]
    done = run(either, "app", "create", "--name", "x" * 5000)
    assert done.returncode in (FAILED, USAGE)
    assert done.stderr


def test_cli_commands__secret_works_and_is_shown_once(server):
    created = server.create_app("Once")
    assert server.app_token(created).startswith("fp")
    text = server.run("app", "create", "--name", "Text").stdout
    assert re.search(r"client_secret +fp\w+", text) and "this once" in text
    log = server.log_text()
    assert created["client_secret"] not in log


def test_cli_commands__status(server, stopped):
    assert server.command("status")["running"] is True
    done = run(stopped, "status", "--json")
    assert done.returncode == NOT_RUNNING
    assert json.loads(done.stdout)["running"] is False


# ---------------------------------------------------------------- connections

def test_cli_commands__connection_needs_a_server(stopped):
    app = stopped.create_app()
    done = run(stopped, "connection", "create", "--app", app["id"], "--name", "Plant", "--email",
               "a@example.com", "--platform", "tryton", "--credentials", "-",
               text='{"url":"http://127.0.0.1:1"}')
    assert done.returncode == NOT_RUNNING
    assert "fishplate serve" in done.stderr


def test_cli_commands__credentials_stay_out_of_sight(server, tmp_path):
    app = server.create_app()
    common = ["connection", "create", "--app", app["id"], "--name", "Plant", "--email",
              "a@example.com", "--platform", "tryton"]
    path = tmp_path / "credentials.json"
    path.write_text('{"password":"canary"}')
    path.chmod(0o644)
    done = run(server, *common, "--credentials", path)
    assert done.returncode == USAGE and "chmod 600" in done.stderr
    path.chmod(0o600)
    done = run(server, *common, "--credentials", path)
    assert done.returncode == FAILED  # url is missing, and so on
    assert "canary" not in done.stderr + done.stdout
    done = run(server, *common, "--credentials", tmp_path / "nothing")
    assert done.returncode == USAGE
    for text in ("", "[1]", "{", '{"a":' * 100 + "1" + "}" * 100, '"x"'):
        done = run(server, *common, "--credentials", "-", text=text)
        assert done.returncode == USAGE and "no JSON object" in done.stderr
    done = run(server, *common, "--credentials", "-", text='{"a":"' + "x" * 40000 + '"}')
    assert done.returncode == USAGE


def test_cli_commands__connect_a_system(server, tryton):
    app = server.create_app("Connected")
    credentials = {"url": tryton.url, "database": tryton.database, "username": tryton.user,
                   "password": tryton.password}
    made = server.command("connection", "create", "--app", app["id"], "--name", "Plant", "--email",
                          "a@example.com", "--platform", "tryton", "--credentials", "-",
                          text=json.dumps(credentials))
    token, key = made["access_token"], made.get("key") or made.get("id")
    assert server.get("/api/erp/companies", token).status == 200
    rows = server.command("connection", "list", "--app", app["id"])
    assert [row["key"] for row in rows] == [key]
    shown = server.command("connection", "show", key)
    assert shown["status"] == "active" and shown["client_id"] == app["id"]
    assert tryton.password not in json.dumps(shown)
    text = server.run("connection", "show", key).stdout
    assert "active" in text and "tryton" in text
    assert key in server.run("connection", "list").stdout
    second = server.command("token", "issue", key)
    assert server.get("/api/erp/companies", second["access_token"]).status == 200
    server.run("token", "revoke", second["id"], "--yes")
    assert server.get("/api/erp/companies", second["access_token"]).code == "TOKEN_REVOKED"
    kept = server.run("connection", "delete", key, "--dry-run")
    assert "Nothing was changed" in kept.stdout
    assert server.get("/api/erp/companies", token).status == 200
    server.run("connection", "delete", key, "--yes")
    assert server.get("/api/erp/companies", token).code == "CONNECTION_DISCONNECTED"

    wrong = run(server, "connection", "create", "--app", app["id"], "--name", "Other", "--email",
                "a@example.com", "--platform", "tryton", "--credentials", "-",
                text=json.dumps({**credentials, "password": "wrong"}))
    assert wrong.returncode == FAILED and "CREDENTIALS_REJECTED" in wrong.stderr
    assert wrong.stdout == ""


def at_terminal(server, arguments, answers):
    """Runs a command at a terminal of its own; what was shown, and the exit code. answers: what to
    type at each prompt that ends with a colon and a blank."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(server.binary, [str(server.binary), *map(str, arguments), "--config",
                                  str(server.config)], server.environment)
    shown = b""
    while True:
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, shown
        try:
            data = os.read(terminal, 4096)
        except OSError:
            break
        if not data:
            break
        shown += data
        if shown.endswith(b": ") and answers:
            os.write(terminal, answers.pop(0).encode() + b"\n")
    return shown.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_cli_commands__asks_at_the_terminal(server):
    app = server.create_app("Asked")
    shown, code = at_terminal(server, ["app", "delete", app["id"]], ["no"])
    assert code == USAGE and "Nothing was changed" in shown
    shown, code = at_terminal(server, ["app", "delete", app["id"]], ["delete"])
    assert code == OK and "is deleted" in shown


def test_cli_commands__asks_for_credentials_without_showing_them(server, tryton):
    app = server.create_app("Typed")
    shown, code = at_terminal(
        server, ["connection", "create", "--app", app["id"], "--name", "Typed", "--email",
                 "t@example.com", "--platform", "tryton"],
        [tryton.url, tryton.database, tryton.user, tryton.password])
    assert code == OK, shown
    assert tryton.url in shown
    assert tryton.password not in shown


# ---------------------------------------------------------------- connectors, completion

def test_cli_commands__connectors(server, tmp_path):
    rows = json.loads(run_plain(server, "connector", "list", "--json").stdout)
    assert [row for row in rows if row["key"] == "tryton"][0]["proof"] == "real"
    assert "tryton" in run_plain(server, "connector", "list").stdout
    good = run_plain(server, "connector", "check", "connectors/tryton.yaml")
    assert good.returncode == OK and "good" in good.stdout
    bad = tmp_path / "bad.yaml"
    bad.write_text("platform: x\nnonsense: 1\n")
    done = run_plain(server, "connector", "check", bad)
    assert done.returncode == FAILED
    assert re.match(rf"{re.escape(str(bad))}:\d+:\d+: ", done.stderr)
    assert run_plain(server, "connector", "check", tmp_path / "none").returncode == NOT_FOUND


def test_cli_commands__bash_completion(server, tmp_path):
    script = tmp_path / "completion.bash"
    script.write_text(run_plain(server, "completion", "bash").stdout)

    def complete(*words):
        lines = " ".join(f"'{word}'" for word in words)
        done = subprocess.run(
            ["bash", "-c", f"source {script}; COMP_WORDS=({lines}); COMP_CWORD={len(words) - 1}; "
                           "_fishplate; printf '%s\\n' \"${COMPREPLY[@]}\""],
            capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert complete("fishplate", "co") == ["connection", "connector", "completion"]
    assert complete("fishplate", "app", "") == ["create", "update", "list", "delete"]
    assert complete("fishplate", "app", "create", "--e") == ["--environment"]
    assert complete("fishplate", "app", "create", "--environment", "l") == ["live"]
    assert complete("fishplate", "serve", "--c") == ["--check-config", "--config"] or \
        "--check-config" in complete("fishplate", "serve", "--c")
    assert "zsh" in complete("fishplate", "completion", "")
    for shell in ("zsh", "fish"):
        text = run_plain(server, "completion", shell).stdout
        assert "connection" in text and "dry-run" in text


# ---------------------------------------------------------------- init

def test_cli_commands__init_makes_everything(tmp_path):
    server = Fishplate(tmp_path / "new")
    done = server.run("init", "--dir", server.directory, "--json", config=False)
    assert json.loads(done.stdout)["directory"] == str(server.directory)
    mode = {path: stat.S_IMODE((server.directory / path).stat().st_mode)
            for path in ("master.key", "tls/key.pem", "tls/cert.pem", "data", "data/store.db")}
    assert mode["master.key"] == mode["tls/key.pem"] == 0o600
    assert mode["data"] == 0o700
    assert mode["data/store.db"] & 0o077 == 0
    text = subprocess.run(["openssl", "x509", "-in", server.directory / "tls/cert.pem", "-noout",
                           "-text"], capture_output=True, text=True, check=True).stdout
    assert "DNS:localhost" in text and "IP Address:127.0.0.1" in text
    assert "prime256v1" in text and "TLS Web Server Authentication" in text
    again = server.run("init", "--dir", server.directory, config=False, check=False)
    assert again.returncode == FAILED and "--force" in again.stderr
    key = (server.directory / "master.key").read_bytes()
    certificate = (server.directory / "tls/cert.pem").read_bytes()
    server.run("app", "create", "--name", "Kept")
    server.run("init", "--dir", server.directory, "--force", config=False)
    assert (server.directory / "master.key").read_bytes() == key
    assert (server.directory / "tls/cert.pem").read_bytes() != certificate
    assert [row["name"] for row in server.command("app", "list")] == ["Kept"]


def test_cli_commands__init_never_replaces_a_lost_key(tmp_path):
    server = Fishplate(tmp_path / "lost").init()
    (server.directory / "master.key").rename(tmp_path / "elsewhere")
    done = server.run("init", "--dir", server.directory, "--force", config=False, check=False)
    assert done.returncode == USAGE and "put the key back" in done.stderr
    assert not (server.directory / "master.key").exists()


def test_cli_commands__init_where_it_may_not(tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    server = Fishplate(tmp_path / "x")
    done = server.run("init", "--dir", file, config=False, check=False)
    assert done.returncode == FAILED and done.stderr
    done = server.run("init", "--dir", tmp_path / "no" / "such", config=False, check=False)
    assert done.returncode == FAILED and "cannot be made" in done.stderr


def test_cli_commands__deep_paths_work(tmp_path):
    """A Unix socket's address has 107 bytes; data directories may lie deeper."""
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.parent.mkdir()
    with Fishplate(deep) as server:
        assert server.create_app()["client_id"]
        assert server.command("status")["running"] is True


def test_cli_commands__other_users_give_no_commands(server):
    if os.getuid() != 0:
        pytest.skip("needs root to become somebody else")
    done = subprocess.run(
        ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
         str(server.binary), "app", "list", "--config", str(server.config)],
        env=server.environment, capture_output=True, text=True, check=False)
    assert done.returncode not in (OK,)
    assert done.stdout == ""
