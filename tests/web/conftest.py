"""Fixtures of the browser tests: Debian's Chromium, driven by Playwright, in front of the real server
and a real Tryton. Screenshots go to tests/artifacts/web."""
# SPDX-License-Identifier: Apache-2.0
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))
sys.path.insert(1, str(ROOT / ".dev" / "web"))

from tests.integration.conftest import (app, fishplate, tryton,  # noqa: E402,F401
                                        pytest_report_header)
from tests.systems.fishplate import SLOW  # noqa: E402

SHOTS = ROOT / "tests" / "artifacts" / "web"


@pytest.fixture(scope="session")
def chromium():
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium")
    assert path, "Debian's package chromium is missing"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """open_page(url, **options): a page in a context of its own that fails the test for anything
    that it asks of another server, and for every error in its console."""
    contexts = []

    def make(url, locale="en-GB", width=1024, height=900, **options):
        context = chromium.new_context(locale=locale, ignore_https_errors=True,
                                       viewport={"width": width, "height": height}, **options)
        page = context.new_page()
        page.set_default_timeout(20000 * SLOW)
        page.requests, page.errors = [], []
        page.on("request", lambda request: page.requests.append(request))
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.on("console", lambda message: page.errors.append(message.text)
                if message.type == "error" and "the server responded with a status of" not in message.text else None)
        contexts.append((context, page, url))
        page.goto(url)
        return page

    yield make
    for context, page, url in contexts:
        origin = url.split("/connect/")[0].split("/#/")[0] + "/"
        others = [request.url for request in page.requests if not request.url.startswith(origin)
                  and not request.url.startswith("https://app.example.com/")]
        errors = page.errors
        context.close()
        assert not others, f"asked of others: {others}"
        assert not errors, errors


@pytest.fixture
def shot(request):
    """shot(page, name): a screenshot of the whole page as an artifact."""
    SHOTS.mkdir(parents=True, exist_ok=True)

    def take(page, name):
        page.screenshot(path=SHOTS / f"{name}.png", full_page=True)

    return take


@pytest.fixture
def connection_of(fishplate, app, tryton):
    """connection_of(name): a connection that exists already."""
    from tests.api.world import connect

    return lambda name: connect(fishplate, app.token, tryton, name=name)
