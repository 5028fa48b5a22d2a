"""No link in the documentation leads nowhere."""
# SPDX-License-Identifier: Apache-2.0
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


def anchors(text):
    """The names under which a page's headings can be linked, as GitHub makes them."""
    found = set()
    for heading in re.findall(r"^#+ (.+)$", text, re.M):
        word = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(word)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        other = (page.parent / path).resolve() if path else page
        if not other.exists():
            broken.append(target)
        elif anchor and other.suffix == ".md" and anchor not in anchors(
                other.read_text(encoding="utf-8")):
            broken.append(target)
    assert broken == []
