// Definitions: what is right loads, what is wrong is refused at its line and column with a reason.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/definition.h"

#include "mapping_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct mapping *load(const char *text)
{
    struct mapping *m = NULL;
    struct fp_note note = {0};
    enum fp_error error = mapping_load(bytes_of_text(text), &m, &note);
    if (error != FP_OK) {
        fail_msg("%u:%u: %s", note.line, note.column, note.text);
    }
    return m;
}

static void test_mapping_loader__sample_loads(void **state)
{
    (void)state;
    struct mapping *m = load(SAMPLE);
    assert_string_equal(m->platform, "sample");
    assert_int_equal(m->credential_count, 3);
    assert_int_equal(m->wire.step_count, 2);
    assert_int_equal(m->wire.kept_count, 4);
    assert_int_equal(m->domains, 1u << MODEL_DOMAIN_ERP);
    const struct model_operation *o = &model_operations[MODEL_OP_ERP_PURCHASE_ORDERS_LIST];
    const struct mapping_resource *r = mapping_resource_of(m, o);
    assert_non_null(r);
    assert_true(bytes_equal_text(
        r->fields, "[\"id\",\"date\",\"party\",\"number\",\"state\",\"party.name\",\"total\","
                   "\"write_date\",\"create_date\",\"lines.type\",\"lines.id\",\"lines.product\","
                   "\"lines.product.name\",\"lines.quantity\"]"));
    assert_null(mapping_resource_of(m, &model_operations[MODEL_OP_EAM_ASSETS_LIST]));
    assert_non_null(
        mapping_statuses_of(m, &model_operations[MODEL_OP_ERP_STATUSES_PURCHASE_ORDERS_STATUSES]));
    assert_null(mapping_statuses_of(m, &model_operations[MODEL_OP_ERP_STATUSES_RFQ_STATUSES]));
    mapping_free(m);
}

static void test_mapping_loader__parents_ask_for_their_own_fields(void **state)
{
    (void)state;
    struct mapping *m = load(SAMPLE);
    const struct mapping_resource *r = m->resources[MODEL_RESOURCE_STOCKS];
    assert_non_null(r->each);
    assert_true(bytes_equal_text(r->each->fields, "[\"id\"]"));
    assert_true(bytes_equal_text(r->fields, "[\"id\",\"quantity\"]"));
    mapping_free(m);
}

// Each row: a piece of the sample, what takes its place, where the mistake then stands (counted
// from the start of the piece), and a word of the reason.
struct wrong {
    const char *piece;
    const char *instead;
    unsigned line;   // added to the line of the piece
    unsigned column; // of the mistake
    const char *reason;
};

static const struct wrong wrongs[] = {
    {"platform: sample", "platform: Sample", 0, 11, "lower-case"},
    {"platform: sample\n", "", 0, 1, "\"platform\" is missing"},
    {"title: Sample", "titel: Sample", 0, 1, "\"titel\" is not known"},
    {"proof: documented", "proof: sure", 0, 8, "real, protocol or documented"},
    {"driver: jsonrpc", "driver: odata", 0, 9, "no driver"},
    {"categories: [erp]", "categories: [erp, crm]", 0, 19, "eam, erp or wms"},
    {"categories: [erp]", "categories: erp", 0, 13, "list"},
    {"{name: user, label: User, help: h}", "{name: url, label: User, help: h}", 0, 5, "twice"},
    {"{name: user, label: User, help: h}", "{name: user, help: h}", 0, 5, "\"label\" is missing"},
    {"{name: user, label: User, help: h}", "{name: user, label: U, kind: odd}", 0, 34, "kind"},
    {"{name: user, label: User, help: h}", "{name: user, label: U, max: 0}", 0, 33, "\"max\""},
    {"{name: user, label: User, help: h}", "{name: user, label: U, optional: 1}", 0, 38,
     "true or false"},
    {"url: \"{credentials.url}/rpc/\"", "url: \"{credentials.password}/rpc/\"", 0, 8, "secret"},
    {"url: \"{credentials.url}/rpc/\"", "url: \"{credentials.nope}/rpc/\"", 0, 8, "no \"nope\""},
    {"url: \"{credentials.url}/rpc/\"", "url: \"{filter}/rpc/\"", 0, 8, "no value here"},
    {"url: \"{credentials.url}/rpc/\"", "url: \"{credentials.url/rpc/\"", 0, 8, "not closed"},
    {"  body: {id: $id", "  body: {id: $idd", 0, 14, "no value here"},
    {"  answer: {id: id, result: result, error: error}", "  answer: {id: id, result: result}", 0,
     11, "\"error\" is missing"},
    {"parts: [year, month, day, hour, minute, second, microsecond]", "parts: [year]", 0, 12,
     "7 members"},
    {"key: integer", "key: number", 0, 10, "integer or text"},
    {"keep: {id: \"0\", key: \"1\"}", "keep: {id: \"0\", company: \"1\"}", 1, 50, "kept twice"},
    {"{session.key}", "{session.nope}", 0, 21, "no \"nope\""},
    {"    any: [OR, $clauses]\n", "", 0, 5, "\"any\" is missing"},
    {"    never: [id, in, []]\n", "", -7u, 5, "\"never\" is missing"},
    {"contains: ilike, startsWith", "has: ilike, startsWith", 0, 30, "no operator"},
    {"status: 401, is: credential_rejected", "status: 999, is: credential_rejected", 0, 31,
     "status"},
    {"is: credential_rejected", "is: sad", 0, 40, "\"is\""},
    {"{status: 429, is: rate_limited}", "{is: rate_limited}", 0, 7, "\"status\" or \"at\""},
    {"{status: 429, is: rate_limited}", "{at: error, is: rate_limited}", 0, 12, "missing"},
    {"statuses: purchase-orders", "statuses: dreams", 0, 15, "no list statuses/dreams"},
    {"key: draft}", "kee: draft}", 0, 24, "not known"},
    {"  vendors:\n", "  vendor:\n", 0, 3, "no resource \"vendor\""},
    {"  vendors:\n    object: party\n", "  vendors:\n", 1, 5, "\"object\" is missing"},
    {"{key: id, name: name, code: code, c", "{kee: id, name: name, code: code, c", 0, 14,
     "Vendor has no field \"kee\""},
    {"{key: id, name: name, code: code, c", "{name: name, code: code, c", 0, 13, "\"key\" must be"},
    {"orderDate: {path: date, type: date}", "orderDate: {path: date, type: decimal}", 0, 37,
     "does not become one"},
    {"orderDate: {path: date, type: date}", "orderDate: {path: date, type: day}", 0, 37,
     "A type is"},
    {"orderDate: {path: date, type: date}", "orderDate: {type: date}", 0, 18, "missing"},
    {"orderDate: {path: date, type: date}", "orderDate: {path: date, first: [a]}", 0, 31,
     "two sources"},
    {"orderDate: {path: date, type: date}", "orderDate: {path: a..b}", 0, 25, "dots between"},
    {"orderDate: {path: date, type: date}", "orderDate: {path: date, shift: 2}", 0, 38, "shift"},
    {"statusKey: {path: state, enum: states}", "statusKey: {path: state, enum: status}", 0, 38,
     "no enumeration"},
    {"terms: {const: net}", "terms: {const: 5}", 0, 14, "no text"},
    {"terms: {const: net}", "terms: {const: net, filter: true}", 0, 14, "neither"},
    {"isAssembly: {exists: boms}", "isAssembly: {join: [boms]}", 0, 36, "gives a text"},
    {"only: {type: line}", "only: line", 0, 15, "one path"},
    {"inventory: {fields: {quantity: quantity}}", "inventory: {at: x}", 0, 18,
     "\"fields\" is missing"},
    {"locationKey: each.id", "locationKey: {path: each.id, sort: true}", 0, 82, "neither"},
    {"    each: {object: place, where: [[type, \"=\", storage]]}\n", "", 3, 13, "\"key\" must be"},
    {"params: [[$record], $context], key: \"0\"", "params: [$context], key: \"0\"", 0, 13,
     "$record"},
    {"params: [[$record], $context], key: \"0\"", "params: [[$record], $context]", 0, 13,
     "\"key\""},
    {"params: [[$key], $record, $context]", "params: [$record, $context]", 0, 13, "$key"},
    {"  lines: {add: [create, [$records]], change", "  lines: {ad: [create, [$records]], change", 0,
     11, "not known"},
    {"    write: {create: true, update: true, set", "    write: {set", 0, 12, "must be true"},
    {"code: code},\n      find", "createdAt: code, key: id},\n      find", 0, 67,
     "cannot be written"},
    {"code: code},\n      find", "code: name},\n      find", 0, 56, "already"},
    {"code: code},\n      find", "colour: code},\n      find", 0, 50, "no field"},
    {"find: {term: {object: terms", "find: {name: {object: terms", 0, 20, "already"},
    {"find: {term: {object: terms", "find: {term: {objekt: terms", 0, 21, "not known"},
    {"set: {type: line}", "set: line", 0, 16, "\"set\""},
    {"required: true, only: create", "required: true, only: update", 0, 54, "\"only\""},
    {"updatedAt: {to: seen, type: datetime}", "updatedAt: {to: seen, type: decimal}", 0, 37,
     "become"},
    {"lineItems:\n          to: lines", "lineItems:\n          too: lines", 1, 11, "not known"},
    {"where: [[production, \"=\", $key]]", "where: []", 0, 12, "empty"},
    {"where: [[production, \"=\", $key]]", "where: [[production, \"=\", $value]]", 0, 31,
     "no value"},
};

static unsigned lines_before(const char *text, const char *at)
{
    unsigned lines = 1;
    for (; text < at; text++) {
        lines += *text == '\n' ? 1 : 0;
    }
    return lines;
}

static bool mistake_is_found(const struct wrong *w)
{
    static char text[32768];
    const char *at = strstr(SAMPLE, w->piece);
    struct mapping *m = NULL;
    struct fp_note note = {0};
    assert_non_null(at);
    (void)snprintf(text, sizeof text, "%.*s%s%s", (int)(at - SAMPLE), SAMPLE, w->instead,
                   at + strlen(w->piece));
    enum fp_error error = mapping_load(bytes_of_text(text), &m, &note);
    unsigned line = lines_before(SAMPLE, at) + w->line;
    mapping_free(m);
    if (error == FP_E_DEFINITION_INVALID && strstr(note.text, w->reason) != NULL &&
        note.line == line && note.column == w->column) {
        return true;
    }
    print_error("%s: error %d at %u:%u %s, not %u:%u %s\n", w->instead, (int)error, note.line,
                note.column, note.text, line, w->column, w->reason);
    return false;
}

static void test_mapping_loader__mistakes_have_a_place_and_a_reason(void **state)
{
    (void)state;
    unsigned missed = 0;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        missed += mistake_is_found(&wrongs[i]) ? 0 : 1;
    }
    assert_int_equal(missed, 0);
}

static void test_mapping_loader__cut_anywhere_is_refused_or_loads(void **state)
{
    (void)state;
    struct bytes whole = BYTES(SAMPLE);
    for (size_t len = 0; len < whole.len; len += 7) {
        struct mapping *m = NULL;
        struct fp_note note = {0};
        enum fp_error error = mapping_load(bytes_slice(whole, 0, len), &m, &note);
        assert_true(error == FP_OK || error == FP_E_DEFINITION_INVALID);
        assert_true(error == FP_OK || note.text[0] != '\0');
        mapping_free(m);
    }
}

static void test_mapping_loader__warns(void **state)
{
    (void)state;
    struct mapping *m = load(SAMPLE);
    bool found = false;
    for (unsigned i = 0; i < m->warning_count; i++) {
        found = found || strstr(m->warnings[i].text, "cannot be filtered by updatedAt") != NULL;
        assert_true(m->warnings[i].line != 0);
    }
    assert_true(found);
    mapping_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mapping_loader__sample_loads),
        cmocka_unit_test(test_mapping_loader__parents_ask_for_their_own_fields),
        cmocka_unit_test(test_mapping_loader__mistakes_have_a_place_and_a_reason),
        cmocka_unit_test(test_mapping_loader__cut_anywhere_is_refused_or_loads),
        cmocka_unit_test(test_mapping_loader__warns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
