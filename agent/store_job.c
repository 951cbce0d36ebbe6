#include "agent/store_job.h"

#include <errno.h>
#include <string.h>

int store_job_new(enum store_kind kind, const char *const texts[static STORE_TEXTS_MAX], struct store_job **ret)
{
    struct store_job *j;
    size_t len = 0;
    char *p;

    for (size_t i = 0; i < STORE_TEXTS_MAX; i++)
        len += texts[i] ? strlen(texts[i]) + 1 : 0;
    if (len > STORE_BODY_MAX)
        return -E2BIG;
    j = calloc(1, sizeof(*j) + len);
    if (!j)
        return -ENOMEM;
    j->kind = kind;
    p = j->strings;
    for (size_t i = 0; i < STORE_TEXTS_MAX; i++) {
        if (!texts[i])
            continue;
        j->texts[i] = p;
        p = stpcpy(p, texts[i]) + 1; /* it fits: LEN was summed up above */
    }
    *ret = j;
    return 0;
}

struct store_job *store_job_free(struct store_job *j)
{
    if (j) {
        free(j->entries);
        free(j->entry_strings);
        free(j);
    }
    return NULL;
}

bool store_job_is_kept(const struct store_job *j)
{
    switch (j->kind) {
    case STORE_INTENT_CLOSE:
    case STORE_SET:
    case STORE_UNSET:
    case STORE_SPOOL_ATTEMPTED:
    case STORE_SPOOL_REMOVE:
        return true;
    case STORE_APPEND:
    case STORE_INTEND:
    case STORE_SPOOL_ADD:
    case STORE_HISTORY:
    case STORE_KIND_MAX_:
        break;
    }
    return false;
}

void store_jobs_push(struct store_jobs *list, struct store_job *j)
{
    j->next = NULL;
    if (list->last)
        list->last->next = j;
    else
        list->first = j;
    list->last = j;
    list->n++;
}

struct store_job *store_jobs_pop(struct store_jobs *list)
{
    struct store_job *j = list->first;

    if (j) {
        list->first = j->next;
        if (!list->first)
            list->last = NULL;
        list->n--;
    }
    return j;
}

void store_jobs_append(struct store_jobs *list, struct store_jobs *more)
{
    if (!more->first)
        return;
    if (list->last)
        list->last->next = more->first;
    else
        list->first = more->first;
    list->last = more->last;
    list->n += more->n;
    *more = (struct store_jobs){0};
}

void store_jobs_clear(struct store_jobs *list)
{
    struct store_job *j;

    while ((j = store_jobs_pop(list)))
        (void)store_job_free(j);
}
