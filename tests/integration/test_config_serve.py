"""fishplate serve --check-config, and what stops a start (security.md, threat 15)."""
# SPDX-License-Identifier: Apache-2.0
import os

import pytest

from tests.systems.fishplate import Fishplate

USAGE = 2


@pytest.fixture
def made(tmp_path):
    return Fishplate(tmp_path / "made").init()


def check(server, *more):
    return server.run("serve", "--check-config", *more, check=False)


def test_config_serve__good(made):
    done = check(made)
    assert (done.returncode, done.stdout) == (0, "OK\n")
    assert check(made, "--json").stdout == '{"ok":true}\n'


def test_config_serve__names_file_line_and_column(made):
    lines = made.config.read_text().splitlines()
    made.config.write_text("\n".join([*lines, "log:", "  level: loud"]) + "\n")
    done = check(made)
    assert done.returncode == USAGE
    # either the same section twice, or the value: both have a position
    assert f"{made.config}:{len(lines) + 1}:" in done.stderr or \
        f"{made.config}:{len(lines) + 2}:" in done.stderr
    made.config.write_text("api:\n  listen: 127.0.0.1:1\n  lissten: x\n")
    assert f"{made.config}:3:3: api.lissten:" in check(made).stderr
    assert made.run("serve", check=False).returncode == USAGE


@pytest.mark.parametrize("name, value, reason", [
    ("api.plain_listen", "0.0.0.0:8080", "without TLS"),
    ("metrics.listen", "0.0.0.0:9464", "without TLS"),
    ("public_url", "http://api.example.com", "use https"),
    ("api.body_limit", "1GiB", "is no size"),
    ("api.timeouts.header", "0", "out of range"),
    ("log.level", "loud", "is no debug"),
    ("no.such.key", "1", "stands for no key"),
])
def test_config_serve__bad_settings(made, name, value, reason):
    made.settings[name] = value
    done = check(made)
    assert done.returncode == USAGE
    assert reason in done.stderr


@pytest.mark.parametrize("path", ["master.key", "tls/key.pem"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_config_serve__open_key_stops_the_start(made, path, mode):
    (made.directory / path).chmod(mode)
    for done in (check(made), made.run("serve", check=False)):
        assert done.returncode == USAGE
        assert "chmod 600" in done.stderr and path in done.stderr


@pytest.mark.parametrize("path", ["master.key", "tls/key.pem", "tls/cert.pem", "data"])
def test_config_serve__missing_file(made, path):
    (made.directory / path).rename(made.directory / "away")
    done = check(made)
    assert done.returncode == USAGE and path in done.stderr


def test_config_serve__no_configuration(made, tmp_path):
    done = made.run("serve", "--check-config", "--config", tmp_path / "none.yaml", config=False,
                    check=False)
    assert done.returncode == USAGE and "cannot be opened" in done.stderr


def test_config_serve__hardening_that_is_missing(made):
    """With uid_base 0 the rooms have no users of their own: not hardened."""
    made.settings.update({"rooms.uid_base": "0", "rooms.require_hardening": "true"})
    if os.getuid() == 0:
        os.system(f"chown -R 0:0 '{made.directory}/data'")
    done = made.run("serve", check=False)
    assert done.returncode == 1
    assert "rooms.require_hardening" in done.stderr
    assert '"own_user":false' in done.stderr


def test_config_serve__hardening_that_is_there(made):
    if os.getuid() != 0:
        pytest.skip("own users need root")
    made.settings["rooms.require_hardening"] = "true"
    with made:
        assert made.probe("/readyz").status == 200


def test_config_serve__data_of_another_user(made):
    if os.getuid() != 0:
        pytest.skip("needs root to give files away")
    os.chown(made.directory / "data", 12345, 12345)
    done = made.run("serve", check=False)
    assert done.returncode != 0
    assert "chown -R 60902:60902" in done.stderr
