"""S20: the dashboard in a real Chromium: each page on a desktop and a phone, light and dark, without
a violation found by axe; the first owner comes in by the link that init printed. S13: which customers
need to reconnect, and why a request failed, in three clicks. N12: support says why."""
# SPDX-License-Identifier: Apache-2.0
import re

import pytest

from tests.api.world import connect, new_app, new_login, new_password
from tests.systems.console import OWNER, PASSWORD, Console, records
from tests.systems.fishplate import SLOW, Fishplate
from tests.web.test_connect_page import check_axe

MARK = "<img src=x onerror=alert(1)>Werk & \"Nord\""


@pytest.fixture(scope="module")
def world(tmp_path_factory, tryton):
    """A server with a dashboard, two applications and connections, one of which the source rejects."""
    server = Fishplate(tmp_path_factory.mktemp("dashboard")).use_console().start()
    app = new_app(server, "Wartungsplaner")
    new_app(server, "Lagerportal", "live")
    for number, name in enumerate([MARK, "Stahlwerk Süd"]):
        connect(server, app.token, tryton, name=name, email=f"kunde{number}@example.com")
    login, password = new_login(), new_password()
    tryton.create_full_user(login, password)
    own = connect(server, app.token, tryton, name="Papierfabrik Weber", email="weber@example.com",
                  username=login, password=password)
    assert server.get("/api/erp/vendors", own.token, timeout=90).status == 200
    tryton.change_password(new_password(), login=login)
    tryton.end_sessions()
    server.failed = server.get("/api/erp/vendors", own.token, timeout=90)
    assert server.failed.code == "CREDENTIALS_REJECTED", server.failed
    server.rejected = own.id
    yield server
    server.stop()


@pytest.fixture(scope="module")
def signed_in(world, chromium):
    """The state of a browser whose owner came in by the one-time link."""
    context = chromium.new_context(ignore_https_errors=True, locale="en-GB")
    page = context.new_page()
    page.goto(world.invitation)
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


@pytest.fixture
def see(open_page, world, signed_in):
    """see(path, heading): that page, loaded, in the owner's browser."""
    def go(path, heading, **options):
        options = {"storage_state": signed_in, "width": 1280, "height": 860, **options}
        page = open_page(f"{world.console_url}/#/{path}", **options)
        page.on("dialog", lambda dialog: page.errors.append(f"a script ran: {dialog.message}"))
        page.get_by_role("heading", name=heading, level=1).wait_for()
        loaded(page)
        return page
    return go


def loaded(page):
    page.locator(".page-body:not([aria-busy]) > *").first.wait_for()


def rows(page, count):
    from playwright.sync_api import expect

    expect(page.locator("tbody tr")).to_have_count(count, timeout=20000 * SLOW)


PAGES = [("", "Overview"), ("connections", "Connections"), ("customers", "Customers"),
         ("applications", "Applications"), ("requests", "Requests"), ("audit", "Audit log"),
         ("keys", "Keys"), ("platforms", "Platforms"), ("operators", "Operators"),
         ("system", "System"), ("account", "Your account")]


@pytest.mark.parametrize("path,heading", PAGES, ids=[name or "overview" for name, _ in PAGES])
def test_each_page_in_both_themes_and_widths(see, shot, path, heading):
    page = see(path, heading)
    name = path or "overview"
    shot(page, f"dashboard-{name}-desktop")
    check_axe(page)
    page.emulate_media(color_scheme="dark")
    shot(page, f"dashboard-{name}-desktop-dark")
    page.set_viewport_size({"width": 390, "height": 844})
    shot(page, f"dashboard-{name}-phone-dark")
    check_axe(page)
    page.emulate_media(color_scheme="light")
    shot(page, f"dashboard-{name}-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it scrolls sideways"


def test_what_needs_attention_has_its_link(world, see, shot):
    page = see("", "Overview")
    item = page.locator(".attention")
    assert item.count() == 1 and "Papierfabrik Weber" in item.text_content()
    assert "Requires reauthorization" in item.text_content()
    item.get_by_role("button", name="Link to reconnect").click()
    page.get_by_role("heading", name="A link to connect it anew").wait_for()
    assert re.search(r"https://\S+/connect/fplink_\w+", page.locator("dialog code").text_content())
    shot(page, "dashboard-link-desktop")
    check_axe(page)
    page.get_by_role("button", name="Done").click()
    item.get_by_role("link", name="Papierfabrik Weber").click()
    page.get_by_role("heading", name="Papierfabrik Weber", level=1).wait_for()
    loaded(page)
    assert page.locator(".advice.bad").count() == 1
    assert page.get_by_text("credential.rejected").count() == 1
    shot(page, "dashboard-connection-desktop")
    check_axe(page)
    page.set_viewport_size({"width": 390, "height": 844})
    shot(page, "dashboard-connection-phone")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_why_a_request_failed(world, see, shot):
    page = see("requests", "Requests")
    page.get_by_label("Request id").fill(world.failed.request_id)
    page.get_by_role("button", name="Show").click()
    page.get_by_role("heading", name="What happened").wait_for()
    loaded(page)
    text = page.locator("main").text_content()
    assert page.locator(".advice.bad").count() == 1
    assert "CREDENTIALS_REJECTED" in text and "credential.use" in text
    shot(page, "dashboard-request-desktop")
    check_axe(page)


def test_lists_search_sort_and_stand_in_the_address(world, see, open_page, signed_in):
    page = see("connections", "Connections")
    rows(page, 3)
    page.keyboard.press("/")
    page.keyboard.type("stahl")
    rows(page, 1)
    assert page.evaluate("document.activeElement.id") == "search"
    assert "q=stahl" in page.url
    page.get_by_label("Name, e-mail").fill("")
    page.get_by_label("State", exact=True).select_option("requires_reauthorization")
    page.get_by_role("link", name="Papierfabrik Weber").wait_for()
    rows(page, 1)
    shared = open_page(page.url, storage_state=signed_in)
    shared.get_by_role("link", name="Papierfabrik Weber").wait_for()
    rows(shared, 1)
    page.get_by_label("State", exact=True).select_option("")
    page.get_by_role("button", name="Connection", exact=False).first.click()
    page.locator("[aria-sort=ascending]").wait_for()
    rows(page, 3)
    names = page.locator("tbody th .named .strong").all_text_contents()
    assert names == [MARK, "Papierfabrik Weber", "Stahlwerk Süd"]  # as text, whatever stands in it
    page.get_by_label("Name, e-mail").fill("no such thing")
    page.get_by_text("No connection fits").wait_for()
    check_axe(page)


def test_the_keyboard_alone_reaches_a_page_on_a_phone(see):
    page = see("", "Overview", width=390, height=844)
    page.keyboard.press("Tab")
    page.get_by_role("button", name="Menu").focus()
    page.keyboard.press("Enter")
    assert page.get_by_role("button", name="Menu").get_attribute("aria-expanded") == "true"
    check_axe(page)
    page.get_by_role("navigation", name="Pages of the dashboard").get_by_role(
        "link", name="Customers").focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Customers", level=1).wait_for()
    page.locator("h1:focus").wait_for()
    page.get_by_role("button", name="Menu").click()
    page.keyboard.press("Escape")
    assert page.get_by_role("button", name="Menu").get_attribute("aria-expanded") == "false"


def test_secrets_ask_for_the_password_again_and_are_shown_once(world, see, shot):
    page = see("applications", "Applications")
    page.route("**/api/session/confirm", lambda route: route.continue_())
    page.get_by_role("button", name="Register").click()
    page.get_by_label("Name", exact=True).fill("Neue Anwendung")
    page.get_by_role("dialog").get_by_role("button", name="Register").click()
    page.get_by_role("heading", name="The application is registered").wait_for()
    secret = page.locator("dialog code").nth(1).text_content()
    assert secret.startswith("fps_")
    shot(page, "dashboard-secret-desktop")
    check_axe(page)
    page.get_by_role("button", name="Done").click()
    page.get_by_role("link", name="Neue Anwendung").click()
    page.get_by_role("heading", name="Secrets and tokens").wait_for()
    loaded(page)
    assert secret not in page.content()
    page.get_by_role("button", name="Rotate").first.wait_for()
    check_axe(page)


def test_support_sees_less_and_says_why(world, see, open_page, shot):
    page = see("operators", "Operators")
    page.get_by_role("button", name="Invite").click()
    page.get_by_label("E-mail address").fill("sam@example.com")
    page.get_by_label("Role").select_option("support")
    shot(page, "dashboard-invite-desktop")
    page.get_by_role("button", name="Make the link").click()
    page.get_by_role("heading", name="A one-time link").wait_for()
    link = page.locator("dialog code").text_content()
    other = open_page(link)
    other.get_by_role("heading", name="Welcome to Fishplate").wait_for()
    assert other.get_by_label("E-mail address").input_value() == "sam@example.com"
    shot(other, "dashboard-welcome-desktop")
    other.get_by_label("Your name").fill("Sam")
    other.get_by_label("New password").fill(PASSWORD)
    other.get_by_role("button", name="Create account").click()
    other.get_by_role("heading", name="Overview").wait_for()
    names = other.locator(".nav a").all_text_contents()
    assert "Audit log" not in names and "Operators" not in names and "Connections" in names
    other.get_by_role("link", name="Connections", exact=True).click()
    other.get_by_role("heading", name="Why do you look at this?").wait_for()
    shot(other, "dashboard-reason-desktop")
    check_axe(other)
    other.get_by_label("Reason").fill("Ticket 4711, Weber ruft an")
    other.get_by_role("button", name="Go on").click()
    other.locator("tbody tr").first.wait_for()
    row = records(world, action="connection.view")[-1]
    assert row["detail"]["reason"] == "Ticket 4711, Weber ruft an"


def test_signing_in_and_out_and_a_session_that_ended(world, open_page, shot):
    page = open_page(f"{world.console_url}/#/customers")
    page.get_by_role("heading", name="Sign in").wait_for()
    check_axe(page)
    shot(page, "dashboard-signin-desktop")
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(color_scheme="dark")
    shot(page, "dashboard-signin-phone-dark")
    page.get_by_label("E-mail address").fill(OWNER)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("alert").wait_for()
    assert "E-mail address, password or code is wrong." in page.get_by_role("alert").text_content()
    check_axe(page)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Customers", level=1).wait_for()  # where it was going
    loaded(page)
    cookie = next(c for c in page.context.cookies() if c["name"] == "__Host-fishplate")
    assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Strict"
    assert Console(world, cookie["value"]).ask("DELETE", "/session").status == 200
    page.goto(f"{world.console_url}/#/connections")
    page.get_by_text("Your session has ended").wait_for()
    check_axe(page)
