"""Applications and connections for tests that need more than the shared ones."""
# SPDX-License-Identifier: Apache-2.0
import secrets
import string
from types import SimpleNamespace

_RANDOM = secrets.SystemRandom()


def new_app(server, name="Tests", environment="test", **options):
    """A new application with its token."""
    created = server.create_app(name, environment, **options)
    return SimpleNamespace(id=created["client_id"], secret=created["client_secret"],
                           token=server.app_token(created))


def new_password():
    """A password that nobody has; no character twice, which Tryton's own rules want."""
    return "".join(_RANDOM.sample(string.ascii_letters + string.digits, 24))


def new_login():
    return "user-" + secrets.token_hex(6)


def credentials_of(tryton, **other):
    """What a customer types to connect this Tryton."""
    return {"url": tryton.url, "database": tryton.database, "username": tryton.user,
            "password": tryton.password, **other}


def connect(server, app_token, system, name="Plant", email="plant@example.com", **credentials):
    """Connects a Tryton; the connection's id and token."""
    answer = server.connect(app_token, credentials_of(system, **credentials), name=name,
                            email=email)
    assert answer.status == 200, answer
    return SimpleNamespace(id=answer.data["key"], token=answer.data["access_token"], answer=answer)


def connections(server, app_token):
    """{id: row} of all that the application sees."""
    return {row["key"]: row for row in server.all_pages("/api/system/connections", app_token)}
