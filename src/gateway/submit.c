// Sending a call on to the vault. What is wrong with parameters or body goes along as `fault`: only
// a caller whose token is good is told.
// SPDX-License-Identifier: Apache-2.0
#include "gateway/gateway_int.h"

#include "auth/json_in.h"
#include "auth/request_connect.h"
#include "auth/request_connection.h"
#include "auth/request_token.h" // media_type_is()
#include "auth/request_webhook.h"
#include "base/mem.h"
#include "model/query.h"

#include <string.h>

#define FAULT_DETAIL 8192 // bytes, as link.def says

// Operations whose body the gateway reads.
enum submit_body {
    BODY_NONE,
    BODY_RAW,
    BODY_CONNECTION,
    BODY_METADATA,
    BODY_LINK,
    BODY_TOKEN,
    BODY_WEBHOOK
};

struct submit {
    struct gateway *g;                  // ours
    struct gateway_exchange *x;         // the request
    const struct http_request *request; // as it came
    const struct model_route *route;    // operation and keys
    const struct model_operation *what; // the operation
    struct bytes token;                 // bearer
    struct gateway_fault fault;         // what is wrong with it
    struct connection_body connection;  // with BODY_CONNECTION
    struct connect_link_body link;      // with BODY_LINK
    struct webhook_body webhook;        // with BODY_WEBHOOK
    struct bytes metadata;              // with BODY_METADATA
    struct bytes possession;            // what the caller proved besides
    struct bytes binding;               // with BODY_TOKEN
    struct bytes condition;             // If-None-Match of a read, If-Match of an update
    struct bytes idempotency_key;       // of a change of records; may be empty
};

// The record that a write sends: one JSON object. What its members mean is egress's business.
static enum fp_error submit_check_record(struct submit *s)
{
    yyjson_val *root = NULL;
    enum fp_error error = json_in_parse(s->request->body, s->g->arena, &s->fault.note, &root);
    if (error == FP_OK && !yyjson_is_obj(root)) {
        fp_note_set(&s->fault.note, "", "Send one JSON object: the fields of the record.");
        error = FP_E_REQUEST_BODY_INVALID;
    }
    return error;
}

static enum submit_body submit_body_of(const struct model_operation *what)
{
    if (!what->write) {
        return BODY_NONE;
    }
    if (strcmp(what->id, "system.connection_create") == 0) {
        return BODY_CONNECTION;
    }
    if (strcmp(what->id, "system.connect_link_create") == 0) {
        return BODY_LINK;
    }
    if (strcmp(what->id, "system.webhook_create") == 0) {
        return BODY_WEBHOOK;
    }
    if (strcmp(what->id, "system.metadata_set") == 0) {
        return BODY_METADATA;
    }
    if (strcmp(what->id, "system.connection_token") == 0) {
        return BODY_TOKEN;
    }
    return what->domain != MODEL_DOMAIN_SYSTEM ? BODY_RAW : BODY_NONE;
}

// Operations of the system are answered by the vault, but for those that need a source or the
// definitions of the connectors.
static bool submit_needs_egress(const struct model_operation *what)
{
    return what->domain != MODEL_DOMAIN_SYSTEM || strcmp(what->id, "system.platforms") == 0 ||
           submit_body_of(what) == BODY_CONNECTION;
}

static void submit_check_query(struct submit *s, struct json_out *errors)
{
    struct model_query *query = NULL;
    if (s->request->query.len == 0) {
        return;
    }
    query = arena_alloc(s->g->arena, 1, sizeof *query);
    s->fault.error =
        query == NULL ? FP_E_NO_MEMORY
                      : model_query_parse(s->request->query, s->what, s->g->arena, errors, query);
}

static void submit_check_body(struct submit *s, struct json_out *errors)
{
    enum submit_body kind = submit_body_of(s->what);
    struct bytes type = {0};
    if (kind == BODY_NONE || s->fault.error != FP_OK) {
        return;
    }
    if (kind == BODY_TOKEN) { // a body is not needed, and may be anything
        s->fault.error = token_body_parse(s->request->body, s->g->arena, errors, &s->binding);
        return;
    }
    (void)http_headers_find(s->request->headers, s->request->header_count, "Content-Type", &type);
    if (s->request->body.len != 0 && !media_type_is(type, "application/json")) {
        s->fault.error = FP_E_REQUEST_MEDIA_TYPE_UNSUPPORTED;
    } else if (kind == BODY_CONNECTION) {
        s->fault.error = connection_body_parse(s->request->body, s->g->arena, errors,
                                               &s->fault.note, &s->connection);
    } else if (kind == BODY_LINK) {
        s->fault.error = connect_link_body_parse(s->request->body, s->g->arena, errors,
                                                 &s->fault.note, &s->link);
    } else if (kind == BODY_WEBHOOK) {
        s->fault.error =
            webhook_body_parse(s->request->body, s->g->arena, errors, &s->fault.note, &s->webhook);
    } else if (kind == BODY_METADATA) {
        s->fault.error = metadata_body_parse(s->request->body, s->g->arena, errors, &s->fault.note,
                                             &s->metadata);
    } else {
        s->fault.error = submit_check_record(s);
    }
}

// What the client knows of a record, or wants it to be. A read may be answered as if it knew
// nothing; a change may not be made as if it had asked for nothing.
static void submit_check_condition(struct submit *s, struct json_out *errors)
{
    bool update = s->what->kind == MODEL_KIND_UPDATE;
    const char *name = update ? "If-Match" : "If-None-Match";
    size_t count = 0;
    if (s->what->domain == MODEL_DOMAIN_SYSTEM || (s->what->write && !update)) {
        return;
    }
    count = http_headers_find(s->request->headers, s->request->header_count, name, &s->condition);
    if (count <= 1 && s->condition.len <= FP_LIMIT_HTTP_CONDITION) {
        return;
    }
    s->condition = (struct bytes){0};
    if (update && s->fault.error == FP_OK) {
        s->fault.error = FP_E_PARAMETER_INVALID;
        model_error_row(errors, bytes_of_text(name), "VALUE_INVALID",
                        "Send the header once, with at most 1024 bytes.");
    }
}

static bool submit_is_visible(struct bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < 0x21 || text.ptr[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

static void submit_check_idempotency(struct submit *s, struct json_out *errors)
{
    struct bytes key = {0};
    size_t count = 0;
    if (s->what->domain == MODEL_DOMAIN_SYSTEM || !s->what->write) {
        return;
    }
    count =
        http_headers_find(s->request->headers, s->request->header_count, "Idempotency-Key", &key);
    if (count == 0) {
        return;
    }
    if (count == 1 && key.len != 0 && key.len <= FP_LIMIT_IDEMPOTENCY_KEY &&
        submit_is_visible(key)) {
        s->idempotency_key = key;
    } else if (s->fault.error == FP_OK) {
        s->fault.error = FP_E_PARAMETER_INVALID;
        model_error_row(errors, BYTES("Idempotency-Key"), "VALUE_INVALID",
                        "Send the header once, with 1 to 255 visible ASCII characters.");
    }
}

// Rows of errors as an array; a note alone becomes one row. Too many rows become one that says so.
static void submit_check(struct submit *s)
{
    struct json_out errors = json_out_start(&s->fault.errors);
    json_begin_array(&errors);
    submit_check_query(s, &errors);
    submit_check_condition(s, &errors);
    submit_check_idempotency(s, &errors);
    submit_check_body(s, &errors);
    if (s->fault.note.text[0] != '\0') {
        model_error_row(&errors, BYTES("body"), "BODY_INVALID", s->fault.note.text);
    }
    json_end_array(&errors);
    if (s->fault.error == FP_OK) {
        buf_clear(&s->fault.errors);
    } else if (buf_error(&s->fault.errors) != FP_OK) {
        buf_clear(&s->fault.errors);
        errors = json_out_start(&s->fault.errors);
        json_begin_array(&errors);
        model_error_row(&errors, BYTES("?"), "TOO_MANY", "More is wrong than fits an answer.");
        json_end_array(&errors);
    }
}

static enum fp_error submit_put_connection(const struct submit *s, uint64_t id, struct buf *out)
{
    struct link_connection_create message = {
        .call = id,
        .request_id = bytes_of_text(s->x->request_id),
        .address = bytes_of_text(s->x->peer),
        .token = s->token,
        .fault = (uint16_t)s->fault.error,
        .fault_detail = buf_bytes(&s->fault.errors),
        .name = s->connection.name,
        .email = s->connection.email,
        .platform = s->connection.provider,
        .credentials = s->connection.credentials,
        .possession = s->possession,
    };
    return link_put_connection_create(out, &message);
}

static enum fp_error submit_put_link(const struct submit *s, uint64_t id, struct buf *out)
{
    struct link_connect_link_create message = {
        .call = id,
        .request_id = bytes_of_text(s->x->request_id),
        .address = bytes_of_text(s->x->peer),
        .token = s->token,
        .fault = (uint16_t)s->fault.error,
        .fault_detail = buf_bytes(&s->fault.errors),
        .name = s->link.name,
        .email = s->link.email,
        .platforms = s->link.platforms,
        .connection = s->link.connection,
        .return_url = s->link.return_url,
        .expires_in_s = s->link.expires_in_s,
        .possession = s->possession,
    };
    return link_put_connect_link_create(out, &message);
}

static enum fp_error submit_put_webhook(const struct submit *s, uint64_t id, struct buf *out)
{
    struct link_webhook_create message = {
        .call = id,
        .request_id = bytes_of_text(s->x->request_id),
        .address = bytes_of_text(s->x->peer),
        .token = s->token,
        .fault = (uint16_t)s->fault.error,
        .fault_detail = buf_bytes(&s->fault.errors),
        .possession = s->possession,
        .url = s->webhook.url,
        .events = s->webhook.events,
    };
    return link_put_webhook_create(out, &message);
}

static enum fp_error submit_put_metadata(const struct submit *s, uint64_t id, struct buf *out)
{
    struct link_metadata_set message = {
        .call = id,
        .request_id = bytes_of_text(s->x->request_id),
        .address = bytes_of_text(s->x->peer),
        .token = s->token,
        .fault = (uint16_t)s->fault.error,
        .fault_detail = buf_bytes(&s->fault.errors),
        .connection = bytes_slice(s->route->key, 0, FP_LIMIT_ID_TEXT),
        .metadata = s->metadata,
        .possession = s->possession,
    };
    return link_put_metadata_set(out, &message);
}

static enum fp_error submit_put_call(const struct submit *s, uint64_t id, struct buf *out)
{
    struct bytes origin = {0};
    struct link_call message = {
        .call = id,
        .request_id = bytes_of_text(s->x->request_id),
        .address = bytes_of_text(s->x->peer),
        .token = s->token,
        .operation = (uint16_t)s->route->operation,
        .fault = (uint16_t)s->fault.error,
        .fault_detail = buf_bytes(&s->fault.errors),
        .key = s->route->key,
        .subkey = s->route->subkey,
        .query = s->fault.error == FP_OK ? s->request->query : (struct bytes){0},
        .possession = s->possession,
        .binding = s->binding,
        .condition = s->condition,
        .idempotency_key = s->idempotency_key,
    };
    (void)http_headers_find(s->request->headers, s->request->header_count, "Origin", &origin);
    message.origin = bytes_slice(origin, 0, 256);
    if (submit_body_of(s->what) == BODY_RAW && s->fault.error == FP_OK) {
        message.body = s->request->body;
    }
    return link_put_call(out, &message);
}

static enum fp_error submit_put(const struct submit *s, uint64_t id, struct buf *out)
{
    switch (submit_body_of(s->what)) {
    case BODY_CONNECTION:
        return submit_put_connection(s, id, out);
    case BODY_LINK:
        return submit_put_link(s, id, out);
    case BODY_WEBHOOK:
        return submit_put_webhook(s, id, out);
    case BODY_METADATA:
        return submit_put_metadata(s, id, out);
    case BODY_NONE:
    case BODY_RAW:
    case BODY_TOKEN:
    default:
        return submit_put_call(s, id, out);
    }
}

struct gateway_call *gateway__submit_begin(struct gateway *g, struct gateway_exchange *x,
                                           bool needs_egress, struct buf **out)
{
    struct buf *link = gateway__link(g, needs_egress);
    struct gateway_call *call = link != NULL ? gateway__call_take(g, x, needs_egress) : NULL;
    if (call == NULL) {
        gateway__answer_error(g, x, FP_E_SERVICE_UNAVAILABLE, NULL);
    }
    *out = link;
    return call;
}

void gateway__submit_failed(struct gateway *g, struct gateway_call *call)
{
    gateway__answer_error(g, &call->x, FP_E_SERVICE_UNAVAILABLE, NULL);
    gateway__call_release(g, call);
}

void gateway__submit(struct gateway *g, struct gateway_exchange *x,
                     const struct http_request *request, const struct model_route *route,
                     struct bytes token)
{
    struct submit s = {.g = g, .x = x, .request = request, .route = route, .token = token};
    struct gateway_call *call = NULL;
    struct buf *out = NULL;
    bool needs_egress = false;
    s.what = model_operation_at(route->operation);
    needs_egress = submit_needs_egress(s.what);
    buf_init(&s.fault.errors, FAULT_DETAIL);
    submit_check(&s);
    out = gateway__link(g, needs_egress);
    if (gateway__possession(g, x, request, token, &s.possession) != FP_OK ||
        s.fault.error == FP_E_NO_MEMORY || out == NULL) {
        gateway__answer_error(g, x, FP_E_SERVICE_UNAVAILABLE, NULL);
        goto out;
    }
    call = gateway__call_take(g, x, needs_egress);
    if (call != NULL) {
        call->writes = submit_body_of(s.what) == BODY_RAW;
    }
    if (call == NULL || submit_put(&s, call->id, out) != FP_OK) {
        gateway__answer_error(g, x, FP_E_SERVICE_UNAVAILABLE, NULL);
        if (call != NULL) {
            gateway__call_release(g, call);
        }
    }
out:
    buf_done(&s.fault.errors);
}
