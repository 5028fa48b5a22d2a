// Opening and closing the SQLite backend: WAL, every commit synced, nothing in temporary files, no
// file mapped but the WAL's index. SPDX-License-Identifier: Apache-2.0
#include "base/mem.h"
#include "store/sqlite_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Made with mode 0600 before SQLite sees it: its own files get the same mode.
static enum fp_error sqlite_file(const struct store_options *options, struct fp_note *note)
{
    struct stat st;
    int fd = -1;
    if (options->create) {
        fd = open(options->location, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd >= 0) {
            (void)close(fd);
        } else if (errno != EEXIST) {
            fp_note_set(note, "store.file", "%s: %s", options->location, strerror(errno));
            return FP_E_STORE_UNAVAILABLE;
        }
    }
    if (stat(options->location, &st) != 0) {
        fp_note_set(note, "store.file", "%s: %s", options->location, strerror(errno));
        return errno == ENOENT ? FP_E_STORE_NOT_FOUND : FP_E_STORE_UNAVAILABLE;
    }
    if (!S_ISREG(st.st_mode)) {
        fp_note_set(note, "store.file", "%s is no regular file", options->location);
        return FP_E_STORE_INVALID;
    }
    if ((st.st_mode & 077) != 0) {
        fp_note_set(note, "store.file",
                    "%s has mode %04o: others than its owner may use it; set it to 0600",
                    options->location, (unsigned)st.st_mode & 07777u);
        return FP_E_PERMISSION_DENIED;
    }
    return FP_OK;
}

static enum fp_error sqlite_connect(const char *location, sqlite3 **out, struct fp_note *note)
{
    static const char pragmas[] =
        "PRAGMA temp_store=MEMORY; PRAGMA mmap_size=0; PRAGMA foreign_keys=ON;"
        "PRAGMA synchronous=FULL; PRAGMA journal_size_limit=16777216; PRAGMA cache_size=-8192;"
        "PRAGMA cell_size_check=ON; PRAGMA secure_delete=ON";
    sqlite3 *db = NULL;
    int result = sqlite3_open_v2(
        location, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
    if (result == SQLITE_OK) {
        (void)sqlite3_busy_timeout(db, FP_LIMIT_STORE_BUSY);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
        result = sqlite3_exec(db, pragmas, NULL, NULL, NULL);
    }
    if (result != SQLITE_OK) {
        fp_note_set(note, "store.file", "%s: %s", location,
                    db != NULL ? sqlite3_errmsg(db) : sqlite3_errstr(result));
        (void)sqlite3_close(db);
        return sqlite__error(result);
    }
    *out = db;
    return FP_OK;
}

static enum fp_error sqlite_use_wal(sqlite3 *db, struct fp_note *note)
{
    sqlite3_stmt *stmt = NULL;
    bool wal = false;
    int result = sqlite3_prepare_v2(db, "PRAGMA journal_mode=WAL", -1, &stmt, NULL);
    if (result == SQLITE_OK) {
        result = sqlite3_step(stmt);
        wal =
            result == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
    }
    (void)sqlite3_finalize(stmt);
    if (!wal) {
        fp_note_set(note, "store.file", "the store cannot be switched to a write-ahead log: %s",
                    sqlite3_errmsg(db));
        return result == SQLITE_ROW ? FP_E_STORE_UNAVAILABLE : sqlite__error(result);
    }
    return FP_OK;
}

static enum fp_error sqlite_text(sqlite3 *db, const char *text, sqlite3_stmt **out)
{
    struct buf sql;
    enum fp_error error = FP_OK;
    buf_init(&sql, STORE_SQL_MAX);
    buf_append_text(&sql, text);
    error = sqlite__prepare(db, &sql, true, out);
    buf_done(&sql);
    return error;
}

static enum fp_error sqlite_prepare_gets(struct sqlite_store *s)
{
    struct buf sql;
    enum fp_error error = FP_OK;
    buf_init(&sql, STORE_SQL_MAX);
    for (unsigned kind = 0; kind < STORE_KIND_COUNT && error == FP_OK; kind++) {
        const struct store_entity *entity = store_entity((enum store_kind)kind);
        store__sql_get(&sql, &store__sql_sqlite, entity, STORE_BY_KEY);
        error = sqlite__prepare(s->reader, &sql, true, &s->get[kind][STORE_BY_KEY]);
        if (error == FP_OK && store_column_with(entity, STORE_SECOND) != NULL) {
            store__sql_get(&sql, &store__sql_sqlite, entity, STORE_BY_SECOND);
            error = sqlite__prepare(s->reader, &sql, true, &s->get[kind][STORE_BY_SECOND]);
        }
    }
    if (error == FP_OK) {
        store__sql_get(&sql, &store__sql_sqlite, store_entity(STORE_DATA_KEY), STORE_NEWEST);
        error = sqlite__prepare(s->reader, &sql, true, &s->get[STORE_DATA_KEY][STORE_NEWEST]);
    }
    buf_done(&sql);
    return error;
}

static enum fp_error sqlite_prepare(struct sqlite_store *s)
{
    const struct {
        sqlite3 *db;        // whose
        const char *text;   // what
        sqlite3_stmt **out; // where it is kept
    } all[] = {
        {s->reader, "SELECT value FROM generation", &s->generation},
        {s->reader, "BEGIN", &s->read_begin},
        {s->reader, "COMMIT", &s->read_end},
        {s->writer, "BEGIN IMMEDIATE", &s->begin},
        {s->writer, "SAVEPOINT batch", &s->savepoint},
        {s->writer, "ROLLBACK TO batch", &s->rollback_to},
        {s->writer, "RELEASE batch", &s->release},
        {s->writer, "UPDATE generation SET value=value+?1 RETURNING value", &s->count_commit},
        {s->writer, "COMMIT", &s->commit},
    };
    enum fp_error error = sqlite_prepare_gets(s);
    for (size_t i = 0; i < sizeof all / sizeof all[0] && error == FP_OK; i++) {
        error = sqlite_text(all[i].db, all[i].text, all[i].out);
    }
    return error;
}

static enum fp_error sqlite_generation(void *state, uint64_t *out)
{
    struct sqlite_store *s = state;
    int result = sqlite3_step(s->generation);
    enum fp_error error = result == SQLITE_DONE ? FP_E_STORE_INVALID : sqlite__error(result);
    if (result == SQLITE_ROW) {
        *out = (uint64_t)sqlite3_column_int64(s->generation, 0);
    }
    (void)sqlite3_reset(s->generation);
    return error;
}

static enum fp_error sqlite_read_id(struct sqlite_store *s)
{
    sqlite3_stmt *stmt = NULL;
    int result =
        sqlite3_prepare_v2(s->reader, "SELECT value FROM meta WHERE name='id'", -1, &stmt, NULL);
    enum fp_error error = FP_OK;
    if (result == SQLITE_OK) {
        result = sqlite3_step(stmt);
    }
    error = result == SQLITE_DONE ? FP_E_STORE_INVALID : sqlite__error(result);
    if (result == SQLITE_ROW &&
        !bytes_to_text(bytes_of_text((const char *)sqlite3_column_text(stmt, 0)), s->id,
                       sizeof s->id)) {
        error = FP_E_STORE_INVALID;
    }
    (void)sqlite3_finalize(stmt);
    return error;
}

static void sqlite_close(void *state)
{
    struct sqlite_store *s = state;
    sqlite3 *const both[] = {s != NULL ? s->reader : NULL, s != NULL ? s->writer : NULL};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *stmt = NULL;
        while (both[i] != NULL && (stmt = sqlite3_next_stmt(both[i], NULL)) != NULL) {
            (void)sqlite3_finalize(stmt);
        }
        (void)sqlite3_close(both[i]);
    }
    mem_free(s);
}

// Two connections to one file: tables first, then the log, then what is read at once.
static enum fp_error sqlite_open_both(struct sqlite_store *s, const char *location,
                                      struct fp_note *note)
{
    enum fp_error error = sqlite_connect(location, &s->writer, note);
    if (error == FP_OK) {
        error = sqlite__migrate(s->writer, note);
    }
    if (error == FP_OK) {
        error = sqlite_use_wal(s->writer, note);
    }
    if (error == FP_OK) {
        error = sqlite_connect(location, &s->reader, note);
    }
    if (error == FP_OK) {
        error = sqlite__error(sqlite3_exec(s->reader, "PRAGMA query_only=ON", NULL, NULL, NULL));
    }
    return error;
}

static enum fp_error sqlite_open(const struct store_options *options, void **state_out,
                                 struct fp_note *note)
{
    struct sqlite_store *s = NULL;
    uint64_t generation = 0;
    enum fp_error error = sqlite_file(options, note);
    if (error == FP_OK) {
        s = mem_alloc(1, sizeof *s);
        error = s != NULL ? sqlite_open_both(s, options->location, note) : FP_E_NO_MEMORY;
    }
    if (error == FP_OK) {
        error = sqlite_prepare(s);
    }
    if (error == FP_OK) {
        error = sqlite_read_id(s);
    }
    if (error == FP_OK) {
        // an empty group: makes the log's files, proves that writing works; it does not count, or a
        // store that was rolled back could be opened until it is as old as it should be
        error = sqlite__write(s, NULL, &generation);
    }
    if (error == FP_OK) {
        *state_out = s;
        return FP_OK;
    }
    if (note != NULL && note->text[0] == '\0' && s != NULL && s->writer != NULL) {
        fp_note_set(note, "store.file", "%s: %s", options->location,
                    sqlite3_errmsg(s->reader != NULL ? s->reader : s->writer));
    }
    sqlite_close(s);
    return error;
}

static const char *sqlite_id(const void *state)
{
    const struct sqlite_store *s = state;
    return s->id;
}

static enum fp_error sqlite_read_begin(void *state)
{
    struct sqlite_store *s = state;
    int result = sqlite3_step(s->read_begin);
    (void)sqlite3_reset(s->read_begin);
    return sqlite__error(result);
}

static void sqlite_read_end(void *state)
{
    struct sqlite_store *s = state;
    (void)sqlite3_step(s->read_end);
    (void)sqlite3_reset(s->read_end);
}

const struct store_backend store__sqlite = {
    .name = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .id = sqlite_id,
    .generation = sqlite_generation,
    .get = sqlite__get,
    .list = sqlite__list,
    .count = sqlite__count,
    .read_begin = sqlite_read_begin,
    .read_end = sqlite_read_end,
    .write = sqlite__write,
};
