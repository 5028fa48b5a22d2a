"""S23, N12: the matrix of the dashboard's roles: every route of the table against every role, and against
nobody; what the table does not allow is refused before anything is read."""
# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

import pytest

from tests.systems.console import Console, operator_of, owner_of
from tests.systems.fishplate import Fishplate

TABLE = Path(__file__).resolve().parent.parent.parent / "src/auth/console_actions.def"
ROLES = {"O": "owner", "A": "administrator", "S": "support", "U": "auditor"}
ROWS = [(method, path, set(re.findall(r"\b[OASU]\b", roles)), "ANYBODY" in roles, flags)
        for method, path, roles, flags in re.findall(
            r'^CONSOLE_ACTION\(\w+, "(\w+)", "([^"]+)", ([^,]+), ([^,]+),', TABLE.read_text(), re.M)]
# May change or end what the others need: judged last, one by one, by an identifier that is none.
IDENTIFIER = "con_00000000000000000000000000"
REFUSED = {"SESSION_MISSING", "ROLE_FORBIDDEN", "REASON_REQUIRED"}


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    server = Fishplate(tmp_path_factory.mktemp("roles")).use_console().start()
    owner = owner_of(server)
    yield {"owner": owner, "nobody": Console(server),
           **{role: operator_of(server, owner, role) for role in list(ROLES.values())[1:]}}
    server.stop()


def call(person, method, path):
    form = {"role": "king"} if method == "POST" else None
    return person.ask(method, path.replace("{id}", IDENTIFIER), form)


def test_the_table_is_read_whole():
    assert len(ROWS) == TABLE.read_text().count("\nCONSOLE_ACTION(") >= 30


@pytest.mark.parametrize("method,path,roles,open_to_all,flags", ROWS,
                         ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_each_route_for_each_role(people, method, path, roles, open_to_all, flags):
    if (method, path) == ("DELETE", "/session"):
        assert people["nobody"].ask(method, path).code == "SESSION_MISSING"
        return
    nobody = call(people["nobody"], method, path)
    if open_to_all:
        assert nobody.code not in ("SESSION_MISSING", "ROLE_FORBIDDEN")
        return
    assert (nobody.status, nobody.code) == (401, "SESSION_MISSING")
    for letter, role in ROLES.items():
        answer = call(people[role], method, path)
        if letter not in roles:
            assert (answer.status, answer.code) == (403, "ROLE_FORBIDDEN"), role
        elif letter == "S" and "REASON" in flags:
            assert (answer.status, answer.code) == (422, "REASON_REQUIRED")
            people[role].reason = "Ticket 1"
            assert call(people[role], method, path).code not in REFUSED
            people[role].reason = None
        else:
            assert answer.code not in REFUSED, (role, answer)


def test_unknown_paths_and_methods_are_refused(people):
    owner = people["owner"]
    assert owner.get("/nothing").code == "ROUTE_UNKNOWN"
    assert owner.ask("DELETE", "/connections").code == "METHOD_NOT_ALLOWED"
    assert owner.ask("DELETE", "/connections").header("Allow") == "GET, HEAD"
    assert owner.get("/connections/").code == "ROUTE_UNKNOWN"
    assert owner.get("/connections", sort="no such").code == "PARAMETER_INVALID"
    assert owner.get("/connections", state="no such").code == "PARAMETER_INVALID"
    assert owner.get("/connections", page="0").code == "PARAMETER_INVALID"
    assert owner.get("/connections", q="%_\\' OR 1=1 --").data == []
    assert owner.get("/connections", q=IDENTIFIER).data == []
    page = owner.raw("GET", "/", own=False)
    assert page.status == 200 and "script-src 'self'" in page.header("Content-Security-Policy")
    again = owner.raw("GET", "/", own=False, headers={"If-None-Match": page.header("ETag")})
    assert again.status == 304
    assert owner.raw("GET", "/../etc/passwd", own=False).status == 404
