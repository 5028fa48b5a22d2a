// A driver without a server around it: reads calls as JSON lines, prints the requests to send and
// the results, and is fed the answers. tests/integration/test_tryton_driver.py does the sending.
// SPDX-License-Identifier: Apache-2.0
#include "driver/driver.h"
#include "mapping/set.h"
#include "model/route.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>

#define PIPE_LINE (64u << 20)

static char *line; // one line of input

static struct bytes pipe_member(yyjson_val *root, const char *name)
{
    yyjson_val *value = yyjson_obj_get(root, name);
    return yyjson_is_str(value) ? bytes_of(yyjson_get_str(value), yyjson_get_len(value))
                                : BYTES("");
}

static void pipe_print(struct buf *text)
{
    buf_append_byte(text, '\n');
    (void)fwrite(text->ptr, 1, text->len, stdout);
    (void)fflush(stdout);
    buf_clear(text);
}

static void pipe_request(unsigned number, const struct client_request *request, struct buf *text)
{
    struct json_out j = json_out_start(text);
    json_begin_object(&j);
    json_member_i64(&j, "send", number);
    json_member_text(&j, "url", request->url);
    json_member_text(&j, "method", request->method);
    json_member_text(&j, "body", request->body);
    json_name(&j, "headers");
    json_begin_object(&j);
    for (size_t i = 0; i < request->header_count; i++) {
        json_name_bytes(&j, request->headers[i].name);
        json_text(&j, request->headers[i].value);
    }
    json_end_object(&j);
    json_end_object(&j);
    pipe_print(text);
}

static void pipe_result(const struct driver_result *r, struct buf *text)
{
    struct json_out j = json_out_start(text);
    json_begin_object(&j);
    json_member_text_c(&j, "error", fp_error_code(r->error));
    json_name(&j, "body");
    json_raw(&j, r->body.len != 0 ? r->body : BYTES("null"));
    json_name(&j, "detail");
    json_raw(&j, r->detail.len != 0 ? r->detail : BYTES("null"));
    json_name(&j, "errors");
    json_raw(&j, r->errors.len != 0 ? r->errors : BYTES("null"));
    json_member_text(&j, "session", r->session);
    json_member_text(&j, "account", r->account);
    json_member_i64(&j, "retry_after_s", r->retry_after_s);
    json_member_i64(&j, "source_calls", r->source_calls);
    json_end_object(&j);
    pipe_print(text);
}

static bool pipe_answer(struct driver_run *run)
{
    struct client_answer answer = {0};
    if (fgets(line, PIPE_LINE, stdin) == NULL) {
        return false;
    }
    yyjson_doc *doc = yyjson_read(line, strlen(line), 0);
    yyjson_val *root = yyjson_doc_get_root(doc);
    buf_init(&answer.body, PIPE_LINE);
    buf_append_bytes(&answer.body, pipe_member(root, "body"));
    answer.status = (unsigned)yyjson_get_uint(yyjson_obj_get(root, "status"));
    if (answer.status == 0) {
        answer.error = FP_E_SOURCE_UNREACHABLE;
    }
    driver_feed(run, (unsigned)yyjson_get_uint(yyjson_obj_get(root, "number")), &answer);
    buf_done(&answer.body);
    yyjson_doc_free(doc);
    return true;
}

static void pipe_run(const struct driver_call *call, struct buf *text)
{
    struct driver_run *run = NULL;
    unsigned under_way = 0; // every request is answered, also when the run is over
    if (driver_start(call, &run) != FP_OK) {
        exit(3);
    }
    while (!driver_is_done(run)) {
        struct client_request request;
        unsigned number = 0;
        if (driver_needs_session(run)) {
            driver_log_in(run);
        }
        while (driver_next(run, &number, &request)) {
            pipe_request(number, &request, text);
            under_way++;
        }
        for (bool once = true; under_way != 0 && (once || driver_is_done(run)); under_way--) {
            if (!pipe_answer(run)) {
                exit(4);
            }
            once = false;
        }
    }
    pipe_result(driver_result(run), text);
    driver_free(run);
}

static void pipe_fault(enum fp_error error, struct buf *rows, struct buf *text)
{
    struct json_out j = json_out_start(text);
    json_begin_object(&j);
    json_member_text_c(&j, "error", fp_error_code(error));
    json_name(&j, "errors");
    buf_append_byte(text, '[');
    buf_append_bytes(text, buf_bytes(rows));
    buf_append_byte(text, ']');
    j.need_comma = true;
    json_end_object(&j);
    pipe_print(text);
}

static void pipe_call(const struct mapping *mapping, yyjson_val *root, struct buf *text)
{
    struct arena *arena = arena_create(8u << 20, false);
    struct bytes path = pipe_member(root, "path");
    struct bytes rest = path;
    struct bytes target = {0};
    struct model_route route = {0};
    struct model_query query = {0};
    struct buf rows;
    buf_init(&rows, 8190);
    struct json_out errors = json_out_start(&rows);
    struct driver_call call = {.mapping = mapping,
                               .credentials = pipe_member(root, "credentials"),
                               .session = pipe_member(root, "session"),
                               .public_url = "https://fishplate.test"};
    enum fp_error error = FP_OK;
    (void)bytes_split(&rest, '?', &target);
    if (path.len != 0) {
        error = model_route_find(BYTES("GET"), target, arena, &route);
        call.operation = model_operation_at(route.operation);
        call.key = route.key;
    }
    if (error == FP_OK && path.len != 0) {
        error = model_query_parse(rest.ptr != NULL ? rest : BYTES(""), call.operation, arena,
                                  &errors, &query);
        call.query = call.operation->list ? &query : NULL;
    }
    if (error == FP_OK) {
        pipe_run(&call, text);
    } else {
        pipe_fault(error, &rows, text);
    }
    buf_done(&rows);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    struct mapping_set *set = NULL;
    struct fp_note note = {0};
    struct buf text;
    if (mapping_set_load(NULL, &set, &note) != FP_OK) {
        (void)fprintf(stderr, "%s:%u:%u: %s\n", note.field, note.line, note.column, note.text);
        return 2;
    }
    const struct mapping *mapping =
        mapping_set_find(set, bytes_of_text(argc > 1 ? argv[1] : "tryton"));
    line = malloc(PIPE_LINE);
    buf_init(&text, PIPE_LINE * 2);
    while (mapping != NULL && line != NULL && fgets(line, PIPE_LINE, stdin) != NULL) {
        yyjson_doc *doc = yyjson_read(line, strlen(line), 0);
        pipe_call(mapping, yyjson_doc_get_root(doc), &text);
        yyjson_doc_free(doc);
    }
    buf_done(&text);
    free(line);
    mapping_set_free(set);
    return mapping != NULL ? 0 : 2;
}
