// Bringing a file's tables to this version, within one transaction; another program's file is left
// alone. SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/id.h"
#include "store/sqlite_int.h"

#define APPLICATION_ID 0x46504c54 // "FPLT": tells our files from others'

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
static enum fp_error migrate_look(sqlite3 *db, int newest, int *version_out, struct fp_note *note)
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
    if (version > newest) {
        fp_note_set(note, "store.file", "the store has version %d; this program knows up to %d",
                    version, newest);
        return FP_E_STORE_VERSION;
    }
    *version_out = version;
    return FP_OK;
}

static enum fp_error migrate_step(sqlite3 *db, const char *step, int version)
{
    char sql[160], id[ID_TEXT];
    enum fp_error error = migrate_exec(db, step);
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
    unsigned count = 0;
    const char *const *steps = store__migrations(&count);
    const int newest = (int)count;
    int version = 0;
    enum fp_error error = migrate_look(db, newest, &version, note);
    if (error != FP_OK || version == newest) {
        return error;
    }
    error = migrate_exec(db, "BEGIN IMMEDIATE");
    if (error == FP_OK) {
        error = migrate_look(db, newest, &version, note); // another process may have been faster
        while (error == FP_OK && version < newest) {
            error = migrate_step(db, steps[version], version);
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
