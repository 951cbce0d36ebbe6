/*
 * The audit trail as a chain: the hash of a row is SHA-256 over the hash of the row before it and all of its own
 * fields. The oldest rows are dropped beyond STORE_ROWS_MAX; the hash of the last one dropped stays, so that the rest
 * can be verified.
 */
#pragma once

#include "agent/store_job.h"

#include <sqlite3.h>

struct store_chain;

int store_chain_new(sqlite3 *db, struct store_chain **ret); /* DB is borrowed; -EBADMSG where its tables are missing */
struct store_chain *store_chain_free(struct store_chain *c);
DEFINE_CLEANUP(struct store_chain *, store_chain_free)

/* Within one transaction, in this order. TEXTS are kind, incident, connection, tunnel, text, detail. */
void store_chain_begin(struct store_chain *c);
int store_chain_append(struct store_chain *c, usec_t wall, const char *const texts[static STORE_TEXTS_MAX]);
int store_chain_end(struct store_chain *c); /* drops the oldest rows where there are too many */
