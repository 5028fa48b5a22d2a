// The store: typed rows of everything that must survive, read at once, written in batches by one
// writer. No SQL and no library's type shows here, so that every backend (sqlite.c, postgres.c)
// passes the same tests. Rows are plain structs of NUL-terminated texts; what is secret
// in them was sealed by keys/ before it comes here. SPDX-License-Identifier: Apache-2.0
#ifndef FP_STORE_STORE_H
#define FP_STORE_STORE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/note.h"

#define STORE_HASH          32
#define STORE_AUTHENTICATOR 32

// ------------------------------------------------------------------------------------------ rows
// Times are wall clock in ms, 0: never. `version` counts changes: 1 at insert, an update names the
// version it saw and makes it one more. `authenticator`: the vault's proof of a row; the store only
// keeps it.

struct store_application {
    char id[ID_TEXT];                          // app_...; is the client_id too
    char name[FP_LIMIT_NAME_TEXT + 1];         // shown to people
    char environment[8];                       // "live" or "test"
    char networks[FP_LIMIT_NETWORKS_TEXT + 1]; // private CIDRs for its connections, with commas
    int64_t created_ms;                        // when
    uint32_t version;                          // see above
    char redirect_uris[FP_LIMIT_REDIRECTS_TEXT + 1]; // with blanks between; empty: no browser flow
    uint32_t access_s;                               // life of what a refresh gives, 0: default
    uint32_t refresh_s;                              // life of a refresh token, 0: default
    uint32_t pkce_optional;                          // 1: old clients may leave PKCE out
    uint8_t authenticator[STORE_AUTHENTICATOR];      // see above
};

struct store_customer {
    char id[ID_TEXT];                    // cus_...
    char application[ID_TEXT];           // whose customer
    char name[FP_LIMIT_NAME_TEXT + 1];   // shown to people
    char email[FP_LIMIT_EMAIL_TEXT + 1]; // unique within the application
    int64_t created_ms;                  // when
    int64_t erased_ms;                   // when its data key was destroyed; 0: it lives
    uint32_t version;                    // see above
};

// Kinds of rows of data keys.
enum store_key_state {
    STORE_KEY_ACTIVE = 1,    // newest: seals and opens
    STORE_KEY_RETIRED = 2,   // opens only; nothing in the store is sealed with it any more
    STORE_KEY_DESTROYED = 3, // the wrapped key is gone
    STORE_KEY_REPLACED = 4   // opens only; its records are being sealed anew under a newer one
};

struct store_data_key {
    char customer[ID_TEXT]; // whose: a customer's id or the name of the installation's own key;
                            // not checked against customers
    uint32_t key_version;   // from 1; (customer, key_version) is the row's key
    uint8_t key_id[16];     // of the data key
    uint8_t master_id[16];  // of the master key that wraps it
    struct bytes wrapped;   // wrapped key, at most FP_LIMIT_KEY_WRAPPED
    uint64_t reserved;      // encryptions counted, ahead of use
    uint32_t state;         // enum store_key_state
    int64_t created_ms;     // when
    uint32_t version;       // see above
};

struct store_connection {
    char id[ID_TEXT];                           // con_...
    char application[ID_TEXT];                  // whose
    char customer[ID_TEXT];                     // whose data key
    char platform[65];                          // "tryton"
    char name[FP_LIMIT_NAME_TEXT + 1];          // shown to people
    char email[FP_LIMIT_EMAIL_TEXT + 1];        // of the person who connected
    uint32_t state;                             // the state machine's number (connection/)
    char reason[FP_LIMIT_REASON_TEXT + 1];      // reason code of that state
    char networks[FP_LIMIT_NETWORKS_TEXT + 1];  // private CIDRs it may reach, with commas
    char account[FP_LIMIT_ACCOUNT_TEXT + 1];    // account at the source, as the source says it
    uint32_t credential_version;                // newest credential, 0: none
    int64_t created_ms;                         // when
    int64_t changed_ms;                         // last change of state
    int64_t used_ms;                            // last call, coarse; not part of version
    uint32_t version;                           // see above
    uint8_t authenticator[STORE_AUTHENTICATOR]; // see above
};

struct store_credential {
    char connection[ID_TEXT];    // whose
    uint32_t credential_version; // (connection, credential_version) is the row's key
    struct bytes sealed;         // sealed by keys/, at most FP_LIMIT_CREDENTIALS_JSON + 256
    int64_t created_ms;          // when
    uint32_t version;            // see above
};

struct store_token {
    char id[ID_TEXT];                           // tok_...; names the token without being it
    uint8_t hash[STORE_HASH];                   // SHA-256 of the token, unique
    uint32_t kind;                              // enum token_kind (auth/token_text.h)
    char owner[ID_TEXT];                        // connection, application or operator
    char application[ID_TEXT];                  // whose, in the end
    char scopes[FP_LIMIT_SCOPES_TEXT + 1];      // with blanks between; empty: all of its kind
    int64_t created_ms;                         // when
    int64_t expires_ms;                         // 0: never
    int64_t revoked_ms;                         // 0: not
    char reason[FP_LIMIT_REASON_TEXT + 1];      // why it stopped working
    int64_t used_ms;                            // last use, coarse; not part of version
    char family[ID_TEXT];                       // grt_...: all that came of one authorization;
                                                // empty: it stands alone
    char binding[48];                           // auth/possession.h; empty: whoever holds it
    char addresses[FP_LIMIT_NETWORKS_TEXT + 1]; // CIDRs it works from, with commas; empty: all
    uint32_t version;                           // see above
    uint8_t authenticator[STORE_AUTHENTICATOR]; // see above
};

// Kinds of connect links.
enum store_link_kind {
    STORE_LINK_INVITED = 1, // made by an application for a customer it names
    STORE_LINK_OAUTH = 2    // a browser that came through /oauth/authorize
};
#define STORE_LINK_KINDS 2

struct store_connect_link {
    char id[ID_TEXT];                                      // lnk_...; names it without being it
    uint8_t hash[STORE_HASH];                              // SHA-256 of its token, unique
    uint32_t kind;                                         // enum store_link_kind
    char application[ID_TEXT];                             // whose
    char name[FP_LIMIT_NAME_TEXT + 1];                     // the customer's; empty: asked for
    char email[FP_LIMIT_EMAIL_TEXT + 1];                   // the customer's; empty: asked for
    char platforms[FP_LIMIT_LINK_PLATFORMS_TEXT + 1];      // offered, with commas; empty: all
    char connection[ID_TEXT];                              // to connect anew; empty: a new one
    char return_url[FP_LIMIT_RETURN_URL_TEXT + 1];         // afterwards; empty: stay
    char redirect_uri[FP_LIMIT_RETURN_URL_TEXT + 1];       // of an authorization request
    char oauth_state[FP_LIMIT_OAUTH_STATE_TEXT + 1];       // of it, given back as it came
    char code_challenge[FP_LIMIT_CODE_CHALLENGE_TEXT + 1]; // of it, S256; empty: none
    char scopes[FP_LIMIT_SCOPES_TEXT + 1];                 // of it
    uint32_t redirect_named;                               // 1: it named its redirect_uri
    uint32_t attempts;                                     // credentials tried so far
    int64_t created_ms;                                    // when
    int64_t expires_ms;                                    // when it stops working
    int64_t ended_ms;                                      // when it was used; 0: not yet
    char connected[ID_TEXT];                               // connection it led to; empty: none
    uint32_t version;                                      // see above
    uint8_t authenticator[STORE_AUTHENTICATOR];            // see above
};

// An authorization code (RFC 6749 4.1.2). It stays for a while after its use, so that a second use
// is noticed.
struct store_code {
    char id[ID_TEXT];                             // cod_...; names the code without being it
    uint8_t hash[STORE_HASH];                     // SHA-256 of the code, unique
    char connection[ID_TEXT];                     // that its tokens will belong to
    char application[ID_TEXT];                    // that may redeem it
    char redirect_uri[FP_LIMIT_REDIRECT_URI + 1]; // it was sent to
    uint32_t redirect_named;                      // 1: the request named it, so the redeem must too
    char challenge[44];                           // PKCE S256, base64url; empty: none
    char scopes[FP_LIMIT_SCOPES_TEXT + 1];        // of its tokens
    char family[ID_TEXT];                         // of its tokens
    int64_t created_ms;                           // when
    int64_t expires_ms;                           // when
    int64_t redeemed_ms;                          // 0: not yet
    uint32_t version;                             // see above
    uint8_t authenticator[STORE_AUTHENTICATOR];   // see above
};

// A person who uses the dashboard. One without a password was invited and has not come yet.
struct store_operator {
    char id[ID_TEXT];                           // opr_...
    char email[FP_LIMIT_EMAIL_TEXT + 1];        // unique; the id where it is not known yet
    char name[FP_LIMIT_NAME_TEXT + 1];          // shown to people; may be empty
    uint32_t role;                              // enum console_role (auth/console_route.h)
    char password[161];                         // Argon2id, as keys/password.h writes it
    struct bytes totp;                          // second factor's secret, sealed; empty: none
    int64_t totp_step;                          // of the last code that was taken
    uint8_t link_hash[STORE_HASH];              // SHA-256 of the one-time link; zeros: none
    int64_t link_expires_ms;                    // when that link stops working
    int64_t created_ms;                         // when
    int64_t signed_in_ms;                       // last time; 0: never
    int64_t disabled_ms;                        // 0: may sign in
    uint32_t version;                           // see above
    uint8_t authenticator[STORE_AUTHENTICATOR]; // see above
};

// A browser that is signed in.
struct store_session {
    char id[ID_TEXT];                           // ses_...; names it without being it
    uint8_t hash[STORE_HASH];                   // SHA-256 of what the cookie holds, unique
    char person[ID_TEXT];                       // the operator
    char address[47];                           // that it was made from
    int64_t created_ms;                         // when
    int64_t expires_ms;                         // ends then, whatever happens
    int64_t fresh_ms;                           // when the password was typed last
    int64_t used_ms;                            // last use, coarse; not part of version
    uint32_t version;                           // see above
    uint8_t authenticator[STORE_AUTHENTICATOR]; // see above
};

struct store_metadata {
    char connection[ID_TEXT]; // whose; one row for each connection
    struct bytes content;     // JSON array as the registry writes it, sealed or not; at most
                              // FP_LIMIT_METADATA_JSON + 4096
    int64_t changed_ms;       // when
    uint32_t version;         // see above
};

struct store_setting {
    char name[65];      // "key_check", "audit_key"
    struct bytes value; // at most 64 KiB
};

// ---------------------------------------------------------------------------------------- opening
struct store;

struct store_options {
    const char *location;  // path of the SQLite file (made when it does not exist, mode 0600), or
                           // postgresql://user@host:port/database?parameters
    bool create;           // make it when it is not there; else FP_E_STORE_NOT_FOUND
    struct bytes password; // of the database's user, copied; empty: none
};
// Whether a location names a database on a server, and no file.
bool store_location_remote(const char *location);

// Opens, migrates to this version, starts the writer. Before the sandbox closes: all files and the
// thread exist afterwards. FP_E_STORE_NOT_FOUND, FP_E_STORE_VERSION (written by a newer one),
// FP_E_STORE_INVALID (another program's file, or damaged), FP_E_PERMISSION_DENIED (readable by
// others, or refused by the database), FP_E_INPUT_INVALID (no location, or one that is not safe),
// FP_E_STORE_UNAVAILABLE, FP_E_NO_MEMORY; the note says which and why.
enum fp_error store_open(const struct store_options *options, struct store **out,
                         struct fp_note *note);
// Writes what waits, runs the remaining callbacks, ends the writer. Takes NULL.
void store_close(struct store *store);
const char *store_backend(const struct store *store); // "sqlite" or "postgresql"
// A random text made with the store; tells two stores apart.
const char *store_id(const struct store *store);
// Counts committed groups; only ever grows. A store that shows less than it did was rolled back.
enum fp_error store_generation(struct store *store, uint64_t *out);

// Whether another node replaced or destroyed data keys since this was last asked, seen within
// FP_LIMIT_STORE_TEND: whoever holds some in memory lets them go. Never blocks.
bool store_take_changes(struct store *store);

// ---------------------------------------------------------------------------------------- reading
// On the caller's thread (one thread only), at once. FP_E_STORE_NOT_FOUND, FP_E_STORE_UNAVAILABLE,
// FP_E_STORE_INVALID (damaged). Reads see everything whose callback has run. `bytes` fields are
// copied into the arena (FP_E_NO_MEMORY).
enum fp_error store_get_application(struct store *store, const char *id,
                                    struct store_application *out);
enum fp_error store_get_customer(struct store *store, const char *id, struct store_customer *out);
enum fp_error store_find_customer(struct store *store, const char *application, const char *email,
                                  struct store_customer *out);
// key_version 0: the newest that is not destroyed.
enum fp_error store_get_data_key(struct store *store, const char *customer, uint32_t key_version,
                                 struct arena *arena, struct store_data_key *out);
enum fp_error store_get_connection(struct store *store, const char *id,
                                   struct store_connection *out);
enum fp_error store_get_credential(struct store *store, const char *connection,
                                   uint32_t credential_version, struct arena *arena,
                                   struct store_credential *out);
enum fp_error store_get_token(struct store *store, const char *id, struct store_token *out);
enum fp_error store_find_token(struct store *store, const uint8_t hash[static STORE_HASH],
                               struct store_token *out);
enum fp_error store_get_connect_link(struct store *store, const char *id,
                                     struct store_connect_link *out);
enum fp_error store_find_connect_link(struct store *store, const uint8_t hash[static STORE_HASH],
                                      struct store_connect_link *out);
enum fp_error store_find_code(struct store *store, const uint8_t hash[static STORE_HASH],
                              struct store_code *out);
enum fp_error store_get_operator(struct store *store, const char *id, struct arena *arena,
                                 struct store_operator *out);
enum fp_error store_find_operator(struct store *store, const char *email, struct arena *arena,
                                  struct store_operator *out);
enum fp_error store_find_session(struct store *store, const uint8_t hash[static STORE_HASH],
                                 struct store_session *out);
enum fp_error store_get_metadata(struct store *store, const char *connection, struct arena *arena,
                                 struct store_metadata *out);
enum fp_error store_get_setting(struct store *store, const char *name, struct arena *arena,
                                struct store_setting *out);

// Several reads from one moment, and faster (one lock). Between the two nothing newer is seen; keep
// it within one turn of the loop. Nesting is not allowed.
enum fp_error store_read_begin(struct store *store);
void store_read_end(struct store *store);

// What a list shows; a NULL or zero field does not restrict. Rows come by id (which is by age),
// newest last, or newest first.
struct store_query {
    const char *application; // applications: not used; customers, connections, tokens
    const char *customer;    // connections, data keys
    const char *connection;  // credentials, codes, replays
    const char *owner;       // tokens
    const char *webhook;     // deliveries
    const char *family;      // tokens; "": those that stand alone
    const char *platform;    // connections
    const char *email;       // connections, customers
    uint32_t state;          // connections, data keys
    uint32_t kind;           // tokens, connect links
    const char *person;      // sessions
    const char *id;          // the one row with it
    const char *search;      // pattern within name, e-mail or account: '%' any text,
                             // '_' any character, '\\' before either of them or itself
    const char *sort;        // column to order by instead of the id; then without after
    const char *after;       // only rows behind this id (before it when newest_first): a cursor
    uint32_t after_number;   // with after, for rows with a number in their key (data keys,
                             // credentials): the number of the row behind which to go on
    bool newest_first;       // order
    uint32_t offset;         // rows to leave out
    uint32_t limit;          // rows, 1 .. FP_LIMIT_STORE_LIST; 0: FP_LIMIT_PAGE_SIZE_DEFAULT
};

// Rows lie in the arena, one behind the other. query NULL: the first ones. A field that the row
// does not have: FP_E_INPUT_INVALID.
enum fp_error store_list_applications(struct store *store, const struct store_query *query,
                                      struct arena *arena, struct store_application **out,
                                      size_t *count_out);
enum fp_error store_list_customers(struct store *store, const struct store_query *query,
                                   struct arena *arena, struct store_customer **out,
                                   size_t *count_out);
// By customer, then key version.
enum fp_error store_list_data_keys(struct store *store, const struct store_query *query,
                                   struct arena *arena, struct store_data_key **out,
                                   size_t *count_out);
enum fp_error store_list_connections(struct store *store, const struct store_query *query,
                                     struct arena *arena, struct store_connection **out,
                                     size_t *count_out);
// By connection, then credential version.
enum fp_error store_list_credentials(struct store *store, const struct store_query *query,
                                     struct arena *arena, struct store_credential **out,
                                     size_t *count_out);
enum fp_error store_list_tokens(struct store *store, const struct store_query *query,
                                struct arena *arena, struct store_token **out, size_t *count_out);
enum fp_error store_list_connect_links(struct store *store, const struct store_query *query,
                                       struct arena *arena, struct store_connect_link **out,
                                       size_t *count_out);
enum fp_error store_list_operators(struct store *store, const struct store_query *query,
                                   struct arena *arena, struct store_operator **out,
                                   size_t *count_out);
enum fp_error store_list_sessions(struct store *store, const struct store_query *query,
                                  struct arena *arena, struct store_session **out,
                                  size_t *count_out);
enum fp_error store_list_codes(struct store *store, const struct store_query *query,
                               struct arena *arena, struct store_code **out, size_t *count_out);

// How many rows a query finds without after, offset and limit.
enum store_kind {
    STORE_APPLICATION,
    STORE_CUSTOMER,
    STORE_DATA_KEY,
    STORE_CONNECTION,
    STORE_CREDENTIAL,
    STORE_TOKEN,
    STORE_CODE,
    STORE_METADATA,
    STORE_SETTING,
    STORE_CONNECT_LINK,
    STORE_WEBHOOK,
    STORE_DELIVERY,
    STORE_OPERATOR,
    STORE_SESSION,
    STORE_REPLAY,
    STORE_KIND_COUNT
};
enum fp_error store_count(struct store *store, enum store_kind kind,
                          const struct store_query *query, uint64_t *out);

// ---------------------------------------------------------------------------------------- writing
// A batch is done whole or not at all. Rows are copied when they are added; a failure while adding
// (no memory, too many operations, a text without its end) stays in the batch and store_submit()
// returns it. Whether an expectation holds shows when it is written:
//   insert   FP_E_EXISTS when the key, a token's hash or a customer's email is taken;
//            FP_E_STORE_CONFLICT when what it belongs to is not there
//   update   FP_E_STORE_CONFLICT unless the stored version is the row's version
//   delete   FP_E_STORE_NOT_FOUND when there is no such row;
//            FP_E_STORE_CONFLICT while something still belongs to it
//   put      inserts or replaces
struct store_batch;

// NULL when out of memory.
struct store_batch *store_batch_create(struct store *store);
void store_batch_free(struct store_batch *batch); // one that was not submitted; takes NULL
// The sticky failure so far.
enum fp_error store_batch_error(const struct store_batch *batch);

void store_insert_application(struct store_batch *batch, const struct store_application *row);
void store_update_application(struct store_batch *batch, const struct store_application *row);
void store_delete_application(struct store_batch *batch, const char *id);
void store_insert_customer(struct store_batch *batch, const struct store_customer *row);
void store_update_customer(struct store_batch *batch, const struct store_customer *row);
void store_delete_customer(struct store_batch *batch, const char *id);
void store_insert_data_key(struct store_batch *batch, const struct store_data_key *row);
// All of the row but `reserved`.
void store_update_data_key(struct store_batch *batch, const struct store_data_key *row);
// Adds to `reserved`; not counted as a change. FP_E_STORE_NOT_FOUND.
void store_reserve_data_key(struct store_batch *batch, const char *customer, uint32_t key_version,
                            uint64_t count);
// All versions; none is no failure.
void store_delete_data_keys(struct store_batch *batch, const char *customer);
void store_insert_connection(struct store_batch *batch, const struct store_connection *row);
// All of the row but `used_ms`.
void store_update_connection(struct store_batch *batch, const struct store_connection *row);
void store_touch_connection(struct store_batch *batch, const char *id, int64_t used_ms);
void store_delete_connection(struct store_batch *batch, const char *id);
void store_insert_credential(struct store_batch *batch, const struct store_credential *row);
void store_update_credential(struct store_batch *batch, const struct store_credential *row);
// credential_version 0: all of them; none is no failure then.
void store_delete_credential(struct store_batch *batch, const char *connection,
                             uint32_t credential_version);
void store_insert_token(struct store_batch *batch, const struct store_token *row);
// All of the row but `used_ms`.
void store_update_token(struct store_batch *batch, const struct store_token *row);
void store_touch_token(struct store_batch *batch, const char *id, int64_t used_ms);
void store_delete_token(struct store_batch *batch, const char *id);
// All of one owner; none is no failure.
void store_delete_tokens(struct store_batch *batch, const char *owner);
void store_insert_connect_link(struct store_batch *batch, const struct store_connect_link *row);
void store_update_connect_link(struct store_batch *batch, const struct store_connect_link *row);
void store_delete_connect_link(struct store_batch *batch, const char *id);
// All of one application; none is no failure.
void store_delete_connect_links(struct store_batch *batch, const char *application);
void store_insert_code(struct store_batch *batch, const struct store_code *row);
void store_update_code(struct store_batch *batch, const struct store_code *row);
void store_delete_code(struct store_batch *batch, const char *id);
// All of one connection; none is no failure.
void store_delete_codes(struct store_batch *batch, const char *connection);
void store_insert_metadata(struct store_batch *batch, const struct store_metadata *row);
void store_update_metadata(struct store_batch *batch, const struct store_metadata *row);
void store_insert_operator(struct store_batch *batch, const struct store_operator *row);
void store_update_operator(struct store_batch *batch, const struct store_operator *row);
void store_insert_session(struct store_batch *batch, const struct store_session *row);
// All of the row but `used_ms`.
void store_update_session(struct store_batch *batch, const struct store_session *row);
void store_touch_session(struct store_batch *batch, const char *id, int64_t used_ms);
void store_delete_session(struct store_batch *batch, const char *id);
// All of one operator; none is no failure.
void store_delete_sessions(struct store_batch *batch, const char *person);
void store_delete_metadata(struct store_batch *batch, const char *connection); // none: no failure
void store_put_setting(struct store_batch *batch, const struct store_setting *row);
// FP_E_EXISTS when it is there already.
void store_insert_setting(struct store_batch *batch, const struct store_setting *row);
void store_delete_setting(struct store_batch *batch, const char *name); // none: no failure

// Once the batch is on disk, what its rows and older ones held before is taken out of the store's
// files too: the write-ahead log goes back into the tables and is cut to nothing; free room in the
// tables is zeroed whenever it comes to be. Where a fault or a long reader prevents it, the batch's
// result is FP_E_STORE_UNAVAILABLE although its rows are written: submit another one.
void store_scrub(struct store_batch *batch);

typedef void store_done(void *ctx, enum fp_error result);

// Hands the batch to the writer, which commits all waiting batches in one transaction. Batches take
// effect in the order they were handed over; done (may be NULL) is called in that order by
// store_dispatch(), with FP_OK once the batch is on disk, or with why it was undone
// (FP_E_STORE_UNAVAILABLE: disk full, I/O error; later batches are tried anew). The batch is taken
// over, also on failure. Fails at once, without calling done, with the batch's sticky failure or
// FP_E_STORE_UNAVAILABLE when too many wait.
enum fp_error store_submit(struct store *store, struct store_batch *batch, store_done *done,
                           void *ctx);
// Readable when store_dispatch() has something to do.
int store_event_fd(const struct store *store);
void store_dispatch(struct store *store);
// Blocks until nothing waits, running callbacks.
void store_wait(struct store *store);
// Submits and waits; returns the batch's own result. For the command line and start-up.
enum fp_error store_submit_wait(struct store *store, struct store_batch *batch);

// Any thread.
struct store_state {
    uint64_t generation; // as store_generation(), of the last commit of ours
    uint64_t waiting;    // batches not yet done
    uint64_t batches;    // written since start
    uint64_t commits;    // transactions since start
    enum fp_error last;  // result of the last transaction
    bool reachable;      // false while the database is away; always true of a file
};
struct store_state store_state(struct store *store);

#endif
