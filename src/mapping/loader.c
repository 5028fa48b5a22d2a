// Loading a definition: identity and credentials, and the helpers of the other parts.
// SPDX-License-Identifier: Apache-2.0
#include "mapping/loader_int.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum fp_error loader__wrong(struct loader *l, const struct yaml_node *node, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    yaml_note(l->note, node, "%s", text);
    return FP_E_DEFINITION_INVALID;
}

enum fp_error loader__wrong_name(struct loader *l, const struct yaml_node *node, const char *format,
                                 ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    yaml_note_name(l->note, node, "%s", text);
    return FP_E_DEFINITION_INVALID;
}

void loader__warn(struct loader *l, const struct yaml_node *node, const char *format, ...)
{
    va_list arguments;
    if (l->mapping->warning_count == MAPPING_WARNINGS) {
        return;
    }
    struct mapping_warning *warning = &l->mapping->warnings[l->mapping->warning_count++];
    warning->line = node->name_line != 0 ? node->name_line : node->line;
    warning->column = node->name_line != 0 ? node->name_column : node->column;
    va_start(arguments, format);
    (void)vsnprintf(warning->text, sizeof warning->text, format, arguments);
    va_end(arguments);
}

enum fp_error loader__map(struct loader *l, const struct yaml_node *node, const char *const *names)
{
    const struct yaml_node *unknown = NULL;
    if (node->kind != YAML_MAP) {
        return loader__wrong(l, node, "Names with values are expected here.");
    }
    unknown = yaml_unknown_member(node, names);
    if (unknown != NULL) {
        return loader__wrong_name(l, unknown, "\"%.*s\" is not known here.",
                                  BYTES_ARG(bytes_slice(unknown->name, 0, 60)));
    }
    return FP_OK;
}

enum fp_error loader__bytes(struct loader *l, const struct yaml_node *node, struct bytes *out)
{
    struct bytes copy = {0};
    if (node->kind != YAML_SCALAR || node->text.len > FP_LIMIT_DEFINITION_TEXT) {
        return loader__wrong(l, node, "A text of at most %d bytes is expected here.",
                             FP_LIMIT_DEFINITION_TEXT);
    }
    copy = arena_copy(l->arena, node->text);
    if (copy.ptr == NULL) {
        return FP_E_NO_MEMORY;
    }
    *out = copy;
    return FP_OK;
}

enum fp_error loader__text(struct loader *l, const struct yaml_node *map, const char *name,
                           bool required, const char **out)
{
    const struct yaml_node *node = yaml_member(map, name);
    struct bytes text = {0};
    if (node == NULL && !required) {
        return FP_OK;
    }
    if (node == NULL) {
        return loader__wrong(l, map, "\"%s\" is missing.", name);
    }
    enum fp_error error = loader__bytes(l, node, &text);
    if (error == FP_OK && text.len == 0) {
        error = loader__wrong(l, node, "\"%s\" is empty.", name);
    }
    if (error == FP_OK) {
        *out = (const char *)text.ptr; // arena_copy() ends it with NUL
    }
    return error;
}

enum fp_error loader__flag(struct loader *l, const struct yaml_node *map, const char *name,
                           bool *out)
{
    const struct yaml_node *node = yaml_member(map, name);
    if (node != NULL && !yaml_bool(node, out)) {
        return loader__wrong(l, node, "\"%s\" is true or false.", name);
    }
    return FP_OK;
}

static enum fp_error loader_domains(struct loader *l, const struct yaml_node *root)
{
    static const char *const names[] = {"eam", "erp", "wms"};
    const struct yaml_node *list = yaml_member(root, "categories");
    if (list == NULL || list->kind != YAML_LIST || list->count == 0) {
        return loader__wrong(l, list != NULL ? list : root,
                             "\"categories\" is a list of eam, erp, wms.");
    }
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        unsigned found = 3;
        for (unsigned i = 0; i < 3; i++) {
            if (item->kind == YAML_SCALAR && bytes_equal_text(item->text, names[i])) {
                found = i;
            }
        }
        if (found == 3) {
            return loader__wrong(l, item, "A category is eam, erp or wms.");
        }
        l->mapping->domains |= 1u << found;
    }
    return FP_OK;
}

static enum fp_error loader_identity(struct loader *l, const struct yaml_node *root)
{
    struct mapping *m = l->mapping;
    const char *proof = NULL;
    enum fp_error error = loader__text(l, root, "platform", true, &m->platform);
    if (error == FP_OK) {
        error = loader__text(l, root, "title", true, &m->title);
    }
    if (error == FP_OK) {
        error = loader__text(l, root, "about", false, &m->about);
    }
    if (error == FP_OK) {
        error = loader__text(l, root, "versions", false, &m->versions);
    }
    if (error == FP_OK) {
        error = loader__text(l, root, "driver", true, &m->driver);
    }
    if (error == FP_OK) {
        error = loader__text(l, root, "proof", true, &proof);
    }
    if (error != FP_OK) {
        return error;
    }
    if (strspn(m->platform, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(m->platform) ||
        strlen(m->platform) > FP_LIMIT_PLATFORM_TEXT) {
        return loader__wrong(l, yaml_member(root, "platform"),
                             "A platform is named with lower-case letters, digits and hyphens.");
    }
    if (strcmp(m->driver, "jsonrpc") != 0 && strcmp(m->driver, "rest") != 0) {
        return loader__wrong(l, yaml_member(root, "driver"),
                             "There is no driver \"%s\": jsonrpc, rest.", m->driver);
    }
    for (m->proof = PROOF_DOCUMENTED; m->proof <= PROOF_REAL; m->proof++) {
        if (strcmp(proof, mapping_proof_name(m->proof)) == 0) {
            return loader_domains(l, root);
        }
    }
    return loader__wrong(l, yaml_member(root, "proof"), "Proof is real, protocol or documented.");
}

// "a-z0-9_" as a table; a hyphen at the end stands for itself.
static void loader_characters(const char *text, bool characters[static 256])
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (c[1] == '-' && c[2] != '\0') {
            for (unsigned i = c[0]; i <= c[2]; i++) {
                characters[i] = true;
            }
            c += 2;
        } else {
            characters[*c] = true;
        }
    }
}

static enum fp_error loader_credential_kind(struct loader *l, const struct yaml_node *node,
                                            struct mapping_credential *out)
{
    static const char *const kinds[] = {"text", "url", "secret"};
    const char *kind = "text";
    enum fp_error error = loader__text(l, node, "kind", false, &kind);
    if (error != FP_OK) {
        return error;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(kind, kinds[i]) == 0) {
            out->kind = (enum mapping_credential_kind)i;
            return FP_OK;
        }
    }
    return loader__wrong(l, yaml_member(node, "kind"), "A kind is text, url or secret.");
}

static enum fp_error loader_credential_texts(struct loader *l, const struct yaml_node *node,
                                             struct mapping_credential *c)
{
    static const char *const names[] = {"name",     "label",      "help", "example", "kind",
                                        "optional", "characters", "max",  NULL};
    const char *characters = NULL;
    enum fp_error error = loader__map(l, node, names);
    error = error != FP_OK ? error : loader__text(l, node, "name", true, &c->name);
    error = error != FP_OK ? error : loader__text(l, node, "label", true, &c->label);
    error = error != FP_OK ? error : loader__text(l, node, "help", false, &c->help);
    error = error != FP_OK ? error : loader__text(l, node, "example", false, &c->example);
    error = error != FP_OK ? error : loader_credential_kind(l, node, c);
    error = error != FP_OK ? error : loader__flag(l, node, "optional", &c->optional);
    error = error != FP_OK ? error : loader__text(l, node, "characters", false, &characters);
    if (error == FP_OK && characters != NULL) {
        loader_characters(characters, c->characters);
    }
    return error;
}

static enum fp_error loader_credential(struct loader *l, const struct yaml_node *node)
{
    struct mapping_credential *c = &l->mapping->credentials[l->mapping->credential_count];
    const struct yaml_node *max = yaml_member(node, "max");
    uint64_t number = FP_LIMIT_CREDENTIAL_TEXT;
    enum fp_error error = loader_credential_texts(l, node, c);
    if (error != FP_OK) {
        return error;
    }
    if (max != NULL && (!yaml_u64(max, FP_LIMIT_URL_TEXT, &number) || number == 0)) {
        return loader__wrong(l, max, "\"max\" is a number from 1 to %d.", FP_LIMIT_URL_TEXT);
    }
    c->max = (unsigned)(max == NULL && c->kind == CREDENTIAL_URL ? FP_LIMIT_URL_TEXT : number);
    if (c->help == NULL) {
        loader__warn(l, node, "\"%s\" has no help: where does a customer find it?", c->name);
    }
    l->mapping->credential_count++;
    return FP_OK;
}

static enum fp_error loader_credentials(struct loader *l, const struct yaml_node *root)
{
    const struct yaml_node *list = yaml_member(root, "credentials");
    if (list == NULL || list->kind != YAML_LIST || list->count == 0 ||
        list->count > MAPPING_CREDENTIALS) {
        return loader__wrong(l, list != NULL ? list : root,
                             "\"credentials\" is a list of 1 to %d fields.", MAPPING_CREDENTIALS);
    }
    for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
        enum fp_error error = loader_credential(l, item);
        if (error != FP_OK) {
            return error;
        }
        for (unsigned i = 0; i + 1 < l->mapping->credential_count; i++) {
            const char *name = l->mapping->credentials[l->mapping->credential_count - 1].name;
            if (strcmp(l->mapping->credentials[i].name, name) == 0) {
                return loader__wrong(l, item, "\"%s\" stands twice.", name);
            }
        }
    }
    return FP_OK;
}

static enum fp_error loader_run(struct loader *l, struct bytes text)
{
    static const char *const names[] = {"platform", "title",        "about",      "versions",
                                        "driver",   "proof",        "categories", "credentials",
                                        "wire",     "enumerations", "resources",  NULL};
    const struct yaml_node *root = NULL;
    enum fp_error error = yaml_parse(text, l->scratch, &root, l->note);
    if (error == FP_E_INPUT_INVALID) {
        return FP_E_DEFINITION_INVALID;
    }
    if (error == FP_OK) {
        error = loader__map(l, root, names);
    }
    if (error == FP_OK) {
        error = loader_identity(l, root);
    }
    if (error == FP_OK) {
        error = loader_credentials(l, root);
    }
    if (error == FP_OK) {
        error = loader__wire(l, root);
    }
    if (error == FP_OK) {
        error = loader__enumerations(l, root);
    }
    if (error == FP_OK) {
        error = loader__resources(l, root);
    }
    return error;
}

enum fp_error mapping_load(struct bytes text, struct mapping **out, struct fp_note *note)
{
    struct arena *arena = arena_create(FP_LIMIT_DEFINITION_MEMORY, false);
    struct arena *scratch = arena_create(FP_LIMIT_DEFINITION_MEMORY, false);
    struct loader l = {.arena = arena, .scratch = scratch, .note = note};
    enum fp_error error = FP_E_NO_MEMORY;
    if (arena == NULL || scratch == NULL) {
        goto out;
    }
    l.mapping = arena_alloc(arena, 1, sizeof *l.mapping);
    if (l.mapping == NULL) {
        goto out;
    }
    l.mapping->arena = arena;
    error = loader_run(&l, text);
    if (error == FP_OK) {
        *out = l.mapping;
        arena = NULL; // moved
    }
out:
    arena_free(scratch);
    arena_free(arena);
    return error;
}

void mapping_free(struct mapping *mapping)
{
    if (mapping != NULL) {
        arena_free(mapping->arena);
    }
}

const char *mapping_proof_name(enum mapping_proof proof)
{
    static const char *const names[] = {"documented", "protocol", "real"};
    return proof <= PROOF_REAL ? names[proof] : "?";
}

const struct mapping_resource *mapping_resource_of(const struct mapping *mapping,
                                                   const struct model_operation *operation)
{
    if (operation->resource == NULL) {
        return NULL;
    }
    const struct mapping_resource *r = mapping->resources[operation->resource - model_resources];
    if (r == NULL) {
        return NULL;
    }
    switch (operation->kind) {
    case MODEL_KIND_ITEM:
        return r->items ? r : NULL;
    case MODEL_KIND_CREATE:
        return r->write != NULL && r->write->create ? r : NULL;
    case MODEL_KIND_UPDATE:
        return r->write != NULL && r->write->update ? r : NULL;
    default:
        return r->lists ? r : NULL;
    }
}

const struct mapping_enumeration *mapping_statuses_of(const struct mapping *mapping,
                                                      const struct model_operation *operation)
{
    for (unsigned i = 0; i < mapping->enumeration_count; i++) {
        if (operation->resource != NULL && mapping->enumerations[i].serves == operation->resource) {
            return &mapping->enumerations[i];
        }
    }
    return NULL;
}
