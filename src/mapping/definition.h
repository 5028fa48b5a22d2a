// A connector definition, loaded and compiled: what a platform is, how to talk to it, and how its
// records become ours. Plain data, immutable after loading, shared by all calls.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_DEFINITION_H
#define FP_MAPPING_DEFINITION_H

#include "base/error.h"
#include "base/note.h"
#include "mapping/template.h"
#include "model/model.h"
#include "model/query.h"

#define MAPPING_CREDENTIALS 12  // fields that a customer may be asked for
#define MAPPING_KEPT        16  // values that a session may keep
#define MAPPING_STEPS       6   // calls of a log-in
#define MAPPING_HEADERS     8   // headers of a call
#define MAPPING_RULES       32  // rules that judge answers
#define MAPPING_PLACES      512 // paths of one resource
#define MAPPING_WHILE       4   // states in which a record may be changed
#define MAPPING_FINDS       4   // searches before a record is made
#define MAPPING_WARNINGS    32  // of one definition
#define MAPPING_PARAMETERS  12  // in the address of one call

enum mapping_proof { PROOF_DOCUMENTED, PROOF_PROTOCOL, PROOF_REAL };

enum mapping_credential_kind { CREDENTIAL_TEXT, CREDENTIAL_URL, CREDENTIAL_SECRET };

struct mapping_credential {
    const char *name;                  // "password"
    const char *label;                 // for the form
    const char *help;                  // where the customer finds it
    const char *example;               // may be NULL
    enum mapping_credential_kind kind; // what it is
    bool optional;                     // may be left out
    bool characters[256];              // that it may hold; all false: any printable
    unsigned max;                      // bytes
};

// A step into a source's JSON: a member, or an element of an array.
struct mapping_step {
    struct bytes name; // of a member
    unsigned index;    // of an element, where name is empty
};

struct mapping_path {
    const struct mapping_step *steps; // in the definition's arena
    unsigned count;                   // 0: the value itself
    struct bytes source;              // as the source names the field: "party.name"
    unsigned place;                   // its place in struct mapping_hints
    bool parent;                      // begins at the parent record of a nested list ("each.")
};

enum mapping_rule_kind {
    RULE_NULL,   // the source lacks it
    RULE_PATH,   // one value
    RULE_FIRST,  // the first value that is not null
    RULE_CONST,  // the same for all records
    RULE_JOIN,   // several values as one text
    RULE_EXISTS, // whether there is a value, or a list that is not empty
    RULE_OBJECT, // nested record
    RULE_LIST,   // nested records
    RULE_KEYS,   // list of keys or texts
};

// How the source writes a value; also how a filter's value is written for it.
enum mapping_form {
    FORM_TEXT,
    FORM_INTEGER,
    FORM_FLOAT,
    FORM_DECIMAL,
    FORM_BOOLEAN,
    FORM_DATE,
    FORM_DATETIME,
    FORM_COUNT
};

struct mapping_value {
    struct bytes source; // the source's value
    struct bytes key;    // ours
    struct bytes name;   // for people
    bool active;         // records can be in it
};

struct mapping_enumeration {
    const char *name;                    // "purchase-states"
    const struct model_resource *serves; // statuses/..., or NULL
    const struct mapping_value *values;  // in the order of the file
    unsigned count;                      // of values
    bool same;                           // source and key are equal everywhere: order is kept
};

struct mapping_rule {
    struct bytes filter_name; // the source's name of it in filters; empty: that of the path
    struct bytes sort_name;   // the same in orders
    unsigned operators;       // bits 1 << MODEL_*: that it can be filtered by; 0: all
    struct bytes before; // JSON before the value: commas, names, the nulls and constants passed by
    struct bytes after;  // of the first rule: JSON behind the last value, with the closing brace
    const struct model_field *field;               // what is filled
    enum mapping_rule_kind kind;                   // how
    enum mapping_form form;                        // of the source's value
    int shift;                                     // number: digits to move the point to the right
    bool searchable;                               // the source can filter by it
    bool sortable;                                 // the source can sort by it
    const struct mapping_path *paths;              // PATH: 1; FIRST, JOIN: several; else base path
    unsigned path_count;                           // of paths
    struct bytes constant;                         // CONST: JSON; JOIN: what stands between
    const struct mapping_enumeration *enumeration; // or NULL
    const struct mapping_rule *rules;              // OBJECT, LIST: of the nested entity
    unsigned rule_count;                           // of rules
    const struct mapping_path *only_path;          // LIST, OBJECT: take elements where this ...
    struct bytes only_value;                       // ... is this text
    bool pick;                                     // OBJECT: first element of a list at the path
};

struct mapping_write;

// How a field of a body gets into the source's record.
struct mapping_write_rule {
    const struct model_field *field;               // what is sent
    struct bytes target;                           // the source's member; empty: not to be written
    enum mapping_form form;                        // of the source's value
    int shift;                                     // number: digits to move the point to the left
    const struct mapping_enumeration *enumeration; // or NULL
    const struct mapping_rule *read;               // how the same field is read
    const struct mapping_write *nested;            // of a LIST: its records; NULL otherwise
    bool required;                                 // of a new record; may never be cleared
    bool create_only;                              // of a new record, never changed afterwards
};

// A member of a new record that the source's own data gives: the first record of a search.
struct mapping_find {
    struct bytes target;               // member of the new record
    struct mapping_resource *resource; // what is searched: object, where, context
};

struct mapping_write {
    const struct model_entity *entity;        // of the body
    const struct mapping_write_rule *rules;   // one per field of the entity, in its order
    struct bytes set;                         // of a new record: JSON members, with commas between
    struct mapping_find find[MAPPING_FINDS];  // of a new record
    unsigned find_count;                      // of find
    struct mapping_path while_path;           // of the record: a change is allowed ...
    struct bytes while_values[MAPPING_WHILE]; // ... while this has one of these values
    unsigned while_count;                     // of while_values; 0: always
    const struct mapping_resource *through;   // another object is written; NULL: the record itself
    struct mapping_path through_path;         // of the record: key of that object
    bool create;                              // records may be made
    bool update;                              // records may be changed
};

// A name with a value in an address; left out where a hole of the value has none.
struct mapping_parameter {
    struct bytes name;     // percent-encoded
    struct template value; // text, not encoded yet
};

enum mapping_paging {
    PAGING_NONE,   // all records at once
    PAGING_OFFSET, // so many records, after so many
    PAGING_NUMBER, // the page of a number
    PAGING_CURSOR, // each page names where the next one begins
    PAGING_LINK,   // each page holds the address of the next one
    PAGING_HEADER, // the same in the header Link
};

// How a call travels over plain HTTP.
struct mapping_http {
    struct bytes method;                                     // "GET"
    struct template path;                                    // behind the wire's address
    struct mapping_parameter parameters[MAPPING_PARAMETERS]; // of the address
    unsigned parameter_count;                                // of parameters
    struct mapping_path rows;                                // of the answer: records or record
    struct mapping_path total;                               // of the answer: number of records
    bool has_total;                                          // total is there
    struct bytes total_header;                               // header that says it; empty: none
    struct mapping_path next;                                // CURSOR, LINK: of the answer
    enum mapping_paging paging;                              // of a list
    unsigned page_max;                                       // records per page; 0: not known
    unsigned first;                                          // NUMBER: of the first page
};

struct mapping_call {
    struct template method;          // JSON-RPC: of the call
    struct template params;          // JSON: parameters, or over plain HTTP the body
    const struct mapping_http *http; // over plain HTTP; NULL: JSON-RPC, or there is no such call
};

// What can be done with an object.
struct mapping_calls {
    struct mapping_call list;    // $filter $offset $limit $order $fields
    struct mapping_call count;   // JSON-RPC: $filter
    struct mapping_call item;    // plain HTTP: $key
    struct mapping_call create;  // $record
    struct mapping_call update;  // $key $record
    struct mapping_path created; // in create's answer: key of the new record
    struct bytes created_header; // header whose last segment is that key; empty: none
};

struct mapping_resource {
    const struct model_resource *resource; // what it answers
    const char *object;                    // the source's name of it: "purchase.purchase"
    const char *one;                       // the source's name of one record: "issue"
    const struct mapping_calls *calls;     // what can be done with it
    struct template where;                 // clauses with commas, always applied to lists
    struct mapping_parameter parameters[MAPPING_FINDS]; // the same, where clauses are parameters
    unsigned parameter_count;                           // of parameters
    struct template context;                            // for lists
    struct template item_context;                       // for one record
    const struct mapping_rule *rules;                   // one per field of the entity, in its order
    unsigned rule_count;                                // = entity's field_count
    const struct mapping_rule *key;                     // the rule of `key`
    const struct bytes *field_names;                    // the source's fields to ask for
    const struct model_fields *field_uses;              // per name: our fields that need it
    unsigned field_count;                               // of field_names
    struct bytes fields;               // JSON array of the source's fields to ask for
    struct bytes order;                // default order in the source's form, JSON
    struct mapping_resource *each;     // nested list: the parents; NULL otherwise
    const struct mapping_write *write; // NULL: only read
    bool lists;                        // may be listed
    bool items;                        // may be read by key
};

struct mapping_login_step {
    struct mapping_call call;                     // what to send
    struct mapping_path keep_paths[MAPPING_KEPT]; // into the result
    unsigned keep_slots[MAPPING_KEPT];            // where they go
    unsigned keep_count;                          // of both
    bool optional;                                // an error of the source is no failure
    bool secret;                                  // sends the password: judged as a log-in
};

enum mapping_verdict {
    VERDICT_FAILED,
    VERDICT_CREDENTIAL,  // rejected
    VERDICT_SESSION,     // expired: log in again
    VERDICT_PERMISSION,  // missing
    VERDICT_NOT_FOUND,   // no such record
    VERDICT_RATE,        // limited
    VERDICT_DOWN,        // not there now
    VERDICT_UNSUPPORTED, // no such object here
    VERDICT_SETTINGS,    // wrong address or database
    VERDICT_FIELD,       // this installation lacks a field that was asked for
    VERDICT_REJECTED,    // the source's own rules refuse the record
    VERDICT_CONFLICT,    // the record was changed meanwhile, or the source asks back
};

struct mapping_judge {
    unsigned status_low;      // HTTP status from; 0: any
    unsigned status_high;     // to
    bool login_only;          // applies while logging in
    bool call_only;           // applies to other calls
    bool write_only;          // applies to calls that write
    struct mapping_path path; // into the body; unused where compare is NONE
    enum { JUDGE_NONE, JUDGE_EQUALS, JUDGE_STARTS, JUDGE_CONTAINS } compare; // of path's text
    struct template text;    // what to compare with, {object} allowed
    enum mapping_verdict is; // the verdict
};

// How the clauses of filters travel.
enum mapping_dialect_form {
    DIALECT_JSON,       // as JSON values
    DIALECT_PARAMETERS, // each as a parameter of the address
    DIALECT_EXPRESSION, // as one text
};

// A clause outside of JSON: $field $value.
struct mapping_clause {
    struct template name; // of the parameter; count 0: there is none
    struct template text; // its value, or the clause; count 0: the operator is not there
};

struct mapping_dialect {
    enum mapping_dialect_form form;                    // which of the members below are used
    struct mapping_clause words[MODEL_OPERATOR_COUNT]; // not JSON: the operators
    struct mapping_clause one_of;                      // not JSON: for "one of", where it is there
    struct bytes one_with;                             // between the values of one_of
    struct template literals[FORM_COUNT];              // not JSON: values by their form; {value}
    struct bytes doubled;                              // character to be written twice in texts
    struct bytes refused;                         // not JSON: characters that a filter cannot hold
    struct bytes all_with;                        // EXPRESSION: between clauses that all hold
    struct bytes any_with;                        // EXPRESSION: of which any holds
    struct bytes order_with;                      // not JSON: between orders
    unsigned order_max;                           // not JSON: orders at most; 0: none at all
    struct template any;                          // $clauses
    struct template all;                          // $clauses
    struct template clause;                       // $field $operator $value
    struct template order;                        // $field $direction
    struct bytes operators[MODEL_OPERATOR_COUNT]; // JSON text each; empty: not there
    struct bytes is_in;                           // operator for "one of"
    struct bytes never;                           // a clause that no record meets
    struct bytes ascending;                       // direction as text
    struct bytes descending;                      // direction as text
    struct bytes any_run;                         // LIKE: stands for any text; empty: none
    struct bytes any_one;                         // LIKE: stands for one character
    struct bytes escape;                          // LIKE: takes the meaning away
};

// How a source without typed values writes times.
enum mapping_time {
    TIME_RFC3339,   // 2026-11-24T08:30:00.000Z
    TIME_SECONDS,   // 2026-11-24T08:30:00Z
    TIME_BARE,      // 2026-11-24T08:30:00, in UTC
    TIME_SQL,       // 2026-11-24 08:30:00, in UTC
    TIME_UNIX,      // 1795509000
    TIME_UNIX_MS,   // 1795509000000
    TIME_JSON_DATE, // /Date(1795509000000)/
};

struct mapping_values {
    enum mapping_time time; // where there is no tag
    struct bytes tag;       // member that names a typed value's type: "__class__"; empty: none
    struct bytes datetime;  // its tag
    struct bytes date;      // its tag
    struct bytes decimal;   // its tag
    struct bytes parts[7];  // members for year ... microsecond
    struct bytes digits;    // member that holds a decimal's text
    enum mapping_form key;  // form of keys and references: integer or text
    struct bytes relation;  // put behind a member's name to reach into a related record: "."
};

struct mapping_wire {
    struct template url;                            // of every call
    struct bytes header_names[MAPPING_HEADERS];     // sent with every call
    struct template header_values[MAPPING_HEADERS]; // with $session: not while logging in
    bool header_session[MAPPING_HEADERS];           // needs a session
    unsigned header_count;                          // of headers
    struct template body;                           // $id $method $params
    struct mapping_path id;                         // of the answer's number
    struct mapping_path result;                     // of the answer's result
    struct mapping_path error;                      // of an error inside of an answer
    struct mapping_path words;                      // plain HTTP: the source's words in an error
    struct template basic;                          // plain HTTP: user and password of HTTP Basic
    struct mapping_calls calls;                     // JSON-RPC: of all objects
    struct template line_add;                       // $records: into a nested list
    struct template line_change;                    // $key $record: of a nested list
    struct template line_remove;                    // $keys: out of a nested list
    struct mapping_login_step steps[MAPPING_STEPS]; // to log in, in order
    unsigned step_count;                            // of steps
    bool verify_only;                               // steps only try out a new credential
    const char *kept[MAPPING_KEPT];                 // names of the kept values
    unsigned kept_count;                            // of kept
    struct template derived[MAPPING_KEPT];          // base64 of this text, for kept values
    struct template account;                        // who the credential is, as text
    struct mapping_judge judges[MAPPING_RULES];     // first that fits decides
    unsigned judge_count;                           // of judges
    struct mapping_dialect dialect;                 // filters and order
    struct mapping_values values;                   // dates, decimals, keys
    struct template context;                        // of calls that have no own
    struct template item_context;                   // the same for one record
};

struct mapping_warning {
    unsigned line;   // 1-based
    unsigned column; // 1-based
    char text[200];  // what could be better
};

struct mapping {
    struct arena *arena;                                            // owns everything below
    const char *platform;                                           // "tryton"
    const char *title;                                              // "Tryton"
    const char *about;                                              // one or two sentences
    const char *versions;                                           // of the product, as proven
    const char *driver;                                             // "jsonrpc"
    unsigned domains;                                               // bits 1 << MODEL_DOMAIN_*
    enum mapping_proof proof;                                       // how it is proven
    struct mapping_credential credentials[MAPPING_CREDENTIALS];     // to ask for
    unsigned credential_count;                                      // of credentials
    struct mapping_wire wire;                                       // how to talk to it
    const struct mapping_enumeration *enumerations;                 // in the order of the file
    unsigned enumeration_count;                                     // of enumerations
    const struct mapping_resource *resources[MODEL_RESOURCE_COUNT]; // NULL: the source lacks it
    struct mapping_warning warnings[MAPPING_WARNINGS];              // found while loading
    unsigned warning_count;                                         // of warnings
};

// From YAML. FP_E_DEFINITION_INVALID with line, column and reason in the note; FP_E_NO_MEMORY.
enum fp_error mapping_load(struct bytes text, struct mapping **out, struct fp_note *note);
// Takes NULL.
void mapping_free(struct mapping *mapping);
// The plan of an operation; NULL where the platform lacks it.
const struct mapping_resource *mapping_resource_of(const struct mapping *mapping,
                                                   const struct model_operation *operation);
// The table behind a statuses operation; NULL where the platform lacks it.
const struct mapping_enumeration *mapping_statuses_of(const struct mapping *mapping,
                                                      const struct model_operation *operation);
// "real", "protocol", "documented".
const char *mapping_proof_name(enum mapping_proof proof);

#endif
