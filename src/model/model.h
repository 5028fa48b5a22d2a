// The unified API as tables: entities with their fields, operations with their paths. Generated
// from schema/ by tools/gen_model.py; the one place that says what is served. Operations are
// exchanged between rooms as index into model_operations. SPDX-License-Identifier: Apache-2.0
#ifndef FP_MODEL_MODEL_H
#define FP_MODEL_MODEL_H

#include "base/bytes.h"
#include "model/model_tables.h"

enum model_type {
    MODEL_TYPE_KEY,     // opaque text that names the record
    MODEL_TYPE_TEXT,    // text
    MODEL_TYPE_NUMBER,  // JSON number
    MODEL_TYPE_BOOLEAN, // true or false
    MODEL_TYPE_TIME,    // RFC 3339 in UTC
    MODEL_TYPE_REF,     // key of another record
    MODEL_TYPE_REFS,    // array of keys
    MODEL_TYPE_TEXTS,   // array of texts
    MODEL_TYPE_OBJECT,  // one nested entity
    MODEL_TYPE_LIST,    // array of nested entities
    MODEL_TYPE_ANY,     // whatever the source has
};

enum model_method {
    MODEL_METHOD_GET,
    MODEL_METHOD_POST,
    MODEL_METHOD_PUT,
    MODEL_METHOD_PATCH,
    MODEL_METHOD_DELETE,
    MODEL_METHOD_COUNT
};

enum model_domain { MODEL_DOMAIN_EAM, MODEL_DOMAIN_ERP, MODEL_DOMAIN_WMS, MODEL_DOMAIN_SYSTEM };

enum model_kind {
    MODEL_KIND_LIST,     // a collection
    MODEL_KIND_ITEM,     // one record by its key
    MODEL_KIND_SUBLIST,  // a collection under a record
    MODEL_KIND_STATUSES, // the states of one resource
    MODEL_KIND_SYSTEM,   // answered by Fishplate itself
    MODEL_KIND_CREATE,   // makes a record of a collection, answers it
    MODEL_KIND_UPDATE,   // changes one record by its key, answers it
};

enum model_token { MODEL_TOKEN_NONE, MODEL_TOKEN_APPLICATION, MODEL_TOKEN_CONNECTION };

struct model_entity;

struct model_field {
    const char *name;                  // "vendorKey"
    struct bytes member;               // the same as JSON member name: "vendorKey":
    enum model_type type;              // what it holds
    const struct model_entity *entity; // REF(S): of which; OBJECT, LIST: what is nested; or NULL
    bool filterable;                   // may stand in filter[] and sort[]
};

struct model_entity {
    const char *name;                 // "Vendor"
    const struct model_field *fields; // in the order of the answer
    unsigned field_count;             // of fields
};

struct model_resource {
    const char *path;                  // "vendors", "production-orders/{key}/materials"
    const struct model_entity *entity; // of its records
    unsigned kinds;                    // bits 1 << MODEL_KIND_*
};

struct model_operation {
    const char *id;                        // "erp.vendors.list"
    const char *path;                      // "/api/erp/vendors/{key}"
    enum model_method method;              // HEAD counts as GET
    enum model_domain domain;              // eam, erp, wms, system
    enum model_kind kind;                  // what it answers
    enum model_token token;                // which token it needs
    bool list;                             // takes page and per_page, answers with links and meta
    bool write;                            // changes something
    bool state_only;                       // of a record its state alone: .../{key}/status
    const char *scope;                     // what a token's scope names: "vendors"; "" for system
    const struct model_entity *entity;     // NULL for system operations
    const struct model_resource *resource; // NULL for system operations
};

struct model_route_node {
    const char *segment;                           // literal; NULL for a key
    unsigned short first;                          // first literal child
    unsigned short count;                          // literal children, sorted
    unsigned short wild;                           // child that takes a key; 0: none
    unsigned short operations[MODEL_METHOD_COUNT]; // index, 0xffff: none
};

extern const struct model_entity model_entities[MODEL_ENTITY_COUNT];
extern const struct model_resource model_resources[MODEL_RESOURCE_COUNT];
extern const struct model_operation model_operations[MODEL_OPERATION_COUNT];
extern const struct model_route_node model_route_nodes[]; // node 0 is the root

// NULL beyond the table.
const struct model_operation *model_operation_at(unsigned index);
const struct model_entity *model_entity_find(struct bytes name);
// By its path, e.g. "vendors" or "statuses/purchase-orders".
const struct model_resource *model_resource_find(struct bytes path);
const struct model_field *model_field_find(const struct model_entity *entity, struct bytes name);
// "text", "number", ...: for messages.
const char *model_type_name(enum model_type type);

#endif
