/* The statements of the store: carrying out jobs. */
#include "agent/store_chain.h"
#include "agent/store_db.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <errno.h>
#include <string.h>

/* Parameters: ?1 wall clock, ?2 number, ?3 and on the texts of the job. Rows of history are written by store_chain.c.
 */
static const struct {
    const char *sql;
    const char *limit; /* afterwards; keeps the table within its maximum */
} statements[STORE_KIND_MAX_] = {
    [STORE_INTEND] = {"INSERT OR REPLACE INTO intents (wall, id, connection, outside, action, incident, detail) "
                      "VALUES (?1, ?3, ?4, ?5, ?6, ?7, ?8)",
                      NULL},
    [STORE_INTENT_CLOSE] = {"UPDATE intents SET result = ?4 WHERE id = ?3",
                            "DELETE FROM intents WHERE result IS NOT NULL AND seq <= (SELECT seq FROM intents "
                            "WHERE result IS NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET ?1)"},
    [STORE_SET] = {"INSERT OR REPLACE INTO state (key, value) VALUES (?3, ?4)", NULL},
    [STORE_UNSET] = {"DELETE FROM state WHERE key = ?3", NULL},
    [STORE_SPOOL_ADD] = {"INSERT OR IGNORE INTO spool (wall, attempts, id, target, body) VALUES (?1, ?2, ?3, ?4, ?5)",
                         "DELETE FROM spool WHERE seq <= (SELECT seq FROM spool ORDER BY seq DESC LIMIT 1 OFFSET ?1)"},
    [STORE_SPOOL_ATTEMPTED] = {"UPDATE spool SET attempts = ?2 WHERE id = ?3 AND target = ?4", NULL},
    [STORE_SPOOL_REMOVE] = {"DELETE FROM spool WHERE id = ?3 AND target = ?4", NULL},
};

static int prepare_one(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
    int code = sql ? sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) : SQLITE_OK;

    return (code & 0xFF) == SQLITE_ERROR ? -EBADMSG : store_db_error(db, code); /* a table is missing */
}

int store_db_prepare(struct store_db *db)
{
    int r = store_chain_new(db->sqlite, &db->chain);

    for (size_t i = 0; i < STORE_KIND_MAX_ && r >= 0; i++) {
        r = prepare_one(db->sqlite, statements[i].sql, &db->writes[i]);
        if (r >= 0)
            r = prepare_one(db->sqlite, statements[i].limit, &db->limits[i]);
    }
    return r;
}

void store_db_release(struct store_db *db)
{
    for (size_t i = 0; i < STORE_KIND_MAX_; i++) {
        (void)sqlite3_finalize(db->writes[i]);
        (void)sqlite3_finalize(db->limits[i]);
    }
    db->chain = store_chain_free(db->chain);
}

static int step(sqlite3 *db, sqlite3_stmt *stmt)
{
    int r = store_db_error(db, sqlite3_step(stmt));

    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return r;
}

static int put(struct store_db *db, const struct store_job *j)
{
    sqlite3_stmt *stmt = db->writes[j->kind], *limit = db->limits[j->kind];
    int n = sqlite3_bind_parameter_count(stmt), r;

    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)j->wall);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)j->number);
    for (int i = 0; i < STORE_TEXTS_MAX && 3 + i <= n; i++)
        if (j->texts[i] && sqlite3_bind_text(stmt, 3 + i, j->texts[i], -1, SQLITE_STATIC) != SQLITE_OK)
            return -ENOMEM;
    r = step(db->sqlite, stmt);
    if (r < 0 || !limit)
        return r;
    (void)sqlite3_bind_int64(limit, 1, j->kind == STORE_SPOOL_ADD ? STORE_SPOOL_MAX : STORE_INTENTS_KEPT);
    return step(db->sqlite, limit);
}

static int put_all(struct store_db *db, const struct store_job *jobs)
{
    int r = 0;

    store_chain_begin(db->chain);
    for (const struct store_job *j = jobs; j && r >= 0; j = j->next) {
        if (j->kind == STORE_APPEND)
            r = store_chain_append(db->chain, j->wall, j->texts);
        else if (j->kind != STORE_HISTORY)
            r = put(db, j);
    }
    return r < 0 ? r : store_chain_end(db->chain);
}

int store_db_write(struct store_db *db, const struct store_job *jobs)
{
    int r = store_db_run(db->sqlite, "BEGIN IMMEDIATE");

    if (r >= 0)
        r = put_all(db, jobs);
    if (r >= 0)
        r = store_db_run(db->sqlite, "COMMIT");
    if (r < 0 && !sqlite3_get_autocommit(db->sqlite))
        (void)store_db_run(db->sqlite, "ROLLBACK");
    (void)sqlite3_db_release_memory(db->sqlite);
    return r;
}

/* Adds the row that STMT stands on to the strings; the pointers are set when all are there. */
static void add_strings(struct strbuf *strings, sqlite3_stmt *stmt)
{
    for (int i = 0; i < STORE_TEXTS_MAX; i++) {
        const char *text = (const char *)sqlite3_column_text(stmt, 1 + i);

        strbuf_add(strings, str_or(text, ""), text ? strlen(text) + 1 : 1);
    }
}

static void set_pointers(struct store_job *j)
{
    const char *p = j->entry_strings;

    for (size_t i = 0; i < j->n_entries; i++) {
        struct store_entry *e = &j->entries[i];
        const char **fields[STORE_TEXTS_MAX] = {&e->kind,   &e->incident, &e->connection,
                                                &e->tunnel, &e->text,     &e->detail};

        for (size_t k = 0; k < STORE_TEXTS_MAX; k++) {
            *fields[k] = p;
            p += strlen(p) + 1;
        }
    }
}

int store_db_history(struct store_db *db, struct store_job *j)
{
    cleanup(store_db_finalizep) sqlite3_stmt *stmt = NULL;
    size_t max = j->number < STORE_HISTORY_MAX ? (size_t)j->number : STORE_HISTORY_MAX;
    struct strbuf strings;
    int code = sqlite3_prepare_v2(db->sqlite,
                                  "SELECT wall, kind, incident, connection, tunnel, text, detail FROM history "
                                  "ORDER BY id DESC LIMIT ?1",
                                  -1, &stmt, NULL);

    if (code != SQLITE_OK)
        return store_db_error(db->sqlite, code);
    j->entries = calloc(max > 0 ? max : 1, sizeof(*j->entries));
    if (!j->entries)
        return -ENOMEM;
    (void)sqlite3_bind_int64(stmt, 1, (sqlite3_int64)max);
    strbuf_init(&strings, STORE_HISTORY_BYTES);
    while ((code = sqlite3_step(stmt)) == SQLITE_ROW && j->n_entries < max) {
        add_strings(&strings, stmt);
        if (strings.bad)
            break;
        j->entries[j->n_entries++].wall = (usec_t)sqlite3_column_int64(stmt, 0);
    }
    strings.bad = false; /* the last row was cut, and is not counted */
    j->entry_strings = strbuf_take(&strings);
    if (!j->entry_strings)
        return -ENOMEM;
    set_pointers(j);
    return store_db_error(db->sqlite, code);
}
