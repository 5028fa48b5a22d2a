// Bringing a database's tables to this version, by the same steps as SQLite's: their few types have
// other names here, and texts are compared by bytes. SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"
#include "base/id.h"
#include "store/postgres_int.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM  "fishplate"
#define STEP_MAX 65536        // bytes of a step
#define LOCK     "1179667540" // advisory: one node at a time makes tables

// Words of SQLite's that PostgreSQL says in another way; ends at its names.
static void translate(struct buf *sql, const char *step)
{
    static const struct {
        const char *from; // a word, or with what stands before it
        const char *to;   // instead
    } words[] = {
        {"INTEGER", "BIGINT"}, {"TEXT", "TEXT COLLATE \"C\""},
        {"BLOB", "BYTEA"},     {" STRICT, WITHOUT ROWID", ""},
        {" STRICT", ""},
    };
    while (*step != '\0') {
        size_t taken = 0;
        for (size_t i = 0; i < sizeof words / sizeof words[0] && taken == 0; i++) {
            const size_t len = strlen(words[i].from);
            if (strncmp(step, words[i].from, len) == 0 && isalnum((unsigned char)step[len]) == 0 &&
                step[len] != '_') {
                buf_append_text(sql, words[i].to);
                taken = len;
            }
        }
        if (taken == 0) {
            // a word is looked at from its beginning only
            do {
                buf_append_byte(sql, (uint8_t)step[taken++]);
            } while ((isalnum((unsigned char)step[taken - 1]) != 0 || step[taken - 1] == '_') &&
                     (isalnum((unsigned char)step[taken]) != 0 || step[taken] == '_'));
        }
        step += taken;
    }
}

static enum fp_error migrate_bad(struct fp_note *note, const char *text)
{
    fp_note_set(note, "store.url", "%s", text);
    return FP_E_STORE_INVALID;
}

struct migrate_look {
    unsigned version; // 0: no tables yet
    char id[40];      // of the store
};

// One line of `meta`; false when it is not there or does not fit.
static bool look_value(const PGresult *result, const char *name, char *out, size_t size)
{
    for (int i = 0; i < PQntuples(result); i++) {
        if (strcmp(PQgetvalue(result, i, 0), name) == 0) {
            return bytes_to_text(bytes_of_text(PQgetvalue(result, i, 1)), out, size);
        }
    }
    return false;
}

static enum fp_error look_meta(struct postgres_link *link, unsigned newest,
                               struct migrate_look *out, struct fp_note *note)
{
    PGresult *result = NULL;
    char program[16], version[12];
    enum fp_error error = postgres__exec(link, "SELECT name,value FROM meta", &result);
    if (error == FP_OK) {
        if (!look_value(result, "program", program, sizeof program) ||
            strcmp(program, PROGRAM) != 0 ||
            !look_value(result, "version", version, sizeof version) ||
            !look_value(result, "id", out->id, sizeof out->id)) {
            error = migrate_bad(note, "the database's tables are another program's");
        } else {
            out->version = (unsigned)strtoul(version, NULL, 10);
        }
    }
    if (error == FP_OK && out->version > newest) {
        fp_note_set(note, "store.url", "the store has version %u; this program knows up to %u",
                    out->version, newest);
        error = FP_E_STORE_VERSION;
    }
    PQclear(result);
    return error;
}

// Whose database it is, and how far its tables are.
static enum fp_error look(struct postgres_link *link, unsigned newest, struct migrate_look *out,
                          struct fp_note *note)
{
    static const char sql[] =
        "SELECT coalesce(current_schema()::text,''),"
        " to_regclass(quote_ident(current_schema())||'.meta') IS NOT NULL,"
        " (SELECT count(*) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
        " ON n.oid=c.relnamespace WHERE n.nspname=current_schema() AND c.relkind<>'i')";
    PGresult *result = NULL;
    bool made = false;
    enum fp_error error = postgres__exec(link, sql, &result);
    if (error != FP_OK) {
        return error;
    }
    *out = (struct migrate_look){0};
    if (PQntuples(result) != 1 || PQgetvalue(result, 0, 0)[0] == '\0') {
        error = migrate_bad(note, "the database has no schema to put tables into");
    } else if (PQgetvalue(result, 0, 1)[0] == 't') {
        made = true;
    } else if (strcmp(PQgetvalue(result, 0, 2), "0") != 0) {
        error = migrate_bad(note, "the database holds tables, but of another program");
    }
    PQclear(result);
    return made ? look_meta(link, newest, out, note) : error;
}

static enum fp_error migrate_step(struct postgres_link *link, struct buf *sql, const char *step,
                                  unsigned version)
{
    enum fp_error error = FP_OK;
    char id[ID_TEXT];
    buf_clear(sql);
    translate(sql, step);
    if (version == 1) {
        id_make("sto", clock_wall_ms(), id);
        buf_printf(sql,
                   "INSERT INTO meta VALUES('program','" PROGRAM "'),('id','%s'),('version','1')",
                   id);
    } else {
        buf_printf(sql, "UPDATE meta SET value='%u' WHERE name='version'", version);
    }
    error = buf_error(sql);
    return error != FP_OK ? error : postgres__exec(link, buf_text(sql), NULL);
}

static enum fp_error migrate_all(struct postgres_link *link, bool create, struct migrate_look *out,
                                 struct fp_note *note)
{
    unsigned newest = 0;
    const char *const *steps = store__migrations(&newest);
    struct buf sql;
    enum fp_error error =
        postgres__exec(link, "BEGIN;SELECT pg_advisory_xact_lock(" LOCK ")", NULL);
    buf_init(&sql, STEP_MAX);
    if (error == FP_OK) {
        error = look(link, newest, out, note);
    }
    if (error == FP_OK && out->version == 0 && !create) {
        fp_note_set(note, "store.url", "the database is empty: there is no store in it");
        error = FP_E_STORE_NOT_FOUND;
    }
    if (error == FP_OK && out->version != newest) {
        for (unsigned i = out->version; i < newest && error == FP_OK; i++) {
            error = migrate_step(link, &sql, steps[i], i + 1);
        }
        if (error == FP_OK) {
            error = look(link, newest, out, note);
        }
    }
    buf_done(&sql);
    return error;
}

enum fp_error postgres__migrate(struct postgres_link *link, bool create, char id_out[static 40],
                                struct fp_note *note)
{
    struct migrate_look found = {0};
    enum fp_error error = migrate_all(link, create, &found, note);
    if (error == FP_OK) {
        error = postgres__exec(link, "COMMIT", NULL);
    }
    if (error == FP_OK) {
        memcpy(id_out, found.id, sizeof found.id);
        return FP_OK;
    }
    if (note != NULL && note->text[0] == '\0') {
        fp_note_set(note, "store.url", "the store's tables cannot be made or read: %s",
                    link->message);
    }
    return error;
}
