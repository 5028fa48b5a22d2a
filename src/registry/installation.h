// An installation as a whole: master key, store, keyring, audit log, in the order in which one
// needs the other. Made once by `fishplate init`, opened by the vault room and, while the server is
// stopped, by the command line.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_INSTALLATION_H
#define FP_REGISTRY_INSTALLATION_H

#include "audit/audit_signer.h"
#include "registry/registry.h"

struct installation {
    struct master_key *master;   // owned, as all below
    struct master_key *next;     // while it is opened
    struct store *store;         // open
    struct keyring *ring;        // with the installation's own key
    struct audit_signer *signer; // signs checkpoints
    struct audit *audit;         // open
    struct registry *registry;   // over all of them
};

// Opens the store that the configuration names: store.url, else store.file.
enum fp_error installation_store(const struct config *config, bool create, struct store **out,
                                 struct fp_note *note);
// The master key of a descriptor, opened as keys.source says (see master_source_open()).
// passphrase: NULL where the source asks for none.
enum fp_error installation_master(const struct config *config, int fd,
                                  const struct secret *passphrase, struct master_key **out,
                                  struct fp_note *note);
// Makes the store and the audit key for a master key; the folders exist. Records that it was done.
// master is taken over, also on failure. FP_E_EXISTS when there is a store already.
enum fp_error installation_create(const struct config *config, struct master_key *master,
                                  struct fp_note *note);
// Opens all of it; crypto_setup() was called. config is borrowed, master taken over, also on
// failure. FP_E_KEY_OTHER_MASTER for a store of another master key, and what the parts say, with a
// note.
enum fp_error installation_open(const struct config *config, struct master_key *master,
                                struct installation *out, struct fp_note *note);
// The same for an installation whose master key may be being replaced by next, which is taken over
// too (NULL: none): where it is, both are used and the registry goes on with it; where that is
// done, next is the master key; else next is let go.
enum fp_error installation_open_both(const struct config *config, struct master_key *master,
                                     struct master_key *next, struct installation *out,
                                     struct fp_note *note);
// Waits for what is under way, then closes everything; takes half-open ones.
void installation_close(struct installation *installation);

#endif
