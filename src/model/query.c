// Parses the query string, one parameter after the other, and collects what is wrong with each.
// SPDX-License-Identifier: Apache-2.0
#include "model/query_int.h"

#include "model/url.h"

#include <stdio.h>
#include <string.h>

#define QUERY_PARAMETERS 64 // FILTERS + SORTS and the plain ones, rounded up
#define QUERY_NAME_MAX   128

struct query_parser {
    const struct model_operation *operation; // what is asked for
    struct arena *arena;                     // for decoded text
    struct json_out *errors;                 // open array
    struct model_query query;                // being filled
    struct bytes names[QUERY_PARAMETERS];    // seen so far, for repeats
    unsigned name_count;                     // of names
    bool wrong;                              // something was reported
    bool has_per_page;                       // per_page was sent: it wins over pageSize
};

struct query_word {
    const char *word;       // behind the colon
    enum model_operator op; // what it means
};

static const struct query_word query_words[] = {
    {"", MODEL_EQUALS},
    {"contains", MODEL_CONTAINS},
    {"startsWith", MODEL_STARTS_WITH},
    {"endsWith", MODEL_ENDS_WITH},
    {"gt", MODEL_GREATER},
    {"gteq", MODEL_GREATER_EQUAL},
    {"lt", MODEL_LESS},
    {"lteq", MODEL_LESS_EQUAL},
    {"lted", MODEL_LESS_EQUAL}, // as published; kept for existing clients
};

uint64_t model_query_offset(const struct model_query *query)
{
    return (uint64_t)(query->page - 1) * query->per_page;
}

const char *model_operator_name(enum model_operator op)
{
    return op == MODEL_EQUALS ? "equals" : query_words[op].word;
}

void model_error_row(struct json_out *errors, struct bytes field, const char *code,
                     const char *message)
{
    json_begin_object(errors);
    json_member_text(errors, "field", bytes_slice(field, 0, QUERY_NAME_MAX));
    json_member_text_c(errors, "code", code);
    json_member_text_c(errors, "message", message);
    json_end_object(errors);
}

static void query_wrong(struct query_parser *p, struct bytes name, const char *code,
                        const char *message)
{
    p->wrong = true;
    model_error_row(p->errors, name, code, message);
}

// "filter[code:gt]" with prefix "filter[" gives "code:gt".
static bool query_inner(struct bytes name, const char *prefix, struct bytes *inner_out)
{
    size_t len = strlen(prefix);
    if (!bytes_starts_with(name, bytes_of_text(prefix)) || !bytes_ends_with(name, BYTES("]")) ||
        name.len < len + 1) {
        return false;
    }
    *inner_out = bytes_slice(name, len, name.len - len - 1);
    return true;
}

static const struct model_field *query_field(struct query_parser *p, struct bytes name,
                                             struct bytes inner)
{
    const struct model_entity *entity = p->operation->entity;
    const struct model_field *field = entity != NULL ? model_field_find(entity, inner) : NULL;
    if (field == NULL) {
        query_wrong(p, name, "FIELD_UNKNOWN", "The entity has no such field.");
    } else if (!field->filterable) {
        query_wrong(p, name, "FIELD_NOT_COMPARABLE",
                    "The field is a list or an object: it can be neither filtered nor sorted.");
        field = NULL;
    }
    return field;
}

static bool query_operator(struct bytes word, enum model_operator *out)
{
    for (size_t i = 0; i < sizeof query_words / sizeof query_words[0]; i++) {
        if (bytes_equal_text(word, query_words[i].word)) {
            *out = query_words[i].op;
            return true;
        }
    }
    return false;
}

static void query_filter(struct query_parser *p, struct bytes name, struct bytes inner,
                         struct bytes value)
{
    struct model_filter filter = {.name = name, .value = value};
    struct bytes rest = inner;
    struct bytes field = {0};
    const char *why = NULL;
    if (!bytes_split(&rest, ':', &field)) {
        field = inner;
    }
    if (rest.ptr != NULL && (rest.len == 0 || !query_operator(rest, &filter.op))) {
        query_wrong(
            p, name, "OPERATOR_UNKNOWN",
            "Use contains, startsWith, endsWith, gt, gteq, lt or lteq, or none for equals.");
        return;
    }
    filter.field = query_field(p, name, field);
    if (filter.field == NULL) {
        return;
    }
    if (!model__query_operator_fits(filter.op, filter.field->type)) {
        query_wrong(p, name, "OPERATOR_UNFIT", "This operator does not fit the type of the field.");
        return;
    }
    why = model__query_value(&filter);
    if (why != NULL) {
        query_wrong(p, name, "VALUE_INVALID", why);
    } else if (p->query.filter_count == FP_LIMIT_FILTERS) {
        query_wrong(p, name, "TOO_MANY", "A request may have at most 32 filters.");
    } else {
        p->query.filters[p->query.filter_count++] = filter;
    }
}

static void query_sort(struct query_parser *p, struct bytes name, struct bytes inner,
                       struct bytes value)
{
    struct model_sort sort = {.name = name, .descending = bytes_equal_text(value, "1")};
    sort.field = query_field(p, name, inner);
    if (sort.field == NULL) {
        return;
    }
    if (!sort.descending && !bytes_equal_text(value, "0")) {
        query_wrong(p, name, "VALUE_INVALID", "Send 0 for ascending, 1 for descending.");
    } else if (p->query.sort_count == FP_LIMIT_SORTS) {
        query_wrong(p, name, "TOO_MANY", "A request may sort by at most 8 fields.");
    } else {
        p->query.sorts[p->query.sort_count++] = sort;
    }
}

static void query_count(struct query_parser *p, struct bytes name, struct bytes value, uint64_t max,
                        const char *message, uint32_t *out)
{
    uint64_t number = 0;
    if (bytes_to_u64(value, max, &number) && number >= 1) {
        *out = (uint32_t)number;
    } else {
        query_wrong(p, name, "VALUE_INVALID", message);
    }
}

static void query_plain(struct query_parser *p, struct bytes name, struct bytes value)
{
    static const char size_text[] = "Send a whole number from 1 to 500.";
    uint32_t ignored = 0;
    if (bytes_equal_text(name, "page")) {
        query_count(p, name, value, FP_LIMIT_PAGE_MAX, "Send a whole number from 1 to 1000000000.",
                    &p->query.page);
    } else if (bytes_equal_text(name, "per_page")) {
        p->has_per_page = true;
        query_count(p, name, value, FP_LIMIT_PAGE_SIZE_MAX, size_text, &p->query.per_page);
    } else if (bytes_equal_text(name, "pageSize")) {
        query_count(p, name, value, FP_LIMIT_PAGE_SIZE_MAX, size_text,
                    p->has_per_page ? &ignored : &p->query.per_page);
    } else if (bytes_equal_text(name, "filterMatch")) {
        p->query.match_any = bytes_equal_text(value, "any");
        if (!p->query.match_any && !bytes_equal_text(value, "all")) {
            query_wrong(p, name, "VALUE_INVALID", "Send any or all.");
        }
    } else {
        query_wrong(p, name, "PARAMETER_UNKNOWN", "This operation has no such parameter.");
    }
}

static bool query_is_repeated(struct query_parser *p, struct bytes name)
{
    for (unsigned i = 0; i < p->name_count; i++) {
        if (bytes_equal(p->names[i], name)) {
            return true;
        }
    }
    p->names[p->name_count++] = name;
    return false;
}

// Operations that show records: which fields, and the source's own record beside. Statuses come
// from the definition: they have no other record.
static bool query_takes_view(const struct query_parser *p, struct bytes name)
{
    const struct model_operation *o = p->operation;
    if (o->domain == MODEL_DOMAIN_SYSTEM || o->write || o->entity == NULL) {
        return false;
    }
    return bytes_equal_text(name, "fields") ||
           (bytes_equal_text(name, "include_raw") && o->kind != MODEL_KIND_STATUSES);
}

static void query_select(struct query_parser *p, struct bytes name, struct bytes value)
{
    const struct model_entity *entity = p->operation->entity;
    const struct model_field *key = model_field_find(entity, BYTES("key"));
    struct bytes rest = value;
    struct bytes word = {0};
    while (value.len != 0 && bytes_split(&rest, ',', &word)) {
        const struct model_field *field = model_field_find(entity, word);
        if (field == NULL) {
            char message[96];
            (void)snprintf(message, sizeof message, "%s has no field \"%.*s\".", entity->name,
                           BYTES_ARG(bytes_slice(word, 0, 40)));
            query_wrong(p, name, "FIELD_UNKNOWN", message);
            continue;
        }
        model_fields_add(&p->query.fields, (unsigned)(field - entity->fields));
    }
    if (value.len == 0) {
        query_wrong(p, name, "VALUE_INVALID", "Send names of fields with commas between.");
    }
    if (key != NULL) {
        model_fields_add(&p->query.fields, (unsigned)(key - entity->fields));
    }
    p->query.selects = true;
}

static bool query_truth(struct query_parser *p, struct bytes name, struct bytes value)
{
    bool truth = bytes_equal_text(value, "true");
    if (!truth && !bytes_equal_text(value, "false")) {
        query_wrong(p, name, "VALUE_INVALID", "Send true or false.");
    }
    return truth;
}

static void query_view(struct query_parser *p, struct bytes name, struct bytes value)
{
    if (bytes_equal_text(name, "fields")) {
        query_select(p, name, value);
    } else {
        p->query.include_raw = query_truth(p, name, value);
    }
}

// The one parameter of operations that change a source's records.
static bool query_takes_dry_run(const struct query_parser *p, struct bytes name)
{
    return p->operation->write && p->operation->domain != MODEL_DOMAIN_SYSTEM &&
           bytes_equal_text(name, "validate_only");
}

static void query_parameter(struct query_parser *p, struct bytes name, struct bytes value)
{
    struct bytes inner = {0};
    bool dry_run = query_takes_dry_run(p, name);
    bool view = query_takes_view(p, name);
    if (!dry_run && !view && !p->operation->list) {
        query_wrong(p, name, "PARAMETER_UNKNOWN", "This operation has no such parameter.");
    } else if (query_is_repeated(p, name)) {
        query_wrong(p, name, "PARAMETER_REPEATED", "Send each parameter once.");
    } else if (dry_run) {
        p->query.validate_only = query_truth(p, name, value);
    } else if (view) {
        query_view(p, name, value);
    } else if (query_inner(name, "filter[", &inner)) {
        query_filter(p, name, inner, value);
    } else if (query_inner(name, "sort[", &inner)) {
        query_sort(p, name, inner, value);
    } else {
        query_plain(p, name, value);
    }
}

// One name=value; both are decoded.
static enum fp_error query_pair(struct query_parser *p, struct bytes pair)
{
    struct bytes rest = pair;
    struct bytes raw_name = {0};
    struct bytes name = {0};
    struct bytes value = {0};
    (void)bytes_split(&rest, '=', &raw_name);
    enum fp_error error = url_decode(raw_name, true, p->arena, &name);
    if (error == FP_OK) {
        error = url_decode(rest.ptr == NULL ? BYTES("") : rest, true, p->arena, &value);
    }
    if (error == FP_E_INPUT_INVALID) {
        query_wrong(p, bytes_is_utf8(raw_name) ? raw_name : BYTES("?"), "ENCODING_INVALID",
                    "Percent-encode UTF-8 without control characters.");
        return FP_OK;
    }
    if (error == FP_OK) {
        query_parameter(p, name, value);
    }
    return error;
}

enum fp_error model_query_parse(struct bytes raw, const struct model_operation *operation,
                                struct arena *arena, struct json_out *errors,
                                struct model_query *out)
{
    struct query_parser *p = arena_alloc(arena, 1, sizeof *p);
    struct bytes rest = raw;
    struct bytes pair = {0};
    unsigned count = 0;
    if (p == NULL) {
        return FP_E_NO_MEMORY;
    }
    p->operation = operation;
    p->arena = arena;
    p->errors = errors;
    p->query.page = 1;
    p->query.per_page = FP_LIMIT_PAGE_SIZE_DEFAULT;
    p->query.raw = raw;
    while (raw.len != 0 && bytes_split(&rest, '&', &pair)) {
        if (pair.len == 0) {
            continue;
        }
        if (++count > QUERY_PARAMETERS) {
            query_wrong(p, BYTES("?"), "TOO_MANY", "A request may have at most 64 parameters.");
            break;
        }
        enum fp_error error = query_pair(p, pair);
        if (error != FP_OK) {
            return error;
        }
    }
    if (p->wrong) {
        return FP_E_PARAMETER_INVALID;
    }
    *out = p->query;
    return FP_OK;
}
