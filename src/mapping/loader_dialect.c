// How the source wants filters and orders, how its answers are judged, and its enumerations.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

#include "base/limits.h"

#include <string.h>

static enum fp_error dialect_texts(struct loader *l, const struct yaml_node *node)
{
    struct mapping_dialect *d = &l->mapping->wire.dialect;
    const struct {
        const char *name;
        struct bytes *out;
    } texts[] = {
        {"in", &d->is_in},        {"ascending", &d->ascending}, {"descending", &d->descending},
        {"any_run", &d->any_run}, {"any_one", &d->any_one},     {"escape", &d->escape}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct yaml_node *text = yaml_member(node, texts[i].name);
        enum fp_error error = text != NULL ? loader__bytes(l, text, texts[i].out) : FP_OK;
        if (error != FP_OK) {
            return error;
        }
    }
    return FP_OK;
}

static enum fp_error dialect_operators(struct loader *l, const struct yaml_node *node)
{
    struct mapping_dialect *d = &l->mapping->wire.dialect;
    if (node == NULL || node->kind != YAML_MAP) {
        return FP_OK;
    }
    for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
        unsigned found = MODEL_OPERATOR_COUNT;
        for (unsigned i = 0; i < MODEL_OPERATOR_COUNT; i++) {
            if (bytes_equal_text(item->name, model_operator_name((enum model_operator)i))) {
                found = i;
            }
        }
        if (found == MODEL_OPERATOR_COUNT) {
            return loader__wrong_name(l, item, "\"%.*s\" is no operator.",
                                      BYTES_ARG(bytes_slice(item->name, 0, 40)));
        }
        enum fp_error error = loader__bytes(l, item, &d->operators[found]);
        if (error != FP_OK) {
            return error;
        }
    }
    return FP_OK;
}

static enum fp_error dialect_templates(struct loader *l, const struct yaml_node *node)
{
    struct mapping_dialect *d = &l->mapping->wire.dialect;
    const unsigned pair =
        LOADER_SLOT(SLOT_FIELD) | LOADER_SLOT(SLOT_OPERATOR) | LOADER_SLOT(SLOT_VALUE);
    const struct {
        const char *name;
        unsigned slots;
        struct template *out;
    } rows[] = {{"any", LOADER_SLOT(SLOT_CLAUSES), &d->any},
                {"all", LOADER_SLOT(SLOT_CLAUSES), &d->all},
                {"clause", pair, &d->clause},
                {"order", LOADER_SLOT(SLOT_FIELD) | LOADER_SLOT(SLOT_DIRECTION), &d->order}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct yaml_node *item = yaml_member(node, rows[i].name);
        if (item == NULL) {
            return loader__wrong(l, node, "\"%s\" is missing.", rows[i].name);
        }
        enum fp_error error = loader__json_template(l, item, rows[i].slots, rows[i].out);
        if (error != FP_OK) {
            return error;
        }
    }
    return FP_OK;
}

enum fp_error loader__dialect(struct loader *l, const struct yaml_node *wire)
{
    static const char *const names[] = {"any",     "all",    "clause",    "order",      "operators",
                                        "in",      "never",  "ascending", "descending", "any_run",
                                        "any_one", "escape", NULL};
    const struct yaml_node *node = yaml_member(wire, "filters");
    if (node == NULL) {
        return loader__wrong(l, wire, "\"filters\" is missing.");
    }
    enum fp_error error = loader__map(l, node, names);
    if (error == FP_OK) {
        error = dialect_templates(l, node);
    }
    if (error == FP_OK) {
        error = dialect_texts(l, node);
    }
    if (error == FP_OK) {
        error = dialect_operators(l, yaml_member(node, "operators"));
    }
    const struct yaml_node *never = yaml_member(node, "never");
    if (error == FP_OK && never == NULL) {
        error = loader__wrong(l, node, "\"never\" is missing: a clause that no record meets.");
    }
    return error != FP_OK ? error : loader__json(l, never, &l->mapping->wire.dialect.never);
}

static enum fp_error judge_status(struct loader *l, const struct yaml_node *node,
                                  struct mapping_judge *out)
{
    uint64_t low = 0;
    uint64_t high = 0;
    struct bytes rest = node->text;
    struct bytes first = {0};
    bool good = node->kind == YAML_SCALAR && bytes_split(&rest, '-', &first) &&
                bytes_to_u64(first, 599, &low) && low >= 100;
    high = low;
    if (good && rest.ptr != NULL) {
        good = bytes_to_u64(rest, 599, &high) && high >= low;
    }
    if (!good) {
        return loader__wrong(l, node, "\"status\" is an HTTP status, or two with a hyphen.");
    }
    out->status_low = (unsigned)low;
    out->status_high = (unsigned)high;
    return FP_OK;
}

static enum fp_error judge_verdict(struct loader *l, const struct yaml_node *node,
                                   enum mapping_verdict *out)
{
    static const char *const words[] = {[VERDICT_FAILED] = "failed",
                                        [VERDICT_CREDENTIAL] = "credential_rejected",
                                        [VERDICT_SESSION] = "session_expired",
                                        [VERDICT_PERMISSION] = "permission_missing",
                                        [VERDICT_NOT_FOUND] = "not_found",
                                        [VERDICT_RATE] = "rate_limited",
                                        [VERDICT_DOWN] = "down",
                                        [VERDICT_UNSUPPORTED] = "unsupported",
                                        [VERDICT_SETTINGS] = "settings_invalid",
                                        [VERDICT_FIELD] = "field_missing",
                                        [VERDICT_REJECTED] = "rejected",
                                        [VERDICT_CONFLICT] = "conflict"};
    const struct yaml_node *is = yaml_member(node, "is");
    for (unsigned i = 0; is != NULL && i < sizeof words / sizeof words[0]; i++) {
        if (is->kind == YAML_SCALAR && bytes_equal_text(is->text, words[i])) {
            *out = (enum mapping_verdict)i;
            return FP_OK;
        }
    }
    return loader__wrong(l, is != NULL ? is : node,
                         "\"is\" is failed, credential_rejected, session_expired, "
                         "permission_missing, not_found, rate_limited, down, unsupported, "
                         "settings_invalid, field_missing, rejected or conflict.");
}

static enum fp_error judge_text(struct loader *l, const struct yaml_node *node,
                                struct mapping_judge *out)
{
    static const char *const words[] = {NULL, "equals", "starts", "contains"};
    const struct yaml_node *at = yaml_member(node, "at");
    enum fp_error error = FP_OK;
    for (unsigned i = 1; i < 4 && error == FP_OK; i++) {
        const struct yaml_node *text = yaml_member(node, words[i]);
        if (text == NULL) {
            continue;
        }
        if (at == NULL || out->compare != JUDGE_NONE) {
            return loader__wrong(l, text, "\"at\" is missing, or there are two comparisons.");
        }
        out->compare = i;
        error =
            loader__text_template(l, text, TEMPLATE_PLAIN,
                                  LOADER_SLOT(SLOT_OBJECT) | LOADER_SLOT(SLOT_FIELD), &out->text);
    }
    if (error == FP_OK && at != NULL && out->compare == JUDGE_NONE) {
        error = loader__wrong(l, at, "\"equals\", \"starts\" or \"contains\" is missing.");
    }
    return error == FP_OK && at != NULL ? loader__answer_path(l, at, &out->path) : error;
}

static enum fp_error judge_during(struct loader *l, const struct yaml_node *node,
                                  struct mapping_judge *out)
{
    const char *during = "";
    enum fp_error error = loader__text(l, node, "during", false, &during);
    out->login_only = strcmp(during, "login") == 0;
    out->call_only = strcmp(during, "call") == 0;
    out->write_only = strcmp(during, "write") == 0;
    if (error == FP_OK && during[0] != '\0' && !out->login_only && !out->call_only &&
        !out->write_only) {
        error =
            loader__wrong(l, yaml_member(node, "during"), "\"during\" is login, call or write.");
    }
    return error;
}

static enum fp_error judge_rule(struct loader *l, const struct yaml_node *node,
                                struct mapping_judge *out)
{
    static const char *const names[] = {"status", "during",   "at", "equals",
                                        "starts", "contains", "is", NULL};
    const struct yaml_node *status = yaml_member(node, "status");
    enum fp_error error = loader__map(l, node, names);
    error = error != FP_OK ? error : judge_during(l, node, out);
    error = error != FP_OK || status == NULL ? error : judge_status(l, status, out);
    error = error != FP_OK ? error : judge_text(l, node, out);
    if (error == FP_OK && status == NULL && out->compare == JUDGE_NONE) {
        error = loader__wrong(l, node, "A rule needs \"status\" or \"at\".");
    }
    error = error != FP_OK ? error : judge_verdict(l, node, &out->is);
    // "'{field}'": the name is what stands between.
    bool named = out->text.count == 2 && out->text.parts[0].slot == SLOT_FIELD;
    if (error == FP_OK && out->is == VERDICT_FIELD && loader__is_http(l)) {
        return loader__wrong(l, node, "field_missing is for JSON-RPC only.");
    }
    if (error == FP_OK && (out->is == VERDICT_FIELD) != named) {
        error = loader__wrong(l, node, "field_missing needs one {field} in its text, and only it.");
    }
    return error;
}

enum fp_error loader__judges(struct loader *l, const struct yaml_node *wire)
{
    struct mapping_wire *w = &l->mapping->wire;
    const struct yaml_node *list = yaml_member(wire, "judge");
    enum fp_error error = FP_OK;
    if (list == NULL && loader__is_http(l)) {
        return FP_OK; // HTTP's own statuses say what is to be known
    }
    if (list == NULL || list->kind != YAML_LIST || list->count > MAPPING_RULES) {
        return loader__wrong(l, list != NULL ? list : wire,
                             "\"judge\" is a list of up to %d rules.", MAPPING_RULES);
    }
    for (const struct yaml_node *r = list->first; r != NULL && error == FP_OK; r = r->next) {
        error = judge_rule(l, r, &w->judges[w->judge_count]);
        w->judge_count++;
    }
    return error;
}

static enum fp_error enumeration_value(struct loader *l, const struct yaml_node *node,
                                       struct mapping_value *out)
{
    static const char *const names[] = {"key", "name", "active", NULL};
    const char *name = NULL;
    const char *key = NULL;
    out->active = true;
    out->source = arena_copy(l->arena, node->name);
    if (out->source.ptr == NULL) {
        return FP_E_NO_MEMORY;
    }
    out->key = out->source;
    if (node->kind == YAML_SCALAR) {
        return loader__bytes(l, node, &out->name);
    }
    enum fp_error error = loader__map(l, node, names);
    if (error == FP_OK) {
        error = loader__text(l, node, "name", true, &name);
    }
    if (error == FP_OK) {
        error = loader__text(l, node, "key", false, &key);
    }
    if (error == FP_OK) {
        error = loader__flag(l, node, "active", &out->active);
    }
    out->name = bytes_of_text(name);
    out->key = key != NULL ? bytes_of_text(key) : out->source;
    return error;
}

static enum fp_error enumeration_serves(struct loader *l, const struct yaml_node *node,
                                        struct mapping_enumeration *out)
{
    const char *path = NULL;
    enum fp_error error = loader__text(l, node, "statuses", false, &path);
    if (error != FP_OK || path == NULL) {
        return error;
    }
    for (size_t i = 0; i < MODEL_RESOURCE_COUNT; i++) {
        if (strncmp(model_resources[i].path, "statuses/", 9) == 0 &&
            strcmp(model_resources[i].path + 9, path) == 0) {
            out->serves = &model_resources[i];
            return FP_OK;
        }
    }
    return loader__wrong(l, yaml_member(node, "statuses"), "There is no list statuses/%s.", path);
}

static enum fp_error enumeration_one(struct loader *l, const struct yaml_node *node,
                                     struct mapping_enumeration *out)
{
    static const char *const names[] = {"statuses", "values", NULL};
    const struct yaml_node *values = yaml_member(node, "values");
    struct mapping_value *rows = NULL;
    enum fp_error error = loader__map(l, node, names);
    if (error == FP_OK && (values == NULL || values->kind != YAML_MAP || values->count == 0)) {
        error = loader__wrong(l, values != NULL ? values : node,
                              "\"values\" are the source's values with names.");
    }
    if (error == FP_OK && values->count > FP_LIMIT_ENUMERATION) {
        error = loader__wrong(l, values, "More than %d values.", FP_LIMIT_ENUMERATION);
    }
    if (error == FP_OK) {
        error = enumeration_serves(l, node, out);
    }
    if (error != FP_OK) {
        return error;
    }
    out->name = arena_text(l->arena, node->name);
    rows = arena_alloc(l->arena, values->count, sizeof *rows);
    if (rows == NULL || out->name == NULL) {
        return FP_E_NO_MEMORY;
    }
    out->values = rows;
    out->same = true;
    for (const struct yaml_node *v = values->first; v != NULL && error == FP_OK; v = v->next) {
        error = enumeration_value(l, v, &rows[out->count]);
        out->same = out->same && bytes_equal(rows[out->count].key, rows[out->count].source);
        out->count++;
    }
    return error;
}

enum fp_error loader__enumerations(struct loader *l, const struct yaml_node *root)
{
    const struct yaml_node *map = yaml_member(root, "enumerations");
    struct mapping_enumeration *rows = NULL;
    enum fp_error error = FP_OK;
    if (map == NULL) {
        return FP_OK;
    }
    if (map->kind != YAML_MAP) {
        return loader__wrong(l, map, "\"enumerations\" are names with values.");
    }
    rows = arena_alloc(l->arena, map->count, sizeof *rows);
    if (rows == NULL) {
        return FP_E_NO_MEMORY;
    }
    l->mapping->enumerations = rows;
    for (const struct yaml_node *e = map->first; e != NULL && error == FP_OK; e = e->next) {
        error = enumeration_one(l, e, &rows[l->mapping->enumeration_count++]);
    }
    return error;
}
