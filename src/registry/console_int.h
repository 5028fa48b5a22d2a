// Shared by the files that answer the dashboard: the question in hand with what was read from it.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_CONSOLE_INT_H
#define FP_REGISTRY_CONSOLE_INT_H

#include "auth/parameters.h"
#include "registry/console.h"
#include "registry/operators.h"

// Fields of forms, by number.
enum console_field {
    CONSOLE_FIELD_EMAIL,
    CONSOLE_FIELD_PASSWORD,
    CONSOLE_FIELD_CODE,
    CONSOLE_FIELD_LINK,
    CONSOLE_FIELD_NAME,
    CONSOLE_FIELD_ROLE,
    CONSOLE_FIELD_COUNT
};
// Fields of lists, by number.
enum console_list_field {
    CONSOLE_LIST_SEARCH,
    CONSOLE_LIST_STATE,
    CONSOLE_LIST_APPLICATION,
    CONSOLE_LIST_CUSTOMER,
    CONSOLE_LIST_PLATFORM,
    CONSOLE_LIST_SORT,
    CONSOLE_LIST_PAGE,
    CONSOLE_LIST_PER_PAGE,
    CONSOLE_LIST_COUNT
};

// One question on its way. Everything in it ends when the function that was handed it returns: what
// a job needs longer it keeps itself.
struct console_ask {
    struct registry *registry;               // where
    const struct console_question *question; // what
    const struct console_password *password; // what Argon2id said; may be NULL
    struct operator_identity *who;           // NULL: nobody is signed in
    struct registry_caller caller;           // for records
    struct arena *arena;                     // for reading
    int64_t now_ms;                          // wall clock
    registry_done *done;                     // tells
    void *ctx;                               // whom
};

// Answers with an error and nothing else.
void console_refuse(const struct console_ask *ask, enum fp_error error);
// Reads the form by a list of names. Answers and returns false where it is none.
bool console_form(const struct console_ask *ask, const char *const *names, unsigned count,
                  struct parameters *out);
extern const char *const console_fields[];
extern const char *const console_list_fields[];

// console_lists.c
void console_overview(const struct console_ask *ask);
void console_connections(const struct console_ask *ask);
void console_customers(const struct console_ask *ask);

#endif
