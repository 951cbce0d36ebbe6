/* One write, or one reading of the history, on its way from the loop to the writer and back. Internal to the store. */
#pragma once

#include "agent/store.h"

#define STORE_TEXTS_MAX 6

enum store_kind {
    STORE_APPEND,
    STORE_INTEND,
    STORE_INTENT_CLOSE,
    STORE_SET,
    STORE_UNSET,
    STORE_SPOOL_ADD,
    STORE_SPOOL_ATTEMPTED,
    STORE_SPOOL_REMOVE,
    STORE_HISTORY,
    STORE_KIND_MAX_,
};

struct store_job {
    struct store_job *next;
    enum store_kind kind;
    store_done_fn fn; /* NULL: nobody waits; the loop's, like the next two */
    store_history_fn history_fn;
    void *data; /* borrowed */
    int error;
    usec_t wall;
    uint64_t number;                    /* attempts, or the limit of a history */
    const char *texts[STORE_TEXTS_MAX]; /* in STRINGS; what they are depends on the kind */
    struct store_entry *entries;        /* a history's answer, owned, like the texts it points into */
    char *entry_strings;
    size_t n_entries;
    char strings[];
};

/* TEXTS are copied and may be NULL. -E2BIG where they are longer than STORE_BODY_MAX together. */
int store_job_new(enum store_kind kind, const char *const texts[static STORE_TEXTS_MAX], struct store_job **ret);
struct store_job *store_job_free(struct store_job *j); /* accepts NULL */
DEFINE_CLEANUP(struct store_job *, store_job_free)

/* Whether such a write is kept and tried again where it failed: nobody waits for it, and the file should know it in the
 * end. */
bool store_job_is_kept(const struct store_job *j);

/* A list of jobs; first in, first out. */
struct store_jobs {
    struct store_job *first, *last;
    size_t n;
};

void store_jobs_push(struct store_jobs *list, struct store_job *j);
struct store_job *store_jobs_pop(struct store_jobs *list);                /* NULL where empty */
void store_jobs_append(struct store_jobs *list, struct store_jobs *more); /* empties MORE */
void store_jobs_clear(struct store_jobs *list);
