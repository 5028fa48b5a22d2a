// Operators of the dashboard and their sessions: rows proven as tokens are, one-time links with
// which people come in, and who asks now.
// SPDX-License-Identifier: Apache-2.0
#ifndef FP_REGISTRY_OPERATORS_H
#define FP_REGISTRY_OPERATORS_H

#include "auth/console_route.h"
#include "registry/registry_int.h"

#define OPERATOR_TOKEN 44 // text of a session or one-time link: 256 bits in base64url, and a NUL

// First byte of a stored second factor: whether a code has confirmed it.
#define OPERATOR_TOTP_PENDING 0x40
#define OPERATOR_TOTP_ACTIVE  0x41

struct operator_identity {
    struct store_operator person; // proven
    struct store_session session; // proven, alive
};

// Who holds this session. FP_E_SESSION_MISSING also for one that is over or whose operator is
// disabled; what the store and the proofs say otherwise.
enum fp_error operator_identify(struct registry *registry, struct bytes session, int64_t now_ms,
                                struct arena *arena, struct operator_identity *out);
// By one-time link. FP_E_OPERATOR_LINK_INVALID.
enum fp_error operator_by_link(struct registry *registry, struct bytes link, int64_t now_ms,
                               struct arena *arena, struct store_operator *out);
// By e-mail address, in whatever case. FP_E_OPERATOR_NOT_FOUND.
enum fp_error operator_by_email(struct registry *registry, struct bytes email, struct arena *arena,
                                struct store_operator *out);
// Whether a code is asked for besides the password.
bool operator_has_totp(const struct store_operator *row);
// The members {id, email, name, role, state, second_factor, ...} of an object.
void operator_write(struct json_out *json, const struct store_operator *row, int64_t now_ms);
// A fresh text and its hash. The caller wipes text.
enum fp_error operator_token(char text[static OPERATOR_TOKEN], uint8_t hash[static STORE_HASH]);
// E-mail address in small letters; false: it is none.
bool operator_email(struct bytes text, char out[static FP_LIMIT_EMAIL_TEXT + 1]);

struct operator_invitation {
    struct bytes email; // empty: the person says it
    struct bytes role;  // of console_role_name()
};
// {"data":{operator, "url", "expires_at"}}; the url holds the one-time link and is shown this once.
// For an address that is known already: a new link for the same person, who chooses a new password
// with it; the second factor ends then. FIELD_INVALID, TOO_MANY_OPERATORS.
void registry_operator_invite(struct registry *registry, const struct registry_caller *caller,
                              const struct operator_invitation *invitation, registry_done *done,
                              void *ctx);
// {"data":[operator]}.
void registry_operator_list(struct registry *registry, const struct registry_caller *caller,
                            registry_done *done, void *ctx);
// By id or e-mail address: sessions end at once. OPERATOR_NOT_FOUND, OPERATOR_LAST_OWNER.
void registry_operator_disable(struct registry *registry, const struct registry_caller *caller,
                               struct bytes who, registry_done *done, void *ctx);

#endif
