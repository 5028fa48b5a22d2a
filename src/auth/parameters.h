// The parameters of an OAuth request, from a form, a query or a JSON object: those that are known,
// by number; which of them stood more than once. RFC 6749 3.1 and 3.2: unknown ones are ignored,
// one without a value counts as left out, none may be repeated.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_AUTH_PARAMETERS_H
#define FP_AUTH_PARAMETERS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/note.h"

#define PARAMETERS_KNOWN 12 // names of one endpoint, at most

struct parameters {
    const char *const *names;              // ours, by number
    unsigned count;                        // of names, at most PARAMETERS_KNOWN
    struct bytes values[PARAMETERS_KNOWN]; // ptr NULL: not sent
    unsigned seen;                         // bits 1 << number
    unsigned repeated;                     // bits 1 << number
};

// Form encoding, as in a body or behind the question mark. Views point into text or the arena.
// FP_E_INPUT_INVALID with a note: not percent-encoded UTF-8 or a control character, too many
// parameters; FP_E_NO_MEMORY.
enum fp_error parameters_form(struct parameters *p, struct bytes text, struct arena *arena,
                              struct fp_note *note);
// A JSON object; known members must be texts. Errors as above.
enum fp_error parameters_json(struct parameters *p, struct bytes text, struct arena *arena,
                              struct fp_note *note);

#endif
