// The certificates that a source system's chain may end at, read once, before the sandbox closes,
// and shared by all connections.
// SPDX-License-Identifier: Apache-2.0
#include "client/client_int.h"

#include <openssl/err.h>
#include <unistd.h>

#define TRUST_SYSTEM "/etc/ssl/certs/ca-certificates.crt" // Debian's ca-certificates

enum fp_error client__trust_load(const char *system_file, const char *ca_file, X509_STORE **out,
                                 struct fp_note *note)
{
    enum fp_error error = FP_E_CONFIG_INVALID;
    const char *system = system_file != NULL ? system_file : TRUST_SYSTEM;
    X509_STORE *store = X509_STORE_new();
    if (store == NULL) {
        error = FP_E_NO_MEMORY;
        goto out;
    }
    // A machine without the system's file trusts what ca_file says, and no more.
    if (access(system, F_OK) == 0 && X509_STORE_load_file(store, system) != 1) {
        fp_note_set(note, "egress.ca_file", "%s holds no usable certificate", system);
        goto out;
    }
    if (ca_file != NULL && ca_file[0] != '\0' && X509_STORE_load_file(store, ca_file) != 1) {
        fp_note_set(note, "egress.ca_file", "%s cannot be read or holds no certificate", ca_file);
        goto out;
    }
    *out = store;
    store = NULL; // moved
    error = FP_OK;
out:
    ERR_clear_error();
    X509_STORE_free(store);
    return error;
}
