// The tables, step by step: a step is never changed once released, a new one is added at the end.
// Written for SQLite and translated for PostgreSQL, so keep to plain statements and to the types
// TEXT, INTEGER and BLOB. SPDX-License-Identifier: Apache-2.0
#include "store/sql_int.h"

// Texts of ids sort by age. Numbers and blobs are typed: STRICT refuses others' habits.
static const char step_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value TEXT NOT NULL) STRICT;"
    "CREATE TABLE generation(one INTEGER PRIMARY KEY CHECK(one=1), value INTEGER NOT NULL) STRICT;"
    "INSERT INTO generation VALUES(1,0);"
    "CREATE TABLE application(id TEXT PRIMARY KEY NOT NULL, name TEXT NOT NULL,"
    " environment TEXT NOT NULL, networks TEXT NOT NULL, created_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL, authenticator BLOB NOT NULL) STRICT;"
    "CREATE TABLE customer(id TEXT PRIMARY KEY NOT NULL,"
    " application TEXT NOT NULL REFERENCES application(id), name TEXT NOT NULL,"
    " email TEXT NOT NULL, created_ms INTEGER NOT NULL, erased_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL, UNIQUE(application,email)) STRICT;"
    "CREATE TABLE data_key(customer TEXT NOT NULL, key_version INTEGER NOT NULL,"
    " key_id BLOB NOT NULL, master_id BLOB NOT NULL, wrapped BLOB NOT NULL,"
    " reserved INTEGER NOT NULL, state INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL, PRIMARY KEY(customer,key_version)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE connection(id TEXT PRIMARY KEY NOT NULL,"
    " application TEXT NOT NULL REFERENCES application(id),"
    " customer TEXT NOT NULL REFERENCES customer(id), platform TEXT NOT NULL, name TEXT NOT NULL,"
    " email TEXT NOT NULL, state INTEGER NOT NULL, reason TEXT NOT NULL, networks TEXT NOT NULL,"
    " account TEXT NOT NULL, credential_version INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
    " changed_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL, version INTEGER NOT NULL,"
    " authenticator BLOB NOT NULL) STRICT;"
    "CREATE INDEX connection_application ON connection(application,id);"
    "CREATE INDEX connection_customer ON connection(customer,id);"
    "CREATE INDEX connection_state ON connection(state,id);"
    "CREATE TABLE credential(connection TEXT NOT NULL REFERENCES connection(id),"
    " credential_version INTEGER NOT NULL, sealed BLOB NOT NULL, created_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL, PRIMARY KEY(connection,credential_version)) STRICT;"
    "CREATE TABLE token(id TEXT PRIMARY KEY NOT NULL, hash BLOB NOT NULL UNIQUE,"
    " kind INTEGER NOT NULL, owner TEXT NOT NULL,"
    " application TEXT NOT NULL REFERENCES application(id), scopes TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, revoked_ms INTEGER NOT NULL,"
    " reason TEXT NOT NULL, used_ms INTEGER NOT NULL, version INTEGER NOT NULL,"
    " authenticator BLOB NOT NULL) STRICT;"
    "CREATE INDEX token_owner ON token(owner,id);"
    "CREATE INDEX token_application ON token(application,id);"
    "CREATE TABLE metadata(connection TEXT PRIMARY KEY NOT NULL REFERENCES connection(id),"
    " content BLOB NOT NULL, changed_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE setting(name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) STRICT;";

static const char step_2[] =
    "CREATE TABLE connect_link(id TEXT PRIMARY KEY NOT NULL, hash BLOB NOT NULL UNIQUE,"
    " kind INTEGER NOT NULL, application TEXT NOT NULL REFERENCES application(id),"
    " name TEXT NOT NULL, email TEXT NOT NULL, platforms TEXT NOT NULL, connection TEXT NOT NULL,"
    " return_url TEXT NOT NULL, redirect_uri TEXT NOT NULL, oauth_state TEXT NOT NULL,"
    " code_challenge TEXT NOT NULL, scopes TEXT NOT NULL, attempts INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
    " connected TEXT NOT NULL, version INTEGER NOT NULL, authenticator BLOB NOT NULL) STRICT;"
    "CREATE INDEX connect_link_application ON connect_link(application,id);";

// The OAuth 2.0 server: what applications may redirect to, families of tokens, codes.
static const char step_3[] =
    "ALTER TABLE application ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT '';"
    "ALTER TABLE application ADD COLUMN access_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE application ADD COLUMN refresh_s INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE application ADD COLUMN pkce_optional INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE token ADD COLUMN family TEXT NOT NULL DEFAULT '';"
    "CREATE TABLE code(id TEXT PRIMARY KEY NOT NULL, hash BLOB NOT NULL UNIQUE,"
    " connection TEXT NOT NULL REFERENCES connection(id),"
    " application TEXT NOT NULL REFERENCES application(id), redirect_uri TEXT NOT NULL,"
    " redirect_named INTEGER NOT NULL, challenge TEXT NOT NULL, scopes TEXT NOT NULL,"
    " family TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL,"
    " redeemed_ms INTEGER NOT NULL, version INTEGER NOT NULL,"
    " authenticator BLOB NOT NULL) STRICT;"
    "ALTER TABLE connect_link ADD COLUMN redirect_named INTEGER NOT NULL DEFAULT 0;"
    "CREATE INDEX code_connection ON code(connection,id);";

// Metadata that is changed by two at once is not lost: each names the version it saw.
static const char step_4[] = "ALTER TABLE metadata ADD COLUMN version INTEGER NOT NULL DEFAULT 1;";

// The dashboard: who may use it, and who is signed in. Lists are sorted and searched there.
static const char step_5[] =
    "CREATE TABLE person(id TEXT PRIMARY KEY NOT NULL, email TEXT NOT NULL UNIQUE,"
    " name TEXT NOT NULL, role INTEGER NOT NULL, password TEXT NOT NULL, totp BLOB NOT NULL,"
    " totp_step INTEGER NOT NULL, link_hash BLOB NOT NULL, link_expires_ms INTEGER NOT NULL,"
    " created_ms INTEGER NOT NULL, signed_in_ms INTEGER NOT NULL, disabled_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL, authenticator BLOB NOT NULL) STRICT;"
    "CREATE TABLE session(id TEXT PRIMARY KEY NOT NULL, hash BLOB NOT NULL UNIQUE,"
    " person TEXT NOT NULL REFERENCES person(id), address TEXT NOT NULL,"
    " created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL, fresh_ms INTEGER NOT NULL,"
    " used_ms INTEGER NOT NULL, version INTEGER NOT NULL, authenticator BLOB NOT NULL) STRICT;"
    "CREATE INDEX session_person ON session(person,id);"
    "CREATE INDEX connection_name ON connection(name,id);"
    "CREATE INDEX connection_changed ON connection(changed_ms,id);"
    "CREATE INDEX connection_used ON connection(used_ms,id);"
    "CREATE INDEX customer_name ON customer(name,id);";

// What a token is bound to: a key or certificate, networks.
static const char step_6[] = "ALTER TABLE token ADD COLUMN binding TEXT NOT NULL DEFAULT '';"
                             "ALTER TABLE token ADD COLUMN addresses TEXT NOT NULL DEFAULT '';";
// Webhooks: endpoints, and what is on its way to them.
static const char step_7[] =
    "CREATE TABLE webhook(id TEXT PRIMARY KEY NOT NULL,"
    " application TEXT NOT NULL REFERENCES application(id), url TEXT NOT NULL,"
    " events INTEGER NOT NULL, sealed BLOB NOT NULL, created_ms INTEGER NOT NULL,"
    " disabled_ms INTEGER NOT NULL, reason TEXT NOT NULL, version INTEGER NOT NULL,"
    " authenticator BLOB NOT NULL) STRICT;"
    "CREATE INDEX webhook_application ON webhook(application,id);"
    "CREATE TABLE delivery(id TEXT PRIMARY KEY NOT NULL,"
    " webhook TEXT NOT NULL REFERENCES webhook(id), connection TEXT NOT NULL,"
    " event INTEGER NOT NULL, body BLOB NOT NULL, state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, created_ms INTEGER NOT NULL, begun_ms INTEGER NOT NULL,"
    " next_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, log BLOB NOT NULL,"
    " version INTEGER NOT NULL, authenticator BLOB NOT NULL) STRICT;"
    "CREATE INDEX delivery_webhook ON delivery(webhook,state,id);"
    "CREATE INDEX delivery_state ON delivery(state,id);";

// Changes that were asked for with an Idempotency-Key.
static const char step_8[] =
    "CREATE TABLE replay(id TEXT PRIMARY KEY NOT NULL, hash BLOB NOT NULL UNIQUE,"
    " request BLOB NOT NULL, connection TEXT NOT NULL REFERENCES connection(id),"
    " state INTEGER NOT NULL, answer BLOB NOT NULL, created_ms INTEGER NOT NULL,"
    " version INTEGER NOT NULL) STRICT;"
    "CREATE INDEX replay_connection ON replay(connection,id);";

static const char *const steps[] = {step_1, step_2, step_3, step_4, step_5, step_6, step_7, step_8};

const char *const *store__migrations(unsigned *count_out)
{
    *count_out = (unsigned)(sizeof steps / sizeof steps[0]);
    return steps;
}
