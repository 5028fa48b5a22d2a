// Lists for people: searched, filtered, sorted, page by page; and the overview, which says what
// needs attention. Each list of customers' data is an audit record.
// SPDX-License-Identifier: Apache-2.0
#include "base/json_out.h"
#include "connection/life.h"
#include "registry/console_int.h"
#include "registry/metadata.h"
#include "registry/wire.h"

#include <stdio.h>
#include <string.h>

#define LIST_PER_PAGE      50
#define LIST_PER_PAGE_MOST 200
#define LIST_PAGES         100000
#define OVERVIEW_LIST      8 // of what needs attention

const char *const console_list_fields[] = {"q",        "state", "application", "customer",
                                           "platform", "sort",  "page",        "per_page"};

// What a list asks for, kept in the job.
struct list_input {
    struct bytes fields[CONSOLE_LIST_COUNT]; // as they were sent
    const char *texts[CONSOLE_LIST_COUNT];   // the same; NULL where empty
    uint32_t page, per_page;                 // numbers
    bool descending;                         // sort began with a minus
    const char *id;                          // what is searched for is one; else NULL
};

// Columns a list may be sorted by, as the page names them.
struct list_sort {
    const char *name;   // "name"
    const char *column; // of the store
};

// What was typed as a pattern: it stands for itself.
static const char *list_pattern(struct registry_job *job, struct bytes typed)
{
    struct buf text;
    struct bytes copy = {0};
    buf_init(&text, (size_t)2 * FP_LIMIT_CONSOLE_SEARCH + 3);
    buf_append_byte(&text, '%');
    for (size_t i = 0; i < typed.len; i++) {
        if (typed.ptr[i] == '%' || typed.ptr[i] == '_' || typed.ptr[i] == '\\') {
            buf_append_byte(&text, '\\');
        }
        buf_append_byte(&text, typed.ptr[i]);
    }
    buf_append_byte(&text, '%');
    copy = buf_error(&text) == FP_OK ? arena_copy(job->arena, buf_bytes(&text)) : copy;
    buf_done(&text);
    return (const char *)copy.ptr;
}

static bool list_number(struct bytes text, uint64_t most, uint64_t *out)
{
    return text.len == 0 || (bytes_to_u64(text, most, out) && *out != 0);
}

static void list_keep(struct registry_job *job, const struct parameters *p, struct list_input *in)
{
    for (unsigned i = 0; i < CONSOLE_LIST_COUNT; i++) {
        in->fields[i] = p->values[i];
        job_keep(job, &in->fields[i]);
        in->texts[i] = in->fields[i].len != 0 ? (const char *)in->fields[i].ptr : NULL;
    }
    if (in->texts[CONSOLE_LIST_SORT] != NULL && in->texts[CONSOLE_LIST_SORT][0] == '-') {
        in->descending = true;
        in->texts[CONSOLE_LIST_SORT]++;
    }
    if (id_valid(in->fields[CONSOLE_LIST_SEARCH], "con") ||
        id_valid(in->fields[CONSOLE_LIST_SEARCH], "cus")) {
        in->id = in->texts[CONSOLE_LIST_SEARCH];
    } else if (in->texts[CONSOLE_LIST_SEARCH] != NULL) {
        in->texts[CONSOLE_LIST_SEARCH] = list_pattern(job, in->fields[CONSOLE_LIST_SEARCH]);
    }
}

static void list_run(const struct console_ask *ask, job_build *build)
{
    struct parameters p;
    struct registry_job *job = NULL;
    struct list_input *in = NULL;
    uint64_t page = 1, per_page = LIST_PER_PAGE;
    if (!console_form(ask, console_list_fields, CONSOLE_LIST_COUNT, &p)) {
        return;
    }
    if (!list_number(p.values[CONSOLE_LIST_PAGE], LIST_PAGES, &page) ||
        !list_number(p.values[CONSOLE_LIST_PER_PAGE], LIST_PER_PAGE_MOST, &per_page) ||
        p.values[CONSOLE_LIST_SEARCH].len > FP_LIMIT_CONSOLE_SEARCH) {
        console_refuse(ask, FP_E_PARAMETER_INVALID);
        return;
    }
    job = job_create(ask->registry, &ask->caller, ask->done, ask->ctx);
    in = job != NULL ? job_input(job, sizeof *in) : NULL;
    if (in != NULL) {
        in->page = (uint32_t)page;
        in->per_page = (uint32_t)per_page;
        list_keep(job, &p, in);
    }
    job_run(job, build);
}

static enum fp_error list_query(const struct list_input *in, const struct list_sort *sorts,
                                struct store_query *query)
{
    const char *sort = in->texts[CONSOLE_LIST_SORT];
    if (in->id != NULL) {
        query->id = in->id; // a whole one is found at once
    } else {
        query->search = in->texts[CONSOLE_LIST_SEARCH];
    }
    query->application = in->texts[CONSOLE_LIST_APPLICATION];
    query->newest_first = sort == NULL || in->descending;
    query->limit = in->per_page;
    query->offset = (in->page - 1) * in->per_page;
    for (; sort != NULL && sorts->name != NULL; sorts++) {
        if (strcmp(sorts->name, sort) == 0) {
            query->sort = sorts->column;
        }
    }
    return sort != NULL && query->sort == NULL ? FP_E_PARAMETER_INVALID : FP_OK;
}

// How many there are. A search reads every row: it is not done again where its page shows the end.
static enum fp_error list_total(struct registry_job *job, enum store_kind kind,
                                const struct store_query *query, size_t count, uint64_t *out)
{
    if (query->search != NULL && count < query->limit && (count != 0 || query->offset == 0)) {
        *out = query->offset + count;
        return FP_OK;
    }
    return store_count(job->registry->parts.store, kind, query, out);
}

static void list_end(struct json_out *json, const struct list_input *in, uint64_t total)
{
    json_end_array(json);
    json_name(json, "meta");
    json_begin_object(json);
    json_member_i64(json, "page", in->page);
    json_member_i64(json, "per_page", in->per_page);
    json_member_i64(json, "total", (int64_t)total);
    json_end_object(json);
    json_end_object(json);
}

static void list_begin(struct json_out *json)
{
    json_begin_object(json);
    json_name(json, "data");
    json_begin_array(json);
}

// ----------------------------------------------------------------------------------- connections

static uint32_t state_of(const char *name)
{
    for (uint32_t i = CONNECTION_PENDING; name != NULL && i <= CONNECTION_ERASED; i++) {
        if (strcmp(connection_state_name((enum connection_state)i), name) == 0) {
            return i;
        }
    }
    return 0;
}

static void connection_write(struct registry_job *job, struct json_out *json,
                             const struct store_connection *row)
{
    struct wire_connection wire = {
        .row = row, .used_ms = registry_last_use(job->registry, row->id), .operator_view = true};
    wire_write_connection(json, &wire);
}

static enum fp_error build_connections(struct registry_job *job)
{
    static const struct list_sort sorts[] = {
        {"name", "name"},    {"status", "state"}, {"since", "changed_ms"},
        {"used", "used_ms"}, {"created", "id"},   {"platform", "platform"},
        {NULL, NULL}};
    const struct list_input *in = job->input;
    struct store_query query = {.customer = in->texts[CONSOLE_LIST_CUSTOMER],
                                .platform = in->texts[CONSOLE_LIST_PLATFORM],
                                .state = state_of(in->texts[CONSOLE_LIST_STATE])};
    struct store_connection *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    uint64_t total = 0;
    enum fp_error error = list_query(in, sorts, &query);
    if (error == FP_OK && in->texts[CONSOLE_LIST_STATE] != NULL && query.state == 0) {
        error = FP_E_PARAMETER_INVALID;
    }
    if (error == FP_OK) {
        error =
            store_list_connections(job->registry->parts.store, &query, job->scratch, &rows, &count);
    }
    if (error == FP_OK) {
        error = list_total(job, STORE_CONNECTION, &query, count, &total);
    }
    list_begin(&json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        connection_write(job, &json, &rows[i]);
    }
    list_end(&json, in, total);
    if (error == FP_OK) {
        (void)job_record(job, AUDIT_CONNECTION_VIEW);
    }
    return error;
}

void console_connections(const struct console_ask *ask)
{
    list_run(ask, build_connections);
}

// ------------------------------------------------------------------------------------- customers

static enum fp_error build_customers(struct registry_job *job)
{
    static const struct list_sort sorts[] = {
        {"name", "name"}, {"email", "email"}, {"created", "id"}, {NULL, NULL}};
    const struct list_input *in = job->input;
    struct store_query query = {0};
    struct store_customer *rows = NULL;
    struct json_out json = json_out_start(&job->body);
    size_t count = 0;
    uint64_t total = 0;
    enum fp_error error = list_query(in, sorts, &query);
    if (error == FP_OK) {
        error =
            store_list_customers(job->registry->parts.store, &query, job->scratch, &rows, &count);
    }
    if (error == FP_OK) {
        error = list_total(job, STORE_CUSTOMER, &query, count, &total);
    }
    list_begin(&json);
    for (size_t i = 0; error == FP_OK && i < count; i++) {
        const struct store_customer *row = &rows[i];
        struct store_query own = {.customer = row->id};
        uint64_t connections = 0;
        error = store_count(job->registry->parts.store, STORE_CONNECTION, &own, &connections);
        json_begin_object(&json);
        json_member_text_c(&json, "id", row->id);
        json_member_text_c(&json, "application", row->application);
        json_member_text_c(&json, "name", row->erased_ms == 0 ? row->name : NULL);
        json_member_text_c(&json, "email", row->erased_ms == 0 ? row->email : NULL);
        json_member_i64(&json, "connections", (int64_t)connections);
        json_member_time(&json, "created_at", row->created_ms);
        json_member_time(&json, "erased_at", row->erased_ms);
        json_end_object(&json);
    }
    list_end(&json, in, total);
    if (error == FP_OK) {
        job_record(job, AUDIT_OPERATOR_VIEW)->detail = BYTES("{\"what\":\"customers\"}");
    }
    return error;
}

void console_customers(const struct console_ask *ask)
{
    list_run(ask, build_customers);
}

// -------------------------------------------------------------------------------------- overview

static enum fp_error overview_states(struct registry_job *job, struct json_out *json)
{
    enum fp_error error = FP_OK;
    json_name(json, "connections");
    json_begin_object(json);
    for (uint32_t i = CONNECTION_PENDING; i <= CONNECTION_ERASED && error == FP_OK; i++) {
        struct store_query query = {.state = i};
        uint64_t count = 0;
        error = store_count(job->registry->parts.store, STORE_CONNECTION, &query, &count);
        json_member_i64(json, connection_state_name((enum connection_state)i), (int64_t)count);
    }
    json_end_object(json);
    return error;
}

static enum fp_error overview_counts(struct registry_job *job, struct json_out *json)
{
    static const struct {
        const char *name;     // of the member
        enum store_kind kind; // what is counted
    } kinds[] = {{"applications", STORE_APPLICATION},
                 {"customers", STORE_CUSTOMER},
                 {"operators", STORE_OPERATOR},
                 {"sessions", STORE_SESSION}};
    enum fp_error error = FP_OK;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0] && error == FP_OK; i++) {
        struct store_query none = {0};
        uint64_t count = 0;
        error = store_count(job->registry->parts.store, kinds[i].kind, &none, &count);
        json_member_i64(json, kinds[i].name, (int64_t)count);
    }
    return error;
}

// Those that wait for somebody, the newest first.
static enum fp_error overview_attention(struct registry_job *job, struct json_out *json)
{
    static const uint32_t states[] = {CONNECTION_REQUIRES_REAUTHORIZATION, CONNECTION_UNREACHABLE};
    enum fp_error error = FP_OK;
    json_name(json, "attention");
    json_begin_array(json);
    for (size_t s = 0; s < sizeof states / sizeof states[0] && error == FP_OK; s++) {
        struct store_query query = {
            .state = states[s], .sort = "changed_ms", .newest_first = true, .limit = OVERVIEW_LIST};
        struct store_connection *rows = NULL;
        size_t count = 0;
        error =
            store_list_connections(job->registry->parts.store, &query, job->scratch, &rows, &count);
        for (size_t i = 0; error == FP_OK && i < count; i++) {
            connection_write(job, json, &rows[i]);
        }
    }
    json_end_array(json);
    return error;
}

static enum fp_error build_overview(struct registry_job *job)
{
    struct audit_health audit = audit_health(job->registry->parts.audit);
    struct json_out json = json_out_start(&job->body);
    enum fp_error error = FP_OK;
    json_begin_object(&json);
    json_name(&json, "data");
    json_begin_object(&json);
    error = overview_states(job, &json);
    error = error == FP_OK ? overview_counts(job, &json) : error;
    error = error == FP_OK ? overview_attention(job, &json) : error;
    json_name(&json, "audit");
    json_begin_object(&json);
    json_member_text_c(&json, "state", fp_error_code(audit.state));
    json_member_i64(&json, "last_seq", (int64_t)audit.last_seq);
    json_member_i64(&json, "checkpoint_seq", (int64_t)audit.checkpoint_seq);
    json_member_time(&json, "checkpoint_at", audit.checkpoint_ms);
    json_end_object(&json);
    json_end_object(&json);
    json_end_object(&json);
    if (error == FP_OK) {
        job_record(job, AUDIT_OPERATOR_VIEW)->detail = BYTES("{\"what\":\"overview\"}");
    }
    return error;
}

void console_overview(const struct console_ask *ask)
{
    list_run(ask, build_overview);
}
