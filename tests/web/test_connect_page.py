"""S2: the connect page as customers meet it: a real Chromium connects the real Tryton, with a wrong password
first, by mouse and by keyboard alone, in English and German; axe finds no violation."""
# SPDX-License-Identifier: Apache-2.0
import json
import re

import pytest

from tests.api.world import connections, credentials_of

MARK = "<b onmouseover=alert(1)>Plant &amp; Co</b>"


def new_link(fishplate, app, **fields):
    body = {"name": MARK, "email": "plant@example.com", **fields}
    answer = fishplate.post("/api/system/connect-links", app.token, body)
    assert answer.status == 200, answer
    return answer.data["url"]


def check_axe(page):
    from axe_playwright_python.sync_playwright import Axe

    results = Axe().run(page).response
    found = [(v["id"], [n["html"] for n in v["nodes"]]) for v in results["violations"]]
    assert not found, json.dumps(found, indent=1)


def fill(page, credentials):
    for name, value in credentials.items():
        page.locator(f"[name={name}]").fill(value)


def test_connects_tryton_after_a_wrong_password(fishplate, app, tryton, open_page, shot):
    before = set(connections(fishplate, app.token))
    page = open_page(new_link(fishplate, app, return_url="https://app.example.com/done?x=1"))
    page.get_by_role("button", name=re.compile("^Tryton")).wait_for()
    shot(page, "choose-desktop")
    check_axe(page)

    page.get_by_label("Search").fill("nothing like it")
    page.locator(".none").wait_for()
    page.get_by_label("Search").fill("try stock")
    page.get_by_role("button", name="Warehouse").click()
    page.get_by_role("button", name=re.compile("^Tryton")).click()
    assert page.get_by_role("heading", name="Connect Tryton").evaluate(
        "e => e === document.activeElement")
    check_axe(page)

    # nothing filled in: every field says so, the first has the focus, nothing is sent
    page.get_by_role("button", name="Connect", exact=True).click()
    assert page.locator("[aria-invalid=true]").count() == 4
    assert page.locator("[name=url]").evaluate("e => e === document.activeElement")
    page.locator("[name=url]").fill("example")
    assert "https://" in page.locator("#field-url-wrong").text_content()
    check_axe(page)
    shot(page, "form-wrong-desktop")
    assert not [r for r in page.requests if r.url.endswith("/api/send")]

    wrong = "not-the-passw0rd-canary"
    fill(page, credentials_of(tryton, password=wrong))
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("alert").wait_for()
    assert "User name or password refused by Tryton." in page.get_by_role("alert").text_content()
    assert page.locator("[name=password]").evaluate("e => e === document.activeElement")
    assert page.locator("[name=url]").input_value() == tryton.url
    shot(page, "refused-desktop")
    check_axe(page)

    page.locator("[name=password]").fill(tryton.password)
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("heading", name="Connected").wait_for()
    shot(page, "done-desktop")
    check_axe(page)
    back = page.get_by_role("link", name="Back to Tests").get_attribute("href")
    created = set(connections(fishplate, app.token)) - before
    assert len(created) == 1
    identifier = created.pop()
    assert back == f"https://app.example.com/done?x=1&connection={identifier}&status=connected"

    # what went to the gateway was sealed, and it opened no other address
    sent = [request.post_data for request in page.requests if request.url.endswith("/api/send")]
    assert len(sent) == 2
    for secret in (wrong, tryton.password, tryton.user, tryton.url):
        assert not any(secret in text for text in sent)
    row = connections(fishplate, app.token)[identifier]
    assert (row["name"], row["status"]) == (MARK, "active")
    token = fishplate.post(f"/api/system/connections/{identifier}/token", app.token).data["token"]
    assert fishplate.get("/api/erp/purchase-orders", token, timeout=90).status == 200

    # the link is used up
    again = open_page(page.url)
    again.get_by_role("heading", name="This link was used already").wait_for()
    check_axe(again)
    shot(again, "used-desktop")


def test_keyboard_alone_in_german_on_a_phone_in_the_dark(fishplate, app, tryton, open_page, shot):
    page = open_page(new_link(fishplate, app, platforms=["tryton"]), locale="de-DE", width=360,
                     height=740, color_scheme="dark")
    page.get_by_role("heading", name="System verbinden").wait_for()
    page.get_by_role("button", name=re.compile("^Tryton")).wait_for()
    assert page.locator("html").get_attribute("lang") == "de"
    shot(page, "choose-phone-dark-de")
    check_axe(page)
    press = page.keyboard.press

    def tab_to(wanted, most=20):
        for _ in range(most):
            press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", wanted):
                return
        raise AssertionError(f"the keyboard does not reach {wanted}")

    tab_to(".skip")
    tab_to("#search")
    page.keyboard.type("tryton")
    tab_to(".tile")
    press("Enter")
    page.get_by_role("heading", name="Tryton verbinden").wait_for()
    for name, value in credentials_of(tryton).items():
        tab_to(f"[name={name}]")
        page.keyboard.type(value)
    shot(page, "form-phone-dark-de")
    check_axe(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    press("Enter")
    page.get_by_role("heading", name="Verbunden").wait_for()
    shot(page, "done-phone-dark-de")
    check_axe(page)


def test_switch_of_language_keeps_what_was_typed(fishplate, app, tryton, open_page):
    page = open_page(new_link(fishplate, app))
    page.get_by_role("button", name=re.compile("^Tryton")).click()
    page.get_by_label("Database").fill("erp")
    page.get_by_role("button", name="Deutsch").click()
    page.get_by_role("heading", name="Tryton verbinden").wait_for()
    assert page.get_by_label("Datenbank").input_value() == "erp"
    assert page.get_by_text("Adresse des Servers").count() == 1
    page.reload()
    page.get_by_role("heading", name="System verbinden").wait_for()


@pytest.mark.parametrize("address,said", [
    ("http://127.0.0.1:9", "No route to 127.0.0.1:9"),
    ("http://10.9.8.7", "The address 10.9.8.7 is not allowed here"),
])
def test_says_why_a_system_is_not_reached(fishplate, app, tryton, open_page, shot, address, said):
    page = open_page(new_link(fishplate, app))
    page.get_by_role("button", name=re.compile("^Tryton")).click()
    fill(page, credentials_of(tryton, url=address))
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("alert").wait_for()
    assert said in page.get_by_role("alert").text_content()
    check_axe(page)
    shot(page, f"trouble-{address.rsplit('/', 1)[1].replace(':', '-')}")


def test_reconnects_the_named_connection(fishplate, app, tryton, connection_of, open_page, shot):
    old = connection_of("Again")
    page = open_page(new_link(fishplate, app, connection=old.id))
    page.get_by_role("heading", name="Connect Tryton again").wait_for()
    shot(page, "again-desktop")
    check_axe(page)
    fill(page, credentials_of(tryton))
    page.get_by_role("button", name="Connect", exact=True).click()
    page.get_by_role("heading", name="Connected").wait_for()
    answer = fishplate.get("/api/erp/purchase-orders", old.token)
    assert answer.code == "TOKEN_SUPERSEDED", answer
