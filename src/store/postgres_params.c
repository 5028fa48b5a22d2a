// From a location to libpq's parameters: nothing is taken from the environment or from files in the
// user's home, and a database beyond this machine is reached over TLS with its certificate checked.
// SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "store/postgres_int.h"

#include <stdlib.h>
#include <string.h>

#define CA_FILE "/etc/ssl/certs/ca-certificates.crt"

static const char *params_given(const struct postgres_params *params, const char *keyword)
{
    for (const PQconninfoOption *option = params->given; option->keyword != NULL; option++) {
        if (strcmp(option->keyword, keyword) == 0) {
            return option->val != NULL && option->val[0] != '\0' ? option->val : NULL;
        }
    }
    return NULL;
}

// Replaces or adds.
static void params_set(struct postgres_params *params, const char *keyword, const char *value)
{
    size_t i = 0;
    while (params->keywords[i] != NULL && strcmp(params->keywords[i], keyword) != 0) {
        i++;
    }
    if (i < POSTGRES_PARAMS_MAX - 1) {
        params->keywords[i] = keyword;
        params->values[i] = value;
    }
}

static void params_default(struct postgres_params *params, const char *keyword, const char *value)
{
    if (params_given(params, keyword) == NULL) {
        params_set(params, keyword, value);
    }
}

static enum fp_error params_bad(struct fp_note *note, const char *text)
{
    fp_note_set(note, "store.url", "%s", text);
    return FP_E_INPUT_INVALID;
}

// What a location may say: the rest would lead to files or to other places.
static enum fp_error params_allowed(struct postgres_params *params, struct fp_note *note)
{
    static const char *const allowed[] = {
        "host",    "hostaddr", "port",   "dbname",          "user", "sslmode", "sslrootcert",
        "sslcert", "options",  "sslkey", "application_name"};
    if (params_given(params, "password") != NULL) {
        return params_bad(note, "A password does not belong into the location; "
                                "put it into a file and name that as store.password_file.");
    }
    for (const PQconninfoOption *option = params->given; option->keyword != NULL; option++) {
        bool known = option->val == NULL;
        for (size_t i = 0; i < sizeof allowed / sizeof allowed[0] && !known; i++) {
            known = strcmp(option->keyword, allowed[i]) == 0;
        }
        if (!known) {
            fp_note_set(note, "store.url", "The location may not set %s.", option->keyword);
            return FP_E_INPUT_INVALID;
        }
        if (option->val != NULL) {
            params_set(params, option->keyword, option->val);
        }
    }
    return FP_OK;
}

static bool params_local(const char *host, const char *address)
{
    if (address != NULL) {
        return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
    }
    return host[0] == '/' || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "localhost") == 0;
}

static enum fp_error params_tls(struct postgres_params *params, struct fp_note *note)
{
    const char *host = params_given(params, "host");
    const char *address = params_given(params, "hostaddr");
    const char *mode = params_given(params, "sslmode");
    if (host == NULL && address == NULL) {
        return params_bad(note, "The location names no host (a name, an address, or the folder of "
                                "a Unix socket as host=/path).");
    }
    if ((host != NULL && strchr(host, ',') != NULL) ||
        (address != NULL && strchr(address, ',') != NULL)) {
        return params_bad(note, "The location names several hosts; name one.");
    }
    if (params_local(host, address)) {
        params_default(params, "sslmode", host != NULL && host[0] == '/' ? "disable" : "prefer");
        return FP_OK;
    }
    if (mode != NULL && strcmp(mode, "verify-full") != 0) {
        return params_bad(note, "A database beyond this machine is reached with sslmode="
                                "verify-full only: its certificate and name are checked.");
    }
    params_set(params, "sslmode", "verify-full");
    params_default(params, "sslrootcert", CA_FILE);
    return FP_OK;
}

// libpq asks the environment where nothing is given: what could lead elsewhere is taken out of it.
static void params_environment(void)
{
    static const char *const names[] = {"PGSERVICE", "PGSERVICEFILE", "PGSYSCONFDIR",
                                        "PGOPTIONS", "PGPASSFILE",    "PGREQUIREPEER",
                                        "PGSSLCRL",  "PGSSLCRLDIR",   "PGKRBSRVNAME"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unsetenv(names[i]);
    }
    // without it the user's entry would be asked for, through the name service
    (void)setenv("HOME", "/nonexistent", 0);
}

enum fp_error postgres__params_init(struct postgres_params *params,
                                    const struct store_options *options, struct fp_note *note)
{
    char *reason = NULL;
    enum fp_error error = FP_OK;
    params_environment();
    params->given = PQconninfoParse(options->location, &reason);
    PQfreemem(reason); // it may quote the location
    if (params->given == NULL) {
        return params_bad(note, "This is no location of PostgreSQL "
                                "(postgresql://user@host:port/database?parameters).");
    }
    error = params_allowed(params, note);
    if (error == FP_OK) {
        error = params_tls(params, note);
    }
    if (error == FP_OK && options->password.len != 0) {
        params->password = mem_alloc(1, options->password.len + 1);
        if (params->password == NULL) {
            return FP_E_NO_MEMORY;
        }
        memcpy(params->password, options->password.ptr, options->password.len);
        params_set(params, "password", params->password);
    }
    params_set(params, "passfile", "/dev/null/none"); // never the user's own
    params_set(params, "gssencmode", "disable");
    params_set(params, "client_encoding", "UTF8");
    params_set(params, "target_session_attrs", "read-write"); // never a standby
    params_default(params, "application_name", "fishplate");
    params_default(params, "port", "5432");
    params_default(params, "user", "fishplate");
    params_default(params, "dbname", "fishplate");
    return error;
}

void postgres__params_done(struct postgres_params *params)
{
    PQconninfoFree(params->given);
    if (params->password != NULL) {
        mem_wipe(params->password, strlen(params->password));
        mem_free(params->password);
    }
    *params = (struct postgres_params){0};
}
