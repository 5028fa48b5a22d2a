// How a source that speaks plain HTTP wants filters and orders: as parameters of the address, or as
// one expression. SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

#include "base/limits.h"

#define TEXT_PAIR (LOADER_SLOT(SLOT_FIELD) | LOADER_SLOT(SLOT_VALUE))

static enum fp_error text_clause(struct loader *l, const struct yaml_node *node,
                                 struct mapping_clause *out)
{
    if (l->mapping->wire.dialect.form == DIALECT_EXPRESSION) {
        return loader__text_template(l, node, TEMPLATE_PLAIN, TEXT_PAIR, &out->text);
    }
    if (node->kind != YAML_MAP || node->count != 1 || node->first->kind != YAML_SCALAR) {
        return loader__wrong(l, node,
                             "One parameter with its value is expected here: "
                             "{\"{field}\": \"{value}\"}.");
    }
    struct yaml_node name = *node->first;
    name.text = node->first->name;
    enum fp_error error =
        loader__text_template(l, &name, TEMPLATE_PLAIN, LOADER_SLOT(SLOT_FIELD), &out->name);
    return error != FP_OK
               ? error
               : loader__text_template(l, node->first, TEMPLATE_PLAIN, TEXT_PAIR, &out->text);
}

static enum fp_error text_operators(struct loader *l, const struct yaml_node *map)
{
    struct mapping_dialect *d = &l->mapping->wire.dialect;
    enum fp_error error = FP_OK;
    if (map->kind != YAML_MAP) {
        return loader__wrong(l, map, "\"operators\" are names with clauses.");
    }
    for (const struct yaml_node *item = map->first; item != NULL && error == FP_OK;
         item = item->next) {
        unsigned found = MODEL_OPERATOR_COUNT;
        for (unsigned i = 0; i < MODEL_OPERATOR_COUNT; i++) {
            if (bytes_equal_text(item->name, model_operator_name((enum model_operator)i))) {
                found = i;
            }
        }
        if (bytes_equal_text(item->name, "in")) {
            error = text_clause(l, item, &d->one_of);
        } else if (found == MODEL_OPERATOR_COUNT) {
            error = loader__wrong_name(l, item, "\"%.*s\" is no operator.",
                                       BYTES_ARG(bytes_slice(item->name, 0, 40)));
        } else {
            error = text_clause(l, item, &d->words[found]);
        }
    }
    return error;
}

static enum fp_error text_literals(struct loader *l, const struct yaml_node *map)
{
    struct mapping_dialect *d = &l->mapping->wire.dialect;
    enum fp_error error = FP_OK;
    if (map->kind != YAML_MAP) {
        return loader__wrong(l, map, "\"literals\" are types with texts around {value}.");
    }
    for (const struct yaml_node *item = map->first; item != NULL && error == FP_OK;
         item = item->next) {
        unsigned found = FORM_COUNT;
        for (unsigned i = 0; i < FORM_COUNT; i++) {
            if (bytes_equal_text(item->name, loader__forms[i].word)) {
                found = loader__forms[i].form;
            }
        }
        error = found == FORM_COUNT
                    ? loader__wrong_name(l, item,
                                         "A type is text, integer, float, decimal, "
                                         "boolean, date or datetime.")
                    : loader__text_template(l, item, TEMPLATE_PLAIN, LOADER_SLOT(SLOT_VALUE),
                                            &d->literals[found]);
    }
    return error;
}

static enum fp_error text_order(struct loader *l, const struct yaml_node *node)
{
    struct mapping_dialect *d = &l->mapping->wire.dialect;
    const struct yaml_node *order = yaml_member(node, "order");
    const struct yaml_node *most = yaml_member(node, "order_max");
    uint64_t number = FP_LIMIT_SORTS + 1; // the key besides those of a client
    if (order == NULL) {
        return most != NULL ? loader__wrong(l, most, "There is no \"order\".") : FP_OK;
    }
    if (most != NULL && (!yaml_u64(most, FP_LIMIT_SORTS + 1, &number) || number == 0)) {
        return loader__wrong(l, most, "\"order_max\" is a number from 1 to %d.",
                             FP_LIMIT_SORTS + 1);
    }
    d->order_max = (unsigned)number;
    return loader__text_template(l, order, TEMPLATE_PLAIN,
                                 LOADER_SLOT(SLOT_FIELD) | LOADER_SLOT(SLOT_DIRECTION), &d->order);
}

static enum fp_error text_words(struct loader *l, const struct yaml_node *node)
{
    struct mapping_dialect *d = &l->mapping->wire.dialect;
    const struct {
        const char *name;
        struct bytes *out;
    } texts[] = {{"ascending", &d->ascending},   {"descending", &d->descending},
                 {"order_with", &d->order_with}, {"in_with", &d->one_with},
                 {"all_with", &d->all_with},     {"any_with", &d->any_with},
                 {"doubled", &d->doubled},       {"refused", &d->refused}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct yaml_node *text = yaml_member(node, texts[i].name);
        enum fp_error error = text != NULL ? loader__bytes(l, text, texts[i].out) : FP_OK;
        if (error != FP_OK) {
            return error;
        }
    }
    return d->doubled.len > 1
               ? loader__wrong(l, yaml_member(node, "doubled"), "\"doubled\" is one character.")
               : FP_OK;
}

static enum fp_error text_form(struct loader *l, const struct yaml_node *node)
{
    struct mapping_dialect *d = &l->mapping->wire.dialect;
    const struct yaml_node *form = yaml_member(node, "form");
    if (form == NULL || form->kind != YAML_SCALAR) {
        return loader__wrong(l, node, "\"form\" is parameters or expression.");
    }
    if (bytes_equal_text(form->text, "parameters")) {
        return FP_OK;
    }
    if (!bytes_equal_text(form->text, "expression")) {
        return loader__wrong(l, form, "\"form\" is parameters or expression.");
    }
    d->form = DIALECT_EXPRESSION;
    return yaml_member(node, "all_with") == NULL || yaml_member(node, "any_with") == NULL
               ? loader__wrong(l, node, "An expression needs \"all_with\" and \"any_with\".")
               : FP_OK;
}

enum fp_error loader__text_dialect(struct loader *l, const struct yaml_node *wire)
{
    static const char *const names[] = {
        "form",     "refused", "operators",  "literals",  "doubled",   "in_with",    "all_with",
        "any_with", "order",   "order_with", "order_max", "ascending", "descending", NULL};
    struct mapping_dialect *d = &l->mapping->wire.dialect;
    const struct yaml_node *node = yaml_member(wire, "filters");
    const struct yaml_node *operators = yaml_member(node, "operators");
    const struct yaml_node *literals = yaml_member(node, "literals");
    d->form = DIALECT_PARAMETERS;
    d->order_with = BYTES(",");
    d->one_with = BYTES(",");
    if (node == NULL) {
        return FP_OK; // nothing can be filtered or sorted by
    }
    enum fp_error error = loader__map(l, node, names);
    error = error != FP_OK ? error : text_form(l, node);
    error = error != FP_OK ? error : text_words(l, node);
    error = error != FP_OK || operators == NULL ? error : text_operators(l, operators);
    error = error != FP_OK || literals == NULL ? error : text_literals(l, literals);
    return error != FP_OK ? error : text_order(l, node);
}
