"""The Redmine connector through the whole server against a real Redmine: what is read is what Redmine
says by its own API, what is written is there afterwards, and what it refuses is named. M2, M1.

What is expected stands here once more, in Python, so that a mistake in connectors/redmine.yaml shows.
"""
# SPDX-License-Identifier: Apache-2.0
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from tests.systems import redmine as system

pytestmark = pytest.mark.skipif(bool(system.missing()), reason=f"Redmine: {system.missing()}")
# The definition is for 5.0 and says so. 6.0 looks for titles that begin with any of the words, passes
# over instants of changes, and asks for users' states otherwise: docs/connectors.md.
only_of_5 = pytest.mark.skipif(system.major() > 5, reason="the definition is for Redmine 5.0, this is a newer one")


@pytest.fixture(scope="module")
def redmine(tmp_path_factory):
    with system.Redmine(tmp_path_factory.mktemp("redmine")) as server:
        yield server


def connect(fishplate, app, redmine, key=None, **more):
    answer = fishplate.connect(app.token, {"url": redmine.url, "api_key": key or redmine.key, **more},
                               provider="redmine")
    assert answer.status == 200, answer
    return answer.data["access_token"]


@pytest.fixture(scope="module")
def token(fishplate, app, redmine):
    return connect(fishplate, app, redmine)


@pytest.fixture(scope="module")
def issues(redmine):
    return redmine.all("/issues.json?status_id=*&sort=id", "issues")


def same_time(ours, theirs):
    return ours == (None if theirs is None else theirs.replace("Z", ".000Z"))


def midnight(day):
    return None if day is None else f"{day}T00:00:00.000Z"


def keys(rows):
    return [row["key"] for row in rows]


def wanted(issues, fits):
    return [str(issue["id"]) for issue in issues if fits(issue)]


def listed(fishplate, token, query):
    return keys(fishplate.all_pages(f"/api/eam/work-orders?{query}", token))


def test_redmine_connector__work_orders(fishplate, token, issues):
    rows = fishplate.all_pages("/api/eam/work-orders", token)
    assert keys(rows) == wanted(issues, lambda issue: True)
    for row, issue in zip(rows, issues):
        assert row["siteKey"] == str(issue["project"]["id"])
        assert row["title"] == issue["subject"]
        assert row["instructions"] == issue["description"]
        assert (row["statusKey"], row["status"]) == (str(issue["status"]["id"]), issue["status"]["name"])
        assert row["severity"] == issue["priority"]["name"]
        assert row["estimatedTime"] == issue["estimated_hours"]
        assert row["dueAt"] == midnight(issue["due_date"])
        assert same_time(row["updatedAt"], issue["updated_on"])
        assert same_time(row["createdAt"], issue["created_on"])


@pytest.mark.parametrize("per_page", [1, 7, 100, 130, 500])
def test_redmine_connector__paging_is_exact(fishplate, token, issues, per_page):
    """Redmine itself gives 100 at most and says nothing when asked for more."""
    first = fishplate.get(f"/api/eam/work-orders?per_page={per_page}", token)
    total = len(issues)
    assert first.json["meta"]["total"] == total
    assert first.json["meta"]["last_page"] == -(-total // per_page)
    last = fishplate.get(f"/api/eam/work-orders?per_page={per_page}&page={-(-total // per_page)}", token)
    ours = wanted(issues, lambda issue: True)
    assert keys(first.data) == ours[:per_page]
    assert keys(last.data) == ours[(-(-total // per_page) - 1) * per_page:]


@only_of_5
def test_redmine_connector__filters(fishplate, token, issues, redmine):
    plant, hall = redmine.sites
    checks = {
        f"filter[siteKey]={plant}": lambda i: i["project"]["id"] == plant,
        f"filter[siteKey]={hall}": lambda i: i["project"]["id"] == hall,
        "filter[statusKey]=2": lambda i: i["status"]["id"] == 2,
        "filter[title:startsWith]=pump%2000": lambda i: i["subject"].startswith("Pump 00"),
        "filter[title:endsWith]=7%20leaks": lambda i: i["subject"].endswith("7 leaks"),
        "filter[dueAt]=2026-12-05": lambda i: i["due_date"] == "2026-12-05",
        "filter[dueAt:gteq]=2026-12-20": lambda i: (i["due_date"] or "") >= "2026-12-20",
        f"filter[statusKey]=1&filter[siteKey]={hall}&filter[dueAt:lteq]=2026-12-09":
            lambda i: i["status"]["id"] == 1 and i["project"]["id"] == hall
            and i["due_date"] is not None and i["due_date"] <= "2026-12-09",
        "filter[siteKey]=none": lambda i: False,
    }
    for query, fits in checks.items():
        assert listed(fishplate, token, query) == wanted(issues, fits), query


@only_of_5
def test_redmine_connector__changed_since(fishplate, token, issues):
    """None is left out; those of the second before may come too, as the definition says."""
    instant = issues[len(issues) // 2]["updated_on"]
    seconds = sorted({issue["updated_on"] for issue in issues})
    before = seconds[max(0, seconds.index(instant) - 1)]
    for operator, fits in (("gteq", lambda i: i["updated_on"] >= instant),
                           ("gt", lambda i: i["updated_on"] > instant)):
        ours = set(listed(fishplate, token, f"filter[updatedAt:{operator}]={instant}"))
        exact = set(wanted(issues, fits))
        assert exact <= ours and len(ours) < len(issues), operator
        extra = before if operator == "gteq" else instant
        assert ours - exact <= set(wanted(issues, lambda i: i["updated_on"] == extra)), operator


@pytest.mark.parametrize("query, field", [
    ("filter[instructions]=x", "filter[instructions]"),
    ("filter[title:contains]=pump", "filter[title:contains]"),
    ("filter[title:startsWith]=" + quote("a|b"), "filter[title:startsWith]"),
    ("filter[updatedAt:lt]=2027-01-01", "filter[updatedAt:lt]"),
    ("filter[dueAt:gteq]=2026-01-01&filter[dueAt:lteq]=2027-01-01", "filter[dueAt:lteq]"),
    ("filter[statusKey]=1&filter[siteKey]=1&filterMatch=any", "filterMatch"),
    ("sort[statusKey]=1", "sort[statusKey]")])
def test_redmine_connector__what_redmine_cannot_do_is_refused(fishplate, token, query, field):
    answer = fishplate.get(f"/api/eam/work-orders?{query}", token)
    assert answer.status == 422, answer
    assert list(answer.json["errors"]) == [field]


def test_redmine_connector__sort(fishplate, token, issues):
    ours = listed(fishplate, token, "sort[title]=1")
    assert ours == [str(i["id"]) for i in sorted(issues, key=lambda i: i["subject"], reverse=True)]
    ours = listed(fishplate, token, "sort[key]=1")
    assert ours == [str(i["id"]) for i in sorted(issues, key=lambda i: i["id"], reverse=True)]


@only_of_5
def test_redmine_connector__other_lists(fishplate, token, redmine):
    projects = redmine.all("/projects.json", "projects")
    sites = {row["key"]: row for row in fishplate.all_pages("/api/eam/sites", token)}
    assert set(sites) == {str(project["id"]) for project in projects}
    for project in projects:
        assert sites[str(project["id"])]["name"] == project["name"]
        assert sites[str(project["id"])]["code"] == project["identifier"]
    users = redmine.all("/users.json?status=", "users")
    for resource in ("users", "labors"):
        rows = {row["key"]: row["name"] for row in fishplate.all_pages(f"/api/eam/{resource}", token)}
        assert rows == {str(u["id"]): f"{u['firstname']} {u['lastname']}" for u in users}
    statuses = redmine.get("/issue_statuses.json")["issue_statuses"]
    rows = fishplate.all_pages("/api/eam/statuses/work-orders", token)
    assert [(r["key"], r["name"]) for r in rows] == [(str(s["id"]), s["name"]) for s in statuses]


def test_redmine_connector__by_key(fishplate, token, issues):
    issue = issues[17]
    for resource in ("work-orders", "service-requests"):
        answer = fishplate.get(f"/api/eam/{resource}/{issue['id']}", token)
        assert answer.status == 200 and answer.data["title"] == issue["subject"], answer
        for wrong in ("999999", "abc", "..", "1%2F..%2F2"):
            assert fishplate.get(f"/api/eam/{resource}/{wrong}", token).status in (400, 404), wrong


def test_redmine_connector__trackers_divide(fishplate, app, redmine, issues):
    own = connect(fishplate, app, redmine, request_tracker="3", work_tracker="1")
    assert fishplate.all_pages("/api/eam/service-requests", own) == []
    assert len(fishplate.all_pages("/api/eam/work-orders", own)) == len(issues)


def written(fishplate, app, redmine):
    """A connection and a site for tests that write: the other tests' issues stay as they are."""
    site = redmine.post("/projects.json", {"project": {
        "name": "Writing", "identifier": f"writing-{len(redmine.all('/projects.json', 'projects'))}"}})
    return SimpleNamespace(token=connect(fishplate, app, redmine), site=str(site["project"]["id"]))


def test_redmine_connector__writes(fishplate, app, redmine):
    at = written(fishplate, app, redmine)
    made = fishplate.post("/api/eam/work-orders", at.token, {
        "siteKey": at.site, "title": "Ölpumpe \"3\"", "instructions": "a\nb", "estimatedTime": 2.5,
        "dueAt": "2030-01-31"})
    assert made.status == 200, made
    issue = redmine.get(f"/issues/{made.data['key']}.json")["issue"]
    assert (issue["subject"], issue["description"]) == ("Ölpumpe \"3\"", "a\r\nb")
    assert (issue["estimated_hours"], issue["due_date"]) == (2.5, "2030-01-31")
    assert str(issue["project"]["id"]) == at.site
    changed = fishplate.request("PUT", f"/api/eam/work-orders/{issue['id']}", at.token,
                                {"dueAt": None, "title": "Other"})
    assert changed.status == 200 and changed.data["dueAt"] is None, changed
    now = redmine.get(f"/issues/{issue['id']}.json")["issue"]
    assert (now["subject"], now["due_date"], now["estimated_hours"]) == ("Other", None, 2.5)
    asked = fishplate.post("/api/eam/service-requests", at.token, {"siteKey": at.site, "title": "Noise"})
    assert asked.status == 200 and asked.data["title"] == "Noise", asked


def test_redmine_connector__state_alone(fishplate, app, redmine):
    """M1: PUT .../status, under either name, and nothing else of the record by this way."""
    at = written(fishplate, app, redmine)
    key = fishplate.post("/api/eam/work-orders", at.token, {"siteKey": at.site, "title": "State"}).data["key"]
    states = [row["key"] for row in fishplate.get("/api/eam/statuses/work-orders", at.token).json["data"]]
    for name, state in (("statusKey", states[1]), ("status", states[0])):
        answer = fishplate.request("PUT", f"/api/eam/work-orders/{key}/status", at.token, {name: state})
        assert answer.status == 200 and answer.data["statusKey"] == state, answer
        assert str(redmine.get(f"/issues/{key}.json")["issue"]["status"]["id"]) == state
    wrong = fishplate.request("PUT", f"/api/eam/work-orders/{key}/status", at.token, {"title": "x"})
    assert wrong.status == 422 and set(wrong.json["errors"]) == {"title", "statusKey"}, wrong
    assert redmine.get(f"/issues/{key}.json")["issue"]["subject"] == "State"


def test_redmine_connector__refused_writes(fishplate, app, redmine):
    at = written(fishplate, app, redmine)
    before = redmine.get(f"/issues.json?project_id={at.site}&status_id=*")["total_count"]
    wrong = fishplate.post("/api/eam/work-orders", at.token, {"title": "x", "severity": "High"})
    assert wrong.status == 422 and wrong.code == "FIELD_INVALID", wrong
    assert set(wrong.json["errors"]) == {"siteKey", "severity"}
    refused = fishplate.post("/api/eam/work-orders", at.token, {"siteKey": at.site, "title": ""})
    assert refused.status == 422 and refused.code == "SOURCE_REJECTED", refused
    assert "Subject" in refused.json["details"]["source_message"]
    missing = fishplate.request("PUT", "/api/eam/work-orders/999999", at.token, {"title": "x"})
    assert missing.status == 404, missing
    assert redmine.get(f"/issues.json?project_id={at.site}&status_id=*")["total_count"] == before


def test_redmine_connector__missing_permission(fishplate, app, redmine):
    """A user without a role may log in, but sees no users: Redmine shows them to administrators."""
    own = connect(fishplate, app, redmine, key=redmine.reader)
    answer = fishplate.get("/api/eam/users", own)
    assert answer.status == 401 and answer.code == "SOURCE_PERMISSION_MISSING", answer


def test_redmine_connector__wrong_key_and_address(fishplate, app, redmine):
    for url, key, status in ((redmine.url, "0" * 40, 401), (redmine.url + "/nowhere", redmine.key, 404)):
        answer = fishplate.connect(app.token, {"url": url, "api_key": key}, provider="redmine")
        assert answer.status == 422 and answer.json["details"]["source_status"] == status, answer
        assert key not in str(answer.json)


def test_redmine_connector__changed_key(fishplate, app, redmine):
    """Last: the key of the other tests' connection ends with it."""
    own = connect(fishplate, app, redmine)
    old = redmine.key
    redmine.renew_key()
    answer = fishplate.get("/api/eam/work-orders", own)
    assert answer.code == "CREDENTIALS_REJECTED", answer
    assert old not in str(answer.json) and old not in fishplate.log_text()
    assert fishplate.get("/api/eam/sites", connect(fishplate, app, redmine)).status == 200
