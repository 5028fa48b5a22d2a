"""The generated documentation is what the sources say now."""
# SPDX-License-Identifier: Apache-2.0
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_generated_pages_are_fresh():
    done = subprocess.run([sys.executable, str(ROOT / "tools/gen_docs.py"), "--check"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_error_and_limit_has_its_row():
    for source, macro, page in (("errors.def", "FP_ERROR", "errors.md"),
                                ("limits.def", "FP_LIMIT", "limits.md")):
        names = re.findall(rf"^{macro}\((\w+),", (ROOT / "src/base" / source).read_text(), re.M)
        text = (ROOT / "docs" / page).read_text()
        assert len(names) > 40
        assert [name for name in names if text.count(f"| `{name}` |") != 1] == []


def test_every_entity_and_field_has_words():
    for path in (ROOT / "schema/entities").glob("*.json"):
        entity = json.loads(path.read_text())
        wordless = [field["name"] for field in entity["fields"] if not field.get("description")]
        assert entity["description"] and wordless == [], path.name
