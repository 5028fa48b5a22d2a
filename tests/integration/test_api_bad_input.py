"""The bad input that the work order lists: each gets its documented error, and the next request
works."""
# SPDX-License-Identifier: Apache-2.0
import pytest

from tests.api.errors import check_error, fields_of

LIST = "/api/erp/vendors"
CREATE = "/api/system/connections"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def client(fishplate, app):
    """A kept-alive connection; afterwards it, or a new one where the server had to close, works."""
    with fishplate.client() as open_client:
        yield open_client
        try:
            answer = open_client.get("/api/system/client", app.token)
        except OSError:
            answer = fishplate.get("/api/system/client", app.token)
        assert answer.status == 200, answer


@pytest.mark.parametrize("query, field", [
    ("page=0", "page"), ("page=-1", "page"), ("page=100000000000000000000", "page"),
    ("page=1.5", "page"), ("page=", "page"), ("page=one", "page"), ("page=0x1", "page"),
    ("page=%EF%BC%91", "page"), ("page=1&page=2", "page"), ("page=+1", "page"),
    ("per_page=0", "per_page"), ("per_page=501", "per_page"), ("per_page=-5", "per_page"),
    ("per_page=99999999999999999999", "per_page"), ("pageSize=501", "pageSize"),
    ("filter[nothing]=1", "filter[nothing]"), ("filter[name:like]=x", "filter[name:like]"),
    ("filter[name:]=x", "filter[name:]"), ("filter[]=x", "filter[]"), ("filter=x", "filter"),
    ("sort[nothing]=1", "sort[nothing]"), ("sort[name]=2", "sort[name]"),
    ("sort[name]=asc", "sort[name]"), ("filterMatch=some", "filterMatch"),
    ("filter[updatedAt:gt]=yesterday", "filter[updatedAt:gt]"),
    ("filter[updatedAt:contains]=2026", "filter[updatedAt:contains]"), ("limit=5", "limit"),
    ("offset=5", "offset")])
def test_parameters(client, shared_connection, query, field):
    answer = client.get(f"{LIST}?{query}", shared_connection.token)
    check_error(answer, "PARAMETER_INVALID")
    assert fields_of(answer) == [field]


def test_each_wrong_parameter_is_named(client, shared_connection):
    query = "page=0&per_page=501&filter[x]=1&sort[y]=0"
    answer = client.get(f"{LIST}?{query}", shared_connection.token)
    check_error(answer, "PARAMETER_INVALID")
    assert fields_of(answer) == ["page", "per_page", "filter[x]", "sort[y]"]


@pytest.mark.parametrize("query", ["page=%zz", "page=%", "filter[name]=%00", "filter[name]=%ff",
                                   "filter[name]=%c0%af", "filter[name]=a%0d%0ab"])
def test_bad_encodings(client, shared_connection, query):
    answer = client.get(f"{LIST}?{query}", shared_connection.token)
    assert answer.code in ("PARAMETER_INVALID", "REQUEST_MALFORMED"), answer
    check_error(answer, answer.code)


@pytest.mark.parametrize("query", ["filter[name]=%27%20OR%201%3D1--", "filter[name]=%25",
                                   "filter[name:contains]=%5C", "filter[name:contains]=_",
                                   "filter[name]=%22%5D%2C%5B%22id", "filter[name]=%F0%9F%9A%82"])
def test_values_are_values(client, shared_connection, query):
    """What would be syntax somewhere behind is a name that nobody has."""
    answer = client.get(f"{LIST}?{query}", shared_connection.token)
    assert answer.status == 200, answer
    assert answer.json["meta"]["total"] == 0


@pytest.mark.parametrize("opening, closing", [("[", "]"), ('{"a":', "}")],
                         ids=["arrays", "objects"])
def test_deep_json(client, app, opening, closing):
    body = (opening * 10000 + "1" + closing * 10000).encode()
    answer = client.request("POST", CREATE, app.token, body, headers=JSON)
    check_error(answer, "REQUEST_BODY_INVALID")
    assert "deep" in answer.json["details"]["reason"] or "level" in answer.json["details"]["reason"]


@pytest.mark.parametrize("body", [
    b"", b"{", b"null", b"[]", b'"text"', b"12", b"{}x", b'{"name":"a","name":"b"}', b"{'name':1}",
    b'{"name":NaN}', b'{"name":01}', b'{"name":"\xff\xfe"}', b'{"name":"\xc0\xaf"}',
    b'{"name":"\xed\xa0\x80"}', b'{"name":"\\ud800"}', b"\xef\xbb\xbf{}", b'{"name":"a\nb"}',
    b'{"name":"' + b"a" * 70000 + b'"}', b"<xml/>", b"\x00" * 10])
def test_bodies_that_are_no_good_json(client, app, body):
    answer = client.request("POST", CREATE, app.token, body, headers=JSON)
    assert answer.code in ("REQUEST_BODY_INVALID", "FIELD_INVALID"), answer
    check_error(answer, answer.code)


@pytest.mark.parametrize("kind", ["text/plain", "application/xml",
                                  "multipart/form-data; boundary=x",
                                  "application/x-www-form-urlencoded", "", "nonsense"])
def test_other_media_types(client, app, kind):
    answer = client.request("POST", CREATE, app.token, b"{}", headers={"Content-Type": kind})
    check_error(answer, "REQUEST_MEDIA_TYPE_UNSUPPORTED")


@pytest.mark.parametrize("path", ["/", "/api", "/api/erp", "/api/erp/nothing", "/api/crm/vendors",
                                  "/api/erp/vendors/", "/API/ERP/vendors", "/api/erp//vendors",
                                  "/api/erp/vendors/1/2", "/api/eam/taxes", "/.env",
                                  "/api/erp/../system/client"])
def test_unknown_paths(client, shared_connection, path):
    check_error(client.get(path, shared_connection.token), "ROUTE_UNKNOWN")


@pytest.mark.parametrize("method, path", [
    ("POST", "/api/erp/currencies"), ("PUT", "/api/erp/currencies/1"), ("DELETE", LIST),
    ("PATCH", LIST), ("TRACE", LIST),
    ("PUT", "/api/system/client"), ("GET", "/api/system/connections/con_x/token")])
def test_other_methods(client, shared_connection, method, path):
    answer = client.request(method, path, shared_connection.token)
    check_error(answer, "METHOD_NOT_ALLOWED")
    assert "TRACE" not in answer.header("Allow")


def test_single_records_take_no_parameters(client, shared_connection):
    answer = client.get(f"{LIST}/1?page=1", shared_connection.token)
    check_error(answer, "PARAMETER_INVALID")


@pytest.mark.parametrize("key", ["nothing", "0", "-1", "99999999", "1e3", "%20", "1%2C2", "%27",
                                 "18446744073709551616", "x" * 256, "%F0%9F%9A%82", "1%20OR%201"])
def test_keys_of_no_record(client, shared_connection, key):
    check_error(client.get(f"{LIST}/{key}", shared_connection.token), "RECORD_NOT_FOUND")


def test_key_that_is_too_long_is_no_route(client, shared_connection):
    check_error(client.get(f"{LIST}/{'x' * 257}", shared_connection.token), "ROUTE_UNKNOWN")


def test_metadata_that_is_none(client, fishplate, app, shared_connection):
    path = f"/api/system/connections/{shared_connection.id}/metadata"
    for body in ([{"key": "a"}], [{"value": "a"}], [{"key": "", "value": "x"}], [7],
                 {"a": {"b": 1}},
                 [{"key": "k" * 20000, "value": "v"}], [{"key": "a", "value": "\u0000"}]):
        answer = client.request("POST", path, app.token, body)
        assert answer.status == 422, (body, answer)
        check_error(answer, answer.code)
