// Whether a field can be filtered and sorted by, and how the source calls it then.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

// A source that takes filters as parameters passes over those it does not know, so that a field is
// searched only where the definition says so.
static void search_defaults(const struct loader *l, struct mapping_rule *rule)
{
    bool plain = rule->kind == RULE_PATH;
    rule->searchable = (plain || rule->kind == RULE_FIRST) && rule->field->filterable;
    rule->sortable =
        plain && rule->field->filterable && !rule->paths[0].parent &&
        (rule->enumeration == NULL || rule->enumeration->same) &&
        (l->mapping->wire.dialect.form == DIALECT_JSON || l->mapping->wire.dialect.order_max != 0);
}

static bool search_operator(struct bytes word, enum model_operator *out)
{
    for (unsigned i = 0; i < MODEL_OPERATOR_COUNT; i++) {
        if (bytes_equal_text(word, model_operator_name((enum model_operator)i))) {
            *out = (enum model_operator)i;
            return true;
        }
    }
    return false;
}

static enum fp_error search_operators(struct loader *l, const struct yaml_node *list,
                                      struct mapping_rule *rule)
{
    if (list->kind != YAML_LIST || list->count == 0) {
        return loader__wrong(l, list, "\"operators\" is a list: equals, contains, gteq, ...");
    }
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        enum model_operator op = MODEL_EQUALS;
        if (item->kind != YAML_SCALAR || !search_operator(item->text, &op)) {
            return loader__wrong(l, item,
                                 "An operator is equals, contains, startsWith, endsWith, "
                                 "gt, gteq, lt or lteq.");
        }
        rule->operators |= 1u << op;
    }
    return FP_OK;
}

// true, false, a name, or a name with operators.
static enum fp_error search_said(struct loader *l, const struct yaml_node *node,
                                 struct mapping_rule *rule, bool *said, struct bytes *name)
{
    static const char *const names[] = {"by", "operators", NULL};
    if (yaml_bool(node, said)) {
        return FP_OK;
    }
    *said = true;
    if (node->kind == YAML_SCALAR) {
        return loader__bytes(l, node, name);
    }
    const struct yaml_node *by = yaml_member(node, "by");
    const struct yaml_node *operators = yaml_member(node, "operators");
    enum fp_error error = loader__map(l, node, names);
    if (error == FP_OK && by != NULL) {
        error = loader__bytes(l, by, name);
    }
    return error != FP_OK || operators == NULL ? error : search_operators(l, operators, rule);
}

// Names of its own, and lists of operators, are for sources that speak plain HTTP.
static enum fp_error search_allowed(struct loader *l, const struct yaml_node *node,
                                    const struct mapping_rule *rule, bool search, bool order)
{
    bool named = rule->filter_name.ptr != NULL || rule->sort_name.ptr != NULL;
    if (!loader__is_http(l) && (named || rule->operators != 0)) {
        return loader__wrong(l, node, "\"filter\" and \"sort\" are true or false.");
    }
    return (search && !rule->searchable) || (order && !rule->sortable)
               ? loader__wrong(l, node, "This field can be neither filtered nor sorted by.")
               : FP_OK;
}

static enum fp_error search_sort(struct loader *l, const struct yaml_node *sort,
                                 struct mapping_rule *rule, bool *order)
{
    struct mapping_rule other = {0};
    enum fp_error error = search_said(l, sort, &other, order, &rule->sort_name);
    return error == FP_OK && other.operators != 0
               ? loader__wrong(l, sort, "\"operators\" belong to \"filter\".")
               : error;
}

enum fp_error loader__rule_search(struct loader *l, const struct yaml_node *node,
                                  struct mapping_rule *rule)
{
    const struct yaml_node *filter = yaml_member(node, "filter");
    const struct yaml_node *sort = yaml_member(node, "sort");
    bool implied = l->mapping->wire.dialect.form != DIALECT_PARAMETERS;
    search_defaults(l, rule);
    bool search = rule->searchable && implied;
    bool order = rule->sortable && implied;
    enum fp_error error = FP_OK;
    if (filter != NULL) {
        error = search_said(l, filter, rule, &search, &rule->filter_name);
    }
    if (error == FP_OK && sort != NULL) {
        error = search_sort(l, sort, rule, &order);
    }
    error = error != FP_OK ? error : search_allowed(l, node, rule, search, order);
    rule->searchable = search;
    rule->sortable = order;
    return error;
}
