"""Fixtures of the integration tests: the real server in front of a real Tryton.

`tryton` and `fishplate` live for a whole test session and are shared: a test that stops, breaks or
changes one takes `own_tryton` or `own_fishplate` instead. `connection` is a fresh connection.
"""
# SPDX-License-Identifier: Apache-2.0
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from tests.api.world import connect, credentials_of, new_app  # noqa: E402,F401
from tests.systems.faulty import FaultySource  # noqa: E402
from tests.systems.fishplate import BINARY, Fishplate  # noqa: E402
from tests.systems.tryton import Tryton  # noqa: E402


def pytest_report_header():
    return f"fishplate: {BINARY}"


@pytest.fixture(scope="session")
def tryton(tmp_path_factory):
    with Tryton(tmp_path_factory.mktemp("tryton")) as system:
        yield system


@pytest.fixture
def own_tryton(tmp_path):
    """A Tryton for this test alone: it may be stopped, paused, or get another password."""
    with Tryton(tmp_path / "tryton") as system:
        yield system


@pytest.fixture(scope="session")
def fishplate(tmp_path_factory):
    with Fishplate(tmp_path_factory.mktemp("fishplate")) as server:
        yield server


@pytest.fixture
def own_fishplate(tmp_path):
    """A server for this test alone, made but not started: set `settings`, then `start()`."""
    server = Fishplate(tmp_path / "fishplate")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def app(fishplate):
    """An application and its token."""
    return new_app(fishplate)


@pytest.fixture
def connection(fishplate, app, tryton):
    """A new connection of the shared Tryton, for this test alone."""
    return connect(fishplate, app.token, tryton)


@pytest.fixture(scope="session")
def shared_connection(fishplate, app, tryton):
    """One connection for the tests that only read."""
    return connect(fishplate, app.token, tryton, name="Shared plant")


@pytest.fixture(scope="session")
def faulty(tmp_path_factory):
    with FaultySource(tmp_path_factory.mktemp("faulty")) as source:
        yield source
