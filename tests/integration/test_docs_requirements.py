"""docs/requirements.md: each row once, each test that it names is there and carries the number,
and a row that is not there yet claims no test."""
# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
ROWS = [*(f"S{n}" for n in range(1, 25)), "M1", "M2", *(f"N{n}" for n in range(1, 18))]


def table():
    found = {}
    for line in (ROOT / "docs/requirements.md").read_text(encoding="utf-8").splitlines():
        match = re.match(r"\| ([SMN]\d+) \| (.*?) \| (.*?)\| (.*?)\|$", line)
        if match:
            assert match.group(1) not in found, f"{match.group(1)} stands twice"
            found[match.group(1)] = [part.strip() for part in match.groups()[1:]]
    return found


TABLE = table()


def test_every_row_is_there():
    assert list(TABLE) == ROWS


def test_the_rows_are_those_that_we_are_judged_by():
    shared = ROOT.parent / "shared" / "requirements.md"
    if not shared.exists():
        pytest.skip("the list of requirements is not beside this checkout")
    assert re.findall(r"^\| ([SMN]\d+) \|", shared.read_text(encoding="utf-8"), re.M) == ROWS


@pytest.mark.parametrize("row", ROWS)
def test_row(row):
    state, tests, command = TABLE[row]
    assert re.match(r"(Yes|In part|Not yet)\b", state), state
    if state.startswith("Not yet"):
        assert tests == command == "", "nothing is there, so nothing can prove it"
        return
    if state.startswith("Yes"):
        assert tests and command
    assert bool(tests) == bool(command)
    for path in re.findall(r"`([^`]+)`", tests):
        file = ROOT / path
        assert file.is_file(), f"{path} is not there"
    if tests:
        assert re.fullmatch(r"`\./dev [a-z]+( [\w./]+)?`", command), command
        named = re.search(r"tests/\S+\.py", command)
        assert not named or (ROOT / named.group().rstrip("`")).is_file()


@pytest.mark.parametrize("row", [row for row in ROWS if TABLE[row][1]])
def test_number_stands_in_a_test(row):
    """In the name of a test or the first lines of one of the named files."""
    marks = re.compile(rf"\b{row}\b|_{row.lower()}_")
    files = [ROOT / path for path in re.findall(r"`([^`]+)`", TABLE[row][1])]
    assert any(marks.search(file.read_text(encoding="utf-8")) for file in files), files
