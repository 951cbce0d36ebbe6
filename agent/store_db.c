#include "agent/store_db.h"

#include "base/array.h"
#include "base/file.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

static const char schema[] =
    "CREATE TABLE history (id INTEGER PRIMARY KEY, wall INTEGER NOT NULL, kind TEXT NOT NULL, incident TEXT NOT NULL, "
    "connection TEXT NOT NULL, tunnel TEXT NOT NULL, text TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL) "
    "STRICT;"
    /* The newest row that was dropped: where the chain begins. */
    "CREATE TABLE chain (one INTEGER PRIMARY KEY CHECK (one = 1), id INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;"
    "INSERT INTO chain VALUES (1, 0, zeroblob(32));"
    "CREATE TABLE intents (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, wall INTEGER NOT NULL, "
    "connection TEXT NOT NULL, outside TEXT NOT NULL, action TEXT NOT NULL, incident TEXT NOT NULL, "
    "detail TEXT NOT NULL, result TEXT) STRICT;"
    "CREATE TABLE state (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE spool (seq INTEGER PRIMARY KEY, id TEXT NOT NULL, target TEXT NOT NULL, body TEXT NOT NULL, "
    "wall INTEGER NOT NULL, attempts INTEGER NOT NULL, UNIQUE (id, target)) STRICT";

int store_db_error(sqlite3 *db, int code)
{
    int os_error;

    switch (code & 0xFF) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return -EBADMSG;
    case SQLITE_PERM:
        return -EACCES;
    case SQLITE_READONLY:
        return -EROFS;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        os_error = db ? sqlite3_system_errno(db) : 0;
        return os_error == EDQUOT ? -ENOSPC : os_error > 0 && (code & 0xFF) == SQLITE_CANTOPEN ? -os_error : -EIO;
    default: /* SQLite's codes are not our enum */
        return -EIO;
    }
}

int store_db_run(sqlite3 *db, const char *sql)
{
    return store_db_error(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

/* A statement that gives one number. */
static int ask_number(sqlite3 *db, const char *sql, int *ret)
{
    cleanup(store_db_finalizep) sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code != SQLITE_ROW)
        return store_db_error(db, code);
    *ret = sqlite3_column_int(stmt, 0);
    return 0;
}

/* Reads the file for damage: -EBADMSG. */
static int check_file(sqlite3 *db)
{
    cleanup(store_db_finalizep) sqlite3_stmt *stmt = NULL;
    int code = sqlite3_prepare_v2(db, "PRAGMA quick_check(1)", -1, &stmt, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(stmt);
    if (code != SQLITE_ROW)
        return store_db_error(db, code);
    return str_eq((const char *)sqlite3_column_text(stmt, 0), "ok") ? 0 : -EBADMSG;
}

static int set_version(sqlite3 *db)
{
    char text[64];

    (void)str_format(text, sizeof(text), "PRAGMA user_version = %d", STORE_VERSION);
    return store_db_run(db, text);
}

static int create_schema(sqlite3 *db)
{
    int r = store_db_run(db, "BEGIN IMMEDIATE");

    if (r >= 0)
        r = store_db_run(db, schema);
    if (r >= 0)
        r = set_version(db);
    if (r >= 0)
        r = store_db_run(db, "COMMIT");
    if (r < 0 && !sqlite3_get_autocommit(db))
        (void)store_db_run(db, "ROLLBACK");
    return r;
}

int store_db_probe(struct store_db *db)
{
    return set_version(db->sqlite);
}

static int set_up(sqlite3 *db, bool check)
{
    char pragmas[256];
    int version = 0, r;

    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, STORE_BUSY_MS);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_LOOKASIDE, NULL, 0, 0); /* 48 KiB that so few statements do not need */
    (void)str_format(
        pragmas, sizeof(pragmas),
        "PRAGMA cache_size = %d; PRAGMA mmap_size = 0; PRAGMA trusted_schema = OFF; PRAGMA journal_mode = WAL; "
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = %d; PRAGMA journal_size_limit = 0",
        STORE_CACHE_PAGES, STORE_WAL_PAGES);
    r = store_db_run(db, pragmas);
    if (r < 0)
        return r;
    r = ask_number(db, "PRAGMA user_version", &version);
    if (r < 0)
        return r;
    if (version == 0)
        return create_schema(db);
    if (version != STORE_VERSION)
        return -ENOTSUP; /* of a later rekindled: it may go back to that one */
    return check ? check_file(db) : 0;
}

struct store_db *store_db_close(struct store_db *db)
{
    if (!db)
        return NULL;
    store_db_release(db);
    (void)sqlite3_close(db->sqlite);
    free(db);
    return NULL;
}

static int open_path(const char *path, bool check, struct store_db **ret)
{
    cleanup(store_db_closep) struct store_db *db = calloc(1, sizeof(*db));
    int code, r;

    if (!db)
        return -ENOMEM;
    code = sqlite3_open_v2(path, &db->sqlite, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    r = store_db_error(db->sqlite, code);
    if (r >= 0)
        r = set_up(db->sqlite, check);
    if (r >= 0)
        r = store_db_prepare(db);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(db);
    return 0;
}

/* SQLite gives its other files the mode of this one. The directory is synced so that the file is there after a power
 * cut. */
static int create_file(const char *dir, const char *path)
{
    cleanup(closep) int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    cleanup(closep) int dir_fd = -1;

    if (fd < 0)
        return errno == EEXIST ? 0 : -errno;
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return dir_fd < 0 || fsync(dir_fd) < 0 ? -errno : 0;
}

/* Moves a damaged file and its log away; the log is part of what a person may want to look at. */
static int move_aside(const char *path, char aside[static PATH_MAX])
{
    static const char *const suffixes[] = {"-wal", "-shm"};
    char from[PATH_MAX], to[PATH_MAX];

    if (!str_format(to, sizeof(to), "%s.damaged-%" PRIu64, path, clock_wall(clock_system()) / USEC_PER_SEC))
        return -ENAMETOOLONG;
    if (rename(path, to) < 0)
        return -errno;
    (void)str_copy(aside, PATH_MAX, to);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
        if (str_format(from, sizeof(from), "%s%s", path, suffixes[i]) &&
            str_format(to, sizeof(to), "%s%s", aside, suffixes[i]) && rename(from, to) < 0 && errno != ENOENT)
            return -errno;
    return 0;
}

int store_db_open(const char *dir, bool check, char aside[static PATH_MAX], struct store_db **ret)
{
    char path[PATH_MAX];
    int r = file_mkdirs(dir, 0700);

    if (r < 0)
        return r;
    if (!str_format(path, sizeof(path), "%s/%s", dir, STORE_FILE))
        return -ENAMETOOLONG;
    r = create_file(dir, path);
    if (r >= 0)
        r = open_path(path, check, ret);
    if (r != -EBADMSG)
        return r;
    r = move_aside(path, aside);
    if (r >= 0)
        r = create_file(dir, path);
    return r < 0 ? r : open_path(path, false, ret);
}

int store_db_open_reader(const char *dir, sqlite3 **ret)
{
    cleanup(store_db_reader_closep) sqlite3 *db = NULL;
    char path[PATH_MAX];
    int code;

    if (!str_format(path, sizeof(path), "%s/%s", dir, STORE_FILE))
        return -ENAMETOOLONG;
    code = sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK)
        return store_db_error(db, code);
    (void)sqlite3_extended_result_codes(db, 1);
    (void)sqlite3_busy_timeout(db, STORE_READ_BUSY_MS);
    *ret = TAKE_PTR(db);
    return 0;
}
