// Statements' texts, made from the table of columns: no value ever stands in one.
// SPDX-License-Identifier: Apache-2.0
#include "store/sql_int.h"

const struct sql_dialect store__sql_sqlite = {'?', "max", "LIKE"};
const struct sql_dialect store__sql_postgres = {'$', "greatest", "ILIKE"};

static unsigned sql_parameter(const struct store_entity *entity, const struct store_column *column)
{
    return (unsigned)(column - entity->columns) + 1;
}

static void sql_columns(struct buf *sql, const struct store_entity *entity)
{
    for (size_t i = 0; i < entity->column_count; i++) {
        buf_printf(sql, "%s%s", i != 0 ? "," : "", entity->columns[i].name);
    }
}

// "a=?1 AND b=?2" over the columns with one of the roles.
static void sql_where(struct buf *sql, const struct sql_dialect *dialect,
                      const struct store_entity *entity, unsigned roles)
{
    const char *before = " WHERE ";
    for (size_t i = 0; i < entity->column_count; i++) {
        const struct store_column *column = &entity->columns[i];
        if ((column->roles & roles) != 0) {
            buf_printf(sql, "%s%s=%c%u", before, column->name, dialect->mark,
                       sql_parameter(entity, column));
            before = " AND ";
        }
    }
}

void store__sql_get(struct buf *sql, const struct sql_dialect *dialect,
                    const struct store_entity *entity, enum store_access access)
{
    buf_append_text(sql, "SELECT ");
    sql_columns(sql, entity);
    buf_printf(sql, " FROM %s", entity->table);
    if (access == STORE_NEWEST) {
        sql_where(sql, dialect, entity, STORE_PARENT);
        buf_printf(sql, " AND state<>%d ORDER BY key_version DESC LIMIT 1", STORE_KEY_DESTROYED);
    } else {
        sql_where(sql, dialect, entity, access == STORE_BY_KEY ? STORE_KEY : STORE_SECOND);
    }
}

static void sql_insert(struct buf *sql, const struct sql_dialect *dialect,
                       const struct store_entity *entity)
{
    buf_printf(sql, "INSERT INTO %s(", entity->table);
    sql_columns(sql, entity);
    buf_append_text(sql, ") VALUES(");
    for (size_t i = 0; i < entity->column_count; i++) {
        buf_printf(sql, "%s%c%zu", i != 0 ? "," : "", dialect->mark, i + 1);
    }
    buf_append_byte(sql, ')');
}

static void sql_put(struct buf *sql, const struct sql_dialect *dialect,
                    const struct store_entity *entity)
{
    const char *before = " DO UPDATE SET ";
    sql_insert(sql, dialect, entity);
    buf_printf(sql, " ON CONFLICT(%s)", store_column_with(entity, STORE_KEY)->name);
    for (size_t i = 0; i < entity->column_count; i++) {
        if ((entity->columns[i].roles & STORE_KEY) == 0) {
            buf_printf(sql, "%s%s=excluded.%s", before, entity->columns[i].name,
                       entity->columns[i].name);
            before = ",";
        }
    }
}

static void sql_update(struct buf *sql, const struct sql_dialect *dialect,
                       const struct store_entity *entity)
{
    const unsigned kept = STORE_KEY | STORE_TOUCHED | STORE_ADDED | STORE_VERSION;
    buf_printf(sql, "UPDATE %s SET version=version+1", entity->table);
    for (size_t i = 0; i < entity->column_count; i++) {
        if ((entity->columns[i].roles & kept) == 0) {
            buf_printf(sql, ",%s=%c%zu", entity->columns[i].name, dialect->mark, i + 1);
        }
    }
    sql_where(sql, dialect, entity, STORE_KEY | STORE_VERSION);
}

static void sql_touch(struct buf *sql, const struct sql_dialect *dialect,
                      const struct store_entity *entity)
{
    const struct store_column *added = store_column_with(entity, STORE_ADDED);
    const struct store_column *touched = store_column_with(entity, STORE_TOUCHED);
    const struct store_column *column = added != NULL ? added : touched;
    buf_printf(sql, "UPDATE %s SET %s=", entity->table, column->name);
    if (added != NULL) {
        buf_printf(sql, "%s+%c%u", column->name, dialect->mark, sql_parameter(entity, column));
    } else {
        buf_printf(sql, "%s(%s,%c%u)", dialect->greatest, column->name, dialect->mark,
                   sql_parameter(entity, column));
    }
    sql_where(sql, dialect, entity, STORE_KEY);
}

void store__sql_change(struct buf *sql, const struct sql_dialect *dialect,
                       const struct store_entity *entity, enum store_action action)
{
    switch (action) {
    case STORE_INSERT:
        sql_insert(sql, dialect, entity);
        break;
    case STORE_PUT:
        sql_put(sql, dialect, entity);
        break;
    case STORE_UPDATE:
        sql_update(sql, dialect, entity);
        break;
    case STORE_TOUCH:
        sql_touch(sql, dialect, entity);
        break;
    case STORE_DELETE:
    case STORE_DELETE_OF:
    case STORE_ACTION_COUNT:
        buf_printf(sql, "DELETE FROM %s", entity->table);
        sql_where(sql, dialect, entity, action == STORE_DELETE ? STORE_KEY : STORE_PARENT);
        break;
    }
}

// "(a LIKE ?3 ESCAPE '\' OR b LIKE ?3 ESCAPE '\')" over the columns that a search looks into.
static void sql_search(struct buf *sql, const struct sql_dialect *dialect,
                       const struct store_entity *entity, size_t parameter)
{
    const char *before = "(";
    for (size_t i = 0; i < entity->column_count; i++) {
        if ((entity->columns[i].roles & STORE_SEARCHED) != 0) {
            buf_printf(sql, "%s%s %s %c%zu", before, entity->columns[i].name, dialect->like,
                       dialect->mark, parameter);
            buf_append_text(sql, " ESCAPE '\\'");
            before = " OR ";
        }
    }
    buf_append_byte(sql, ')');
}

static const char *sql_filters(struct buf *sql, const struct sql_dialect *dialect,
                               const struct store_entity *entity,
                               const struct store_filter *filters, size_t count)
{
    const char *before = " WHERE ";
    for (size_t i = 0; i < count; i++) {
        buf_append_text(sql, before);
        if (filters[i].column == NULL) {
            sql_search(sql, dialect, entity, i + 1);
        } else {
            buf_printf(sql, "%s=%c%zu", filters[i].column->name, dialect->mark, i + 1);
        }
        before = " AND ";
    }
    return before;
}

// "a,b" of the key; how many columns it has.
static unsigned sql_key(struct buf *sql, const struct store_entity *entity, const char *after_each)
{
    unsigned count = 0;
    for (size_t i = 0; i < entity->column_count; i++) {
        if ((entity->columns[i].roles & STORE_KEY) != 0) {
            buf_printf(sql, "%s%s%s", count != 0 ? "," : "", entity->columns[i].name, after_each);
            count++;
        }
    }
    return count;
}

void store__sql_list(struct buf *sql, const struct sql_dialect *dialect,
                     const struct store_entity *entity, const struct store_query *query,
                     const struct store_filter *filters, size_t count)
{
    const bool newest_first = query != NULL && query->newest_first;
    const char *before = NULL;
    size_t next = count + 1; // parameter
    buf_append_text(sql, "SELECT ");
    sql_columns(sql, entity);
    buf_printf(sql, " FROM %s", entity->table);
    before = sql_filters(sql, dialect, entity, filters, count);
    if (query != NULL && query->after != NULL) {
        buf_printf(sql, "%s(", before);
        const unsigned columns = sql_key(sql, entity, "");
        buf_printf(sql, ")%c(%c%zu", newest_first ? '<' : '>', dialect->mark, next++);
        if (columns == 2) {
            buf_printf(sql, ",%c%zu", dialect->mark, next++);
        }
        buf_append_byte(sql, ')');
    }
    buf_append_text(sql, " ORDER BY ");
    if (query != NULL && query->sort != NULL) {
        buf_printf(sql, "%s%s,", store_column(entity, query->sort)->name,
                   newest_first ? " DESC" : "");
    }
    (void)sql_key(sql, entity, newest_first ? " DESC" : "");
    buf_printf(sql, " LIMIT %c%zu OFFSET %c%zu", dialect->mark, next, dialect->mark, next + 1);
}

void store__sql_count(struct buf *sql, const struct sql_dialect *dialect,
                      const struct store_entity *entity, const struct store_filter *filters,
                      size_t count)
{
    buf_printf(sql, "SELECT count(*) FROM %s", entity->table);
    (void)sql_filters(sql, dialect, entity, filters, count);
}
