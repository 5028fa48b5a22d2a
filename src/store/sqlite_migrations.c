// The tables, step by step: a step is never changed once released, a new one is added at the end.
// SPDX-License-Identifier: Apache-2.0
#include "base/id.h"
#include "store/sqlite_int.h"

#include "base/clock.h"

#define APPLICATION_ID 0x46504c54 // "FPLT": tells our files from others'

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

static const char *const steps[] = {step_1, step_2, step_3, step_4};

#define VERSION ((int)(sizeof steps / sizeof steps[0]))

static enum fp_error migrate_number(sqlite3 *db, const char *sql, int *out)
{
    sqlite3_stmt *stmt = NULL;
    int result = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(stmt);
        if (result == SQLITE_ROW) {
            *out = sqlite3_column_int(stmt, 0);
        }
    }
    (void)sqlite3_finalize(stmt);
    return sqlite__error(result);
}

static enum fp_error migrate_exec(sqlite3 *db, const char *sql)
{
    return sqlite__error(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

// Whose file it is, and how far its tables are: 0 for an empty one.
static enum fp_error migrate_look(sqlite3 *db, int *version_out, struct fp_note *note)
{
    int application = 0, version = 0, tables = 0;
    enum fp_error error = migrate_number(db, "PRAGMA application_id", &application);
    if (error == FP_OK) {
        error = migrate_number(db, "PRAGMA user_version", &version);
    }
    if (error == FP_OK) {
        error = migrate_number(db, "SELECT count(*) FROM sqlite_schema", &tables);
    }
    if (error != FP_OK) {
        fp_note_set(note, "store.file", "the store cannot be read: %s", sqlite3_errmsg(db));
        return error;
    }
    if (application == 0 && version == 0 && tables == 0) {
        *version_out = 0;
        return FP_OK;
    }
    if (application != APPLICATION_ID || version < 1) {
        fp_note_set(note, "store.file", "the file is a database, but of another program");
        return FP_E_STORE_INVALID;
    }
    if (version > VERSION) {
        fp_note_set(note, "store.file", "the store has version %d; this program knows up to %d",
                    version, VERSION);
        return FP_E_STORE_VERSION;
    }
    *version_out = version;
    return FP_OK;
}

static enum fp_error migrate_step(sqlite3 *db, int version)
{
    char sql[160], id[ID_TEXT];
    enum fp_error error = migrate_exec(db, steps[version]);
    if (error == FP_OK && version == 0) {
        id_make("sto", clock_wall_ms(), id);
        (void)sqlite3_snprintf((int)sizeof sql, sql,
                               "INSERT INTO meta VALUES('id','%q'); PRAGMA application_id=%d", id,
                               APPLICATION_ID);
        error = migrate_exec(db, sql);
    }
    if (error == FP_OK) {
        (void)sqlite3_snprintf((int)sizeof sql, sql, "PRAGMA user_version=%d", version + 1);
        error = migrate_exec(db, sql);
    }
    return error;
}

enum fp_error sqlite__migrate(sqlite3 *db, struct fp_note *note)
{
    int version = 0;
    enum fp_error error = migrate_look(db, &version, note);
    if (error != FP_OK || version == VERSION) {
        return error;
    }
    error = migrate_exec(db, "BEGIN IMMEDIATE");
    if (error == FP_OK) {
        error = migrate_look(db, &version, note); // another process may have been faster
        while (error == FP_OK && version < VERSION) {
            error = migrate_step(db, version);
            version++;
        }
        if (error == FP_OK) {
            error = migrate_exec(db, "COMMIT");
        }
        if (error != FP_OK) {
            (void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
        }
    }
    if (error != FP_OK && note != NULL && note->text[0] == '\0') {
        fp_note_set(note, "store.file", "the store's tables cannot be made: %s",
                    sqlite3_errmsg(db));
    }
    return error;
}
