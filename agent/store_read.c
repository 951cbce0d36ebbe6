#include "agent/store_read.h"

#include "agent/store_db.h"
#include "base/str.h"

#include <errno.h>

/* The row that STMT stands on, handed to the caller's function. */
typedef void (*row_fn)(void *data, sqlite3_stmt *stmt);

static int each_row(const char *dir, const char *sql, const char *argument, row_fn fn, void *data)
{
    cleanup(store_db_reader_closep) sqlite3 *db = NULL;
    cleanup(store_db_finalizep) sqlite3_stmt *stmt = NULL;
    int r = store_db_open_reader(dir, &db), code;

    if (r < 0)
        return r;
    code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (code == SQLITE_OK && argument)
        code = sqlite3_bind_text(stmt, 1, argument, -1, SQLITE_STATIC);
    if (code != SQLITE_OK)
        return store_db_error(db, code);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW)
        fn(data, stmt);
    return store_db_error(db, code);
}

static const char *text_of(sqlite3_stmt *stmt, int column)
{
    return str_or((const char *)sqlite3_column_text(stmt, column), "");
}

struct intents {
    void (*each)(void *data, const struct store_intent *i);
    void *data;
};

static void on_intent(void *data, sqlite3_stmt *stmt)
{
    struct intents *to = data;
    struct store_intent i = {.wall = (usec_t)sqlite3_column_int64(stmt, 1)};

    (void)str_copy(i.id, sizeof(i.id), text_of(stmt, 0));
    (void)str_copy(i.connection, sizeof(i.connection), text_of(stmt, 2));
    (void)addr_parse(text_of(stmt, 3), &i.outside); /* stays unset where it was */
    (void)str_copy(i.action, sizeof(i.action), text_of(stmt, 4));
    (void)str_copy(i.incident, sizeof(i.incident), text_of(stmt, 5));
    (void)str_copy(i.detail, sizeof(i.detail), text_of(stmt, 6));
    to->each(to->data, &i);
}

int store_read_intents(const char *dir, void (*each)(void *data, const struct store_intent *i), void *data)
{
    struct intents to = {each, data};

    return each_row(dir,
                    "SELECT id, wall, connection, outside, action, incident, detail FROM intents WHERE result IS NULL "
                    "ORDER BY seq DESC",
                    NULL, on_intent, &to);
}

struct values {
    void (*each)(void *data, const char *key, const char *value);
    void *data;
};

static void on_value(void *data, sqlite3_stmt *stmt)
{
    struct values *to = data;

    to->each(to->data, text_of(stmt, 0), text_of(stmt, 1));
}

int store_read_values(const char *dir, const char *prefix, void (*each)(void *data, const char *key, const char *value),
                      void *data)
{
    struct values to = {each, data};

    return each_row(dir, "SELECT key, value FROM state WHERE substr(key, 1, length(?1)) = ?1 ORDER BY key", prefix,
                    on_value, &to);
}

struct alerts {
    void (*each)(void *data, const struct store_alert *a);
    void *data;
};

static void on_alert(void *data, sqlite3_stmt *stmt)
{
    struct alerts *to = data;
    struct store_alert a = {
        .body = text_of(stmt, 2),
        .wall = (usec_t)sqlite3_column_int64(stmt, 3),
        .attempts = (unsigned)sqlite3_column_int(stmt, 4),
    };

    (void)str_copy(a.id, sizeof(a.id), text_of(stmt, 0));
    (void)str_copy(a.target, sizeof(a.target), text_of(stmt, 1));
    to->each(to->data, &a);
}

int store_read_alerts(const char *dir, void (*each)(void *data, const struct store_alert *a), void *data)
{
    struct alerts to = {each, data};

    return each_row(dir, "SELECT id, target, body, wall, attempts FROM spool ORDER BY seq", NULL, on_alert, &to);
}
