/* The writer: the one thread beside the loop, with its queue and its connection to the file. Internal to the store. */
#pragma once

#include "agent/store_db.h"

struct store_writer;

/*
 * Starts the thread. Takes DB, which may be NULL: it is then opened as soon as the disk allows. FD is an eventfd,
 * borrowed, which is written when store_writer_take() has something to give.
 */
int store_writer_new(const char *dir, struct store_db *db, int fd, struct store_writer **ret);

/* Has what is queued written and ends the thread; accepts NULL. False where the disk hangs: then W and FD live on. */
bool store_writer_free(struct store_writer *w);

/* How many jobs wait or are under way. */
size_t store_writer_queued(struct store_writer *w);

void store_writer_push(struct store_writer *w, struct store_job *j); /* takes J */

/*
 * Moves what is done to the end of DONE. Returns how the last write ended, 0 or -errno. ASIDE is where a damaged file
 * was moved since the last time, or "".
 */
int store_writer_take(struct store_writer *w, struct store_jobs *done, char aside[static PATH_MAX]);

/* No callback with DATA any more, of jobs that were not taken yet. */
void store_writer_forget(struct store_writer *w, const void *data);
