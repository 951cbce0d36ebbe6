/* The store's file: opening it, its schema, and carrying out jobs. One connection is used by one thread. Internal to
 * the store. */
#pragma once

#include "agent/store_job.h"

#include <limits.h>
#include <sqlite3.h>

#define STORE_FILE          "rekindle.db"
#define STORE_VERSION       1 /* PRAGMA user_version */
#define STORE_CACHE_PAGES   64
#define STORE_WAL_PAGES     256               /* the log is written back from here */
#define STORE_HISTORY_BYTES (8 * 1024 * 1024) /* of all texts given to a reader at once */
#define STORE_BUSY_MS       5000              /* of the writer, where another process has the file */
#define STORE_READ_BUSY_MS  200

struct store_chain;

struct store_db {
    sqlite3 *sqlite; /* owned, like all below */
    sqlite3_stmt *writes[STORE_KIND_MAX_], *limits[STORE_KIND_MAX_];
    struct store_chain *chain;
};

/*
 * Opens DIR/rekindle.db for writing, creating what is missing. A damaged file is moved away first: its new path is left
 * in ASIDE, which is untouched otherwise. CHECK reads the whole file for damage, else only what opening touches.
 */
int store_db_open(const char *dir, bool check, char aside[static PATH_MAX], struct store_db **ret);
struct store_db *store_db_close(struct store_db *db); /* accepts NULL */
DEFINE_CLEANUP(struct store_db *, store_db_close)

/* The statements of an open file: -EBADMSG where a table is missing. */
int store_db_prepare(struct store_db *db);
void store_db_release(struct store_db *db);

/* Carries out the writes among JOBS, all or none, in one transaction that is durable on return. */
int store_db_write(struct store_db *db, const struct store_job *jobs);

/* Writes something without a meaning, to see whether the disk takes it. */
int store_db_probe(struct store_db *db);

/* Fills the entries of J. */
int store_db_history(struct store_db *db, struct store_job *j);

/* A connection that only reads. */
int store_db_open_reader(const char *dir, sqlite3 **ret);

/* One statement without parameters or results. */
int store_db_run(sqlite3 *db, const char *sql);

/* What SQLite's CODE means as -errno; 0 for SQLITE_OK, SQLITE_ROW and SQLITE_DONE. A damaged file is -EBADMSG. */
int store_db_error(sqlite3 *db, int code);

static inline void store_db_finalizep(sqlite3_stmt **stmt)
{
    (void)sqlite3_finalize(*stmt);
}

static inline void store_db_reader_closep(sqlite3 **db)
{
    (void)sqlite3_close(*db);
}
