"""S15 S23 N3: one id in the answer's header, its body, the log line, and the audit record of the
use."""
# SPDX-License-Identifier: Apache-2.0
import json
import os
import time

from tests.api.errors import check_error, check_request_id
from tests.api.tokens import never_issued

DATA = "/api/erp/currencies"


def audit_records(server):
    """The records of the audit log: one JSON object a line."""
    records = []
    for path in sorted((server.directory / "data" / "audit").iterdir()):
        for line in path.read_bytes().splitlines():
            if line.startswith(b"{"):
                records.append(json.loads(line))
    return records


def records_of(server, request_id, action, deadline=10.0):
    """Waits: a refusal may reach the disk behind its answer; a use may not: deadline 0."""
    end = time.monotonic() + deadline
    while True:
        found = [record for record in audit_records(server)
                 if record.get("request_id") == request_id and record.get("action") == action]
        if found or time.monotonic() > end:
            return found
        time.sleep(0.02)


def log_lines_of(server, request_id):
    server.wait_log(lambda line: line.get("request_id") == request_id)
    return [line for line in server.log_lines() if line.get("request_id") == request_id]


def test_s15_use_of_a_credential(fishplate, app, shared_connection):
    answer = fishplate.get(DATA, shared_connection.token)
    check_request_id(answer)
    # S15 and N3: the record is there before the answer, no waiting.
    uses = records_of(fishplate, answer.request_id, "credential.use", deadline=0)
    assert len(uses) == 1, uses
    use = uses[0]
    assert use["connection"] == shared_connection.id
    assert use["application"] == app.id
    assert use["token"].startswith("tok_")
    lines = log_lines_of(fishplate, answer.request_id)
    assert len(lines) == 1, lines
    line = lines[0]
    assert (line["status"], line["connection"]) == (200, shared_connection.id)
    assert shared_connection.token not in json.dumps(line) + json.dumps(use)


def test_s15_refusals_have_one_too(fishplate, shared_connection):
    for path, token, code in ((DATA, None, "TOKEN_MISSING"),
                              (DATA, never_issued(), "TOKEN_UNKNOWN"),
                              (DATA + "?page=0", shared_connection.token, "PARAMETER_INVALID"),
                              ("/api/nowhere", shared_connection.token, "ROUTE_UNKNOWN")):
        answer = fishplate.get(path, token)
        body = check_error(answer, code)
        lines = log_lines_of(fishplate, body["request_id"])
        assert [(line["status"], line["code"]) for line in lines] == [(answer.status, code)], lines


def test_s15_refused_token_is_on_record(fishplate):
    answer = fishplate.get(DATA, never_issued())
    found = records_of(fishplate, answer.request_id, "token.refuse")
    assert len(found) == 1 and found[0]["result"] == "TOKEN_UNKNOWN", found


def test_s15_ids_are_unique_and_ours(fishplate, shared_connection):
    """A client's own id is not taken over: it could be another request's."""
    seen = set()
    with fishplate.client() as client:
        for _ in range(50):
            answer = client.get(DATA, headers={"X-Request-Id": "req_00000000000000000000000000"})
            seen.add(answer.request_id)
    assert len(seen) == 50 and "req_00000000000000000000000000" not in seen


def test_s23_what_people_look_at_and_change_is_on_record(fishplate, app, connection):
    """Each command of the command line is in the audit log when it returns, with the user as the
    kernel knows it, not as it calls itself."""
    issued = fishplate.issue_token(connection.id)
    for command, action in ((("connection", "show", connection.id), "connection.view"),
                            (("connection", "list"), "connection.view"),
                            (("app", "list"), "application.view"),
                            (("token", "list", connection.id), "token.view"),
                            (("token", "revoke", issued["id"], "--yes"), "token.revoke"),
                            (("connection", "delete", connection.id, "--yes"),
                             "connection.delete")):
        before = len(audit_records(fishplate))
        fishplate.command(*command)
        new = [record for record in audit_records(fishplate)[before:]
               if record["action"] == action and record["actor"] == "command"]
        actors = {record["actor_id"] for record in new}
        assert actors == {f"uid:{os.getuid()}"}, (command, new)
