#include "agent/store_chain.h"

#include "agent/store_db.h"
#include "base/strbuf.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#define HASH_LEN  32
#define ROW_MAX   (STORE_BODY_MAX + 256)
#define DROP_STEP 256 /* rows dropped at once */

/* A row as the next one sees it. */
struct link {
    int64_t id;
    unsigned char hash[HASH_LEN];
};

enum statement {
    LAST,
    INSERT,
    DROP_FROM,
    DROP,
    STATEMENTS,
};

static const char *const sql[STATEMENTS] = {
    /* The newest row; where all are gone or none was written, the one that the chain begins after. */
    [LAST] = "SELECT * FROM (SELECT id, hash FROM history ORDER BY id DESC LIMIT 1) "
             "UNION ALL SELECT id, hash FROM chain ORDER BY id DESC LIMIT 1",
    [INSERT] = "INSERT INTO history (id, wall, kind, incident, connection, tunnel, text, detail, hash) "
               "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    [DROP_FROM] = "UPDATE chain SET (id, hash) = (SELECT id, hash FROM history WHERE id = ?1) "
                  "WHERE id + ?2 <= ?1 AND EXISTS (SELECT 1 FROM history WHERE id = ?1)",
    [DROP] = "DELETE FROM history WHERE id <= (SELECT id FROM chain)",
};

struct store_chain {
    sqlite3 *db;                          /* borrowed */
    sqlite3_stmt *statements[STATEMENTS]; /* owned */
    struct link last;
    bool known; /* LAST was read in this transaction */
};

int store_chain_new(sqlite3 *db, struct store_chain **ret)
{
    cleanup(store_chain_freep) struct store_chain *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->db = db;
    for (size_t i = 0; i < STATEMENTS; i++) {
        int code = sqlite3_prepare_v3(db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &c->statements[i], NULL);

        if (code != SQLITE_OK)
            return (code & 0xFF) == SQLITE_ERROR ? -EBADMSG : store_db_error(db, code);
    }
    *ret = TAKE_PTR(c);
    return 0;
}

struct store_chain *store_chain_free(struct store_chain *c)
{
    if (c) {
        for (size_t i = 0; i < STATEMENTS; i++)
            (void)sqlite3_finalize(c->statements[i]);
        free(c);
    }
    return NULL;
}

static void add_number(struct strbuf *b, uint64_t v, unsigned bytes)
{
    while (bytes-- > 0)
        strbuf_putc(b, (char)(v >> (8 * bytes) & 0xFF));
}

/* Lengths stand before texts, so that two rows with the same bytes are the same row. */
static int hash_row(const struct link *before, int64_t id, usec_t wall, const char *const texts[static STORE_TEXTS_MAX],
                    unsigned char ret[static HASH_LEN])
{
    struct strbuf b;
    bool fine;

    strbuf_init(&b, ROW_MAX);
    strbuf_add(&b, before->hash, HASH_LEN);
    add_number(&b, (uint64_t)id, 8);
    add_number(&b, wall, 8);
    for (size_t i = 0; i < STORE_TEXTS_MAX; i++) {
        size_t len = strlen(texts[i]);

        add_number(&b, len, 4);
        strbuf_add(&b, texts[i], len);
    }
    fine = !b.bad && EVP_Digest(strbuf_text(&b), b.len, ret, NULL, EVP_sha256(), NULL) == 1;
    strbuf_done(&b);
    return fine ? 0 : -ENOMEM;
}

static bool read_link(sqlite3_stmt *stmt, int id_column, int hash_column, struct link *ret)
{
    const void *hash = sqlite3_column_blob(stmt, hash_column);

    if (!hash || sqlite3_column_bytes(stmt, hash_column) != HASH_LEN)
        return false;
    ret->id = sqlite3_column_int64(stmt, id_column);
    memcpy(ret->hash, hash, HASH_LEN);
    return true;
}

static int finish(struct store_chain *c, sqlite3_stmt *stmt, int code)
{
    int r = store_db_error(c->db, code);

    (void)sqlite3_reset(stmt);
    (void)sqlite3_clear_bindings(stmt);
    return r;
}

void store_chain_begin(struct store_chain *c)
{
    c->known = false;
}

static int read_last(struct store_chain *c)
{
    sqlite3_stmt *stmt = c->statements[LAST];
    int code = sqlite3_step(stmt), r;

    c->known = code == SQLITE_ROW && read_link(stmt, 0, 1, &c->last);
    r = finish(c, stmt, code);
    return r < 0 ? r : c->known ? 0 : -EBADMSG;
}

int store_chain_append(struct store_chain *c, usec_t wall, const char *const texts[static STORE_TEXTS_MAX])
{
    sqlite3_stmt *stmt = c->statements[INSERT];
    struct link next;
    int r = c->known ? 0 : read_last(c);

    if (r < 0)
        return r;
    next.id = c->last.id + 1;
    r = hash_row(&c->last, next.id, wall, texts, next.hash);
    if (r < 0)
        return r;
    (void)sqlite3_bind_int64(stmt, 1, next.id);
    (void)sqlite3_bind_int64(stmt, 2, (sqlite3_int64)wall);
    for (int i = 0; i < STORE_TEXTS_MAX; i++)
        (void)sqlite3_bind_text(stmt, 3 + i, texts[i], -1, SQLITE_STATIC);
    (void)sqlite3_bind_blob(stmt, 9, next.hash, HASH_LEN, SQLITE_STATIC);
    r = finish(c, stmt, sqlite3_step(stmt));
    if (r >= 0)
        c->last = next;
    return r;
}

int store_chain_end(struct store_chain *c)
{
    sqlite3_stmt *from = c->statements[DROP_FROM], *drop = c->statements[DROP];
    int r;

    if (!c->known || c->last.id <= STORE_ROWS_MAX)
        return 0;
    (void)sqlite3_bind_int64(from, 1, c->last.id - STORE_ROWS_MAX);
    (void)sqlite3_bind_int64(from, 2, DROP_STEP);
    r = finish(c, from, sqlite3_step(from));
    return r < 0 || sqlite3_changes(c->db) == 0 ? r : finish(c, drop, sqlite3_step(drop));
}

/* The row that STMT stands on: whether it follows LAST, which it becomes. */
static bool follows(sqlite3_stmt *stmt, struct link *last)
{
    const char *texts[STORE_TEXTS_MAX];
    unsigned char wanted[HASH_LEN];
    struct link row;

    for (int i = 0; i < STORE_TEXTS_MAX; i++) {
        texts[i] = (const char *)sqlite3_column_text(stmt, 2 + i);
        /* A NUL within would hide what is behind it. */
        if (!texts[i] || strlen(texts[i]) != (size_t)sqlite3_column_bytes(stmt, 2 + i))
            return false;
    }
    if (!read_link(stmt, 0, 8, &row) || row.id != last->id + 1 ||
        hash_row(last, row.id, (usec_t)sqlite3_column_int64(stmt, 1), texts, wanted) < 0 ||
        memcmp(wanted, row.hash, HASH_LEN) != 0)
        return false;
    *last = row;
    return true;
}

static int read_start(sqlite3 *db, struct link *ret)
{
    cleanup(store_db_finalizep) sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, "SELECT id, hash FROM chain", -1, &stmt, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code == SQLITE_ROW)
        return read_link(stmt, 0, 1, ret) ? 0 : -EBADMSG;
    return code == SQLITE_DONE || (code & 0xFF) == SQLITE_ERROR ? -EBADMSG : store_db_error(db, code);
}

static int verify(sqlite3 *db, uint64_t *ret_bad_row)
{
    cleanup(store_db_finalizep) sqlite3_stmt *stmt = NULL;
    struct link last = {0};
    int r = read_start(db, &last), code = SQLITE_OK;

    if (r >= 0) {
        code =
            sqlite3_prepare_v2(db,
                               "SELECT id, wall, kind, incident, connection, tunnel, text, detail, hash FROM history "
                               "ORDER BY id",
                               -1, &stmt, NULL);
        while (code == SQLITE_OK && (code = sqlite3_step(stmt)) == SQLITE_ROW && follows(stmt, &last))
            code = SQLITE_OK;
        r = code == SQLITE_ROW ? -EBADMSG : store_db_error(db, code);
    }
    if (r == -EBADMSG)
        *ret_bad_row = stmt && code == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(stmt, 0) : (uint64_t)last.id + 1;
    return r;
}

int store_verify(const char *dir, uint64_t *ret_bad_row)
{
    cleanup(store_db_reader_closep) sqlite3 *db = NULL;
    int r = store_db_open_reader(dir, &db);

    if (r < 0)
        return r;
    /* One transaction: rows may be added and dropped meanwhile. */
    r = store_db_run(db, "BEGIN");
    return r < 0 ? r : verify(db, ret_bad_row);
}
