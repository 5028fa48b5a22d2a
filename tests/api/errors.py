"""An answer that is an error, compared with its row of src/base/errors.def: whole, not only the
code."""
# SPDX-License-Identifier: Apache-2.0
import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FIELDS = {"message", "code", "type", "request_id", "next_step", "details"}


def _catalogue():
    rows = {}
    text = (ROOT / "src/base/errors.def").read_text(encoding="utf-8")
    for name, rest in re.findall(r"^FP_ERROR\((\w+), (.*)\)\s*$", text, re.M):
        rows[name] = ast.literal_eval(f"({rest})")
    return rows


CATALOGUE = _catalogue()
REQUEST_ID = re.compile(r"req_[0-9A-Za-z]+")


def check_error(answer, code):
    """Fails unless the answer is this error in every part that the catalogue and the standards
    name; returns its body."""
    status, kind, message, next_step = CATALOGUE[code]
    assert answer.code == code, answer
    assert answer.status == status, answer
    body = answer.json
    assert FIELDS <= set(body) <= FIELDS | {"errors", "error", "error_description"}, body
    assert (body["type"], body["message"], body["next_step"]) == (kind, message, next_step)
    assert isinstance(body["details"], dict)
    assert ("errors" in body) == (status == 422), body
    if "errors" in body:
        assert isinstance(body["errors"], dict) and body["errors"], body
        for texts in body["errors"].values():
            assert texts and all(isinstance(text, str) and text for text in texts), body
    check_request_id(answer)
    assert body["request_id"] == answer.request_id
    assert answer.header("Content-Type").split(";")[0] == "application/json"
    check_authenticate(answer, code)
    return body


def check_request_id(answer):
    """S15: one header, of our making."""
    found = [value for name, value in answer.headers if name.lower() == "x-request-id"]
    assert len(found) == 1 and REQUEST_ID.fullmatch(found[0]), found


def check_authenticate(answer, code):
    """RFC 9110 11.6.1: each 401 says how to authenticate; RFC 6750 3.1: and why it failed, unless
    nothing was tried."""
    challenge = answer.header("WWW-Authenticate")
    if answer.status != 401:
        assert challenge is None or answer.status == 403, answer.headers
        return
    schemes = ("Bearer ", "DPoP ") if code.startswith("TOKEN_") else ("Bearer ",)
    assert challenge is not None and challenge.startswith(schemes), answer.headers
    if code == "TOKEN_MISSING":
        assert "error=" not in challenge, challenge
    elif code.startswith("TOKEN_") and code != "TOKEN_BINDING_FAILED":
        assert 'error="invalid_token"' in challenge, challenge


def fields_of(answer):
    """The names in `errors` of a 422, in order."""
    return list(answer.json["errors"])
