// Between the files of the loader only: each reads one part of a definition.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_LOADER_INT_H
#define FP_MAPPING_LOADER_INT_H

#include "mapping/definition.h"
#include "yaml/yaml.h"

struct loader {
    struct mapping *mapping;       // being filled
    struct arena *arena;           // of the mapping
    struct arena *scratch;         // of the YAML tree, gone after loading
    struct fp_note *note;          // where and what is wrong
    unsigned places;               // given to the paths of this resource so far
    const struct yaml_node *calls; // plain HTTP: of the wire, for resources without their own
};

#define LOADER_SLOT(slot) (1u << (slot))
#define LOADER_ACCOUNT    (LOADER_SLOT(SLOT_CREDENTIAL) | LOADER_SLOT(SLOT_SESSION))

// A row of forms of values, as definitions name them.
struct loader_form {
    const char *word;       // in the definition
    enum mapping_form form; // what it means
};

extern const struct loader_form loader__forms[FORM_COUNT];

// Whether calls travel over plain HTTP, and not as JSON-RPC.
static inline bool loader__is_http(const struct loader *l)
{
    return l->mapping->wire.dialect.form != DIALECT_JSON;
}

// Sets the note to the node's position; always FP_E_DEFINITION_INVALID.
enum fp_error loader__wrong(struct loader *l, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The same at the node's name.
enum fp_error loader__wrong_name(struct loader *l, const struct yaml_node *node, const char *format,
                                 ...) __attribute__((format(printf, 3, 4)));
void loader__warn(struct loader *l, const struct yaml_node *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// node is a map with no other members than names (NULL-terminated).
enum fp_error loader__map(struct loader *l, const struct yaml_node *node, const char *const *names);
// A member that must be a scalar of at most max bytes; NULL in out where it may be missing and is.
enum fp_error loader__text(struct loader *l, const struct yaml_node *map, const char *name,
                           bool required, const char **out);
// A scalar node as bytes in the mapping's arena.
enum fp_error loader__bytes(struct loader *l, const struct yaml_node *node, struct bytes *out);
enum fp_error loader__flag(struct loader *l, const struct yaml_node *map, const char *name,
                           bool *out);
// Text with {holes}; slots says which may stand there (LOADER_SLOT bits).
enum fp_error loader__text_template(struct loader *l, const struct yaml_node *node,
                                    enum template_mode mode, unsigned slots, struct template *out);
// Any YAML as JSON with $holes and {holes}.
enum fp_error loader__json_template(struct loader *l, const struct yaml_node *node, unsigned slots,
                                    struct template *out);
// A list as JSON values with commas between, without the brackets.
enum fp_error loader__json_items(struct loader *l, const struct yaml_node *node, unsigned slots,
                                 struct template *out);
// JSON without holes.
enum fp_error loader__json(struct loader *l, const struct yaml_node *node, struct bytes *out);
// A path into an answer: names and numbers with dots between.
enum fp_error loader__answer_path(struct loader *l, const struct yaml_node *node,
                                  struct mapping_path *out);
// A path into a record; the last step reaches into a related record where whole is true.
enum fp_error loader__record_path(struct loader *l, const struct yaml_node *node, bool whole,
                                  struct mapping_path *out);
// The parts of a definition, in the order in which they are read.
enum fp_error loader__wire(struct loader *l, const struct yaml_node *root);
enum fp_error loader__dialect(struct loader *l, const struct yaml_node *wire);
enum fp_error loader__judges(struct loader *l, const struct yaml_node *wire);
enum fp_error loader__enumerations(struct loader *l, const struct yaml_node *root);
enum fp_error loader__resources(struct loader *l, const struct yaml_node *root);
// The rules of an entity, one per field; depth counts nested entities.
enum fp_error loader__rules(struct loader *l, const struct yaml_node *fields,
                            const struct model_entity *entity, unsigned depth,
                            const struct mapping_rule **out);
// "enum", "type" and "shift" of a field: what its value is at the source.
enum fp_error loader__value_form(struct loader *l, const struct yaml_node *node,
                                 struct mapping_rule *rule);
// The rules of "write", for the resource whose rules of reading are there.
enum fp_error loader__write(struct loader *l, const struct yaml_node *node,
                            struct mapping_resource *r);
// "calls" and "lines" of the wire, as far as they write.
enum fp_error loader__wire_writes(struct loader *l, const struct yaml_node *wire);
// One call: "method" and "params"; slots besides those of every call (LOADER_SLOT bits).
enum fp_error loader__call(struct loader *l, const struct yaml_node *node, unsigned slots,
                           struct mapping_call *out);
// The wire of a driver that speaks plain HTTP, without its address and headers.
enum fp_error loader__http_wire(struct loader *l, const struct yaml_node *wire);
// One call over plain HTTP: "method", "path", "query", "body" and what its answer holds; r is NULL
// for a log-in's. list: it may be paged.
enum fp_error loader__http_call(struct loader *l, const struct yaml_node *node,
                                const struct mapping_resource *r, bool list,
                                struct mapping_call *out);
// The calls of a resource: its own, or those of the wire.
enum fp_error loader__http_calls(struct loader *l, const struct yaml_node *node,
                                 struct mapping_resource *r);
// A map as names and texts of an address.
enum fp_error loader__parameters(struct loader *l, const struct yaml_node *map, unsigned slots,
                                 unsigned most, struct mapping_parameter *out, unsigned *count_out);
// "filters" of a driver that speaks plain HTTP.
enum fp_error loader__text_dialect(struct loader *l, const struct yaml_node *wire);
// "lines" of the wire.
enum fp_error loader__lines(struct loader *l, const struct yaml_node *lines);
// "filter" and "sort" of a field: whether, and by which names, the source can.
enum fp_error loader__rule_search(struct loader *l, const struct yaml_node *node,
                                  struct mapping_rule *rule);
// "where" and "context" of a search, as a resource of its own that asks for the key only.
enum fp_error loader__search(struct loader *l, const struct yaml_node *node,
                             const struct mapping_resource *r, struct mapping_resource **out);
// Everything that the rules ask of the source, as JSON array; parent: of the parent record.
enum fp_error loader__fields(struct loader *l, const struct mapping_resource *resource, bool parent,
                             struct mapping_resource *out);

#endif
