// Texts and JSON with holes in them: what a definition says is sent to a source. Compiled at load
// from YAML, rendered per call with values from a callback. SPDX-License-Identifier: Apache-2.0
#ifndef FP_MAPPING_TEMPLATE_H
#define FP_MAPPING_TEMPLATE_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>

// What can stand in a hole. The name in a definition is the lower-case word: $filter, {object}.
enum template_slot {
    SLOT_NONE,       // literal only
    SLOT_CREDENTIAL, // {credentials.user}: index into the credential fields
    SLOT_SESSION,    // $session.company: index into the kept values
    SLOT_ID,         // number of the call
    SLOT_METHOD,     // method of the call
    SLOT_PARAMS,     // parameters of the call
    SLOT_OBJECT,     // the resource's object
    SLOT_FILTER,     // all clauses
    SLOT_OFFSET,     // records to skip
    SLOT_LIMIT,      // records to return
    SLOT_ORDER,      // order of the records
    SLOT_FIELDS,     // fields to return
    SLOT_CONTEXT,    // the resource's context
    SLOT_EACH,       // key of the parent record of a nested list
    SLOT_KEY,        // key in the path of the request
    SLOT_CLAUSES,    // clauses with commas between
    SLOT_FIELD,      // the source's field of a clause or order
    SLOT_OPERATOR,   // the source's operator of a clause
    SLOT_VALUE,      // value of a clause
    SLOT_DIRECTION,  // of an order
    SLOT_RECORD,     // a record to be written
    SLOT_RECORDS,    // several, with commas between
    SLOT_KEYS,       // keys of records, with commas between
    SLOT_ONE,        // the source's name of one record
    SLOT_PAGE,       // number of the page
    SLOT_CURSOR,     // where the page begins, as the page before said
    SLOT_COUNT
};

enum template_mode {
    TEMPLATE_PLAIN,  // as it is
    TEMPLATE_URL,    // percent-encoded, except where the field is a URL itself
    TEMPLATE_JSON,   // a whole JSON value
    TEMPLATE_STRING, // inside of a JSON string
};

struct template_part {
    struct bytes literal;    // goes out before the hole
    enum template_slot slot; // SLOT_NONE in the last part
    unsigned index;          // of credential or session
    enum template_mode mode; // how the value is written
};

struct template
{
    const struct template_part *parts; // in the definition's arena
    unsigned count;                    // 0: there is no template
};

// A value for a hole: JSON as it is, or text to be written in the hole's mode.
struct template_value {
    struct bytes bytes; // view
    bool json;          // bytes are JSON
};

// Gives a hole's value; false: there is none (written as null, or as nothing inside of text).
typedef bool template_lookup(void *ctx, enum template_slot slot, unsigned index,
                             struct template_value *out);

// Appends; errors stay in out. FP_E_INPUT_INVALID when a value does not fit where it is to go:
// control characters in plain or percent-encoded text.
enum fp_error template_render(const struct template *t, template_lookup *lookup, void *ctx,
                              struct buf *out);
// "filter" for SLOT_FILTER, as definitions write it; NULL for none.
const char *template_slot_name(enum template_slot slot);
// Whether the template has a hole of that kind.
bool template_has(const struct template *t, enum template_slot slot);

#endif
