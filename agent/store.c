#include "agent/store.h"

#include "agent/store_read.h"
#include "agent/store_writer.h"
#include "base/log.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

/* An intention that is open, as far as the loop knows: what is queued counts. */
struct open_intent {
    struct open_intent *next;
    struct store_intent row;
};

struct store {
    struct loop *loop; /* borrowed */
    char *dir;         /* owned, like all below */
    int fd;            /* an eventfd: the writer has done something */
    struct loop_io *io;
    struct store_writer *writer;
    struct open_intent *intents; /* list */
    size_t n_intents;
    bool intents_read; /* those of a former process are among them */
    int error;         /* of the last write */
};

static void tell_aside(const char *aside)
{
    if (aside[0] != '\0')
        log_error(
            "the store was damaged: it was set aside as %s and a new one is begun; history, alerts that waited and "
            "intentions that were open are in the old one",
            aside);
}

static void tell_error(struct store *s, int error)
{
    if (error < 0 && s->error >= 0)
        log_error("the store cannot be written: %s. Watching and alerts go on; history has a gap, and nothing is "
                  "repaired that "
                  "must be written down first",
                  strerrordesc_np(-error));
    else if (error >= 0 && s->error < 0)
        log_notice("the store can be written again");
    s->error = error;
}

/* Takes the intention with this id out of the list; NULL where there is none. */
static struct open_intent *take_intent(struct store *s, const char *id)
{
    for (struct open_intent **p = &s->intents; *p; p = &(*p)->next) {
        struct open_intent *i = *p;

        if (!str_eq(i->row.id, id))
            continue;
        *p = i->next;
        s->n_intents--;
        return i;
    }
    return NULL;
}

static void on_done(void *data, int fd, uint32_t revents)
{
    struct store *s = data;
    struct store_jobs done = {0};
    struct store_job *j;
    char aside[PATH_MAX];
    uint64_t n;
    int error;

    (void)revents;
    (void)!read(fd, &n, sizeof(n));
    error = store_writer_take(s->writer, &done, aside);
    tell_aside(aside);
    tell_error(s, error);
    while ((j = store_jobs_pop(&done))) {
        if (j->kind == STORE_INTEND && j->error < 0)
            free(take_intent(s, j->texts[0])); /* what is not stored will not be done */
        if (j->history_fn)
            j->history_fn(j->data, j->error, j->entries, j->n_entries);
        else if (j->fn)
            j->fn(j->data, j->error);
        (void)store_job_free(j);
    }
}

/* Whether such an error is the disk's, and not one of how we are set up. */
static bool is_of_disk(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -EIO || error == -EROFS || error == -EBUSY;
}

static int start(struct store *s)
{
    char aside[PATH_MAX] = "";
    struct store_db *db = NULL;
    int r = store_db_open(s->dir, true, aside, &db);

    if (r < 0 && !is_of_disk(r))
        return r;
    tell_aside(aside);
    tell_error(s, r);
    r = store_writer_new(s->dir, db, s->fd, &s->writer);
    return r < 0 ? r : loop_io_new(s->loop, s->fd, EPOLLIN, on_done, s, &s->io);
}

int store_open(struct loop *l, const char *dir, struct store **ret)
{
    cleanup(store_closep) struct store *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    s->loop = l;
    s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->fd < 0)
        return -errno;
    s->dir = strdup(dir);
    r = s->dir ? start(s) : -ENOMEM;
    if (r < 0)
        return r;
    *ret = TAKE_PTR(s);
    return 0;
}

struct store *store_close(struct store *s)
{
    if (!s)
        return NULL;
    s->io = loop_io_free(s->io);
    if (store_writer_free(s->writer))
        closep(&s->fd);
    else
        log_error("the disk does not answer: what was to be stored last may be missing");
    while (s->intents) {
        struct open_intent *i = s->intents;

        s->intents = i->next;
        free(i);
    }
    free(s->dir);
    free(s);
    return NULL;
}

bool store_works(const struct store *s)
{
    return s->error >= 0;
}

/* Takes J where it fits into the queue. */
static int push(struct store *s, struct store_job *j, size_t max)
{
    if (store_writer_queued(s->writer) >= max) {
        (void)store_job_free(j);
        return -ENOBUFS;
    }
    store_writer_push(s->writer, j);
    return 0;
}

int store_append(struct store *s, const struct store_entry *e, store_done_fn fn, void *data)
{
    const char *const texts[STORE_TEXTS_MAX] = {
        str_or(e->kind, ""),   str_or(e->incident, ""), str_or(e->connection, ""),
        str_or(e->tunnel, ""), str_or(e->text, ""),     str_or(e->detail, ""),
    };
    struct store_job *j;
    int r = store_job_new(STORE_APPEND, texts, &j);

    if (r < 0)
        return r;
    j->wall = e->wall;
    j->fn = fn;
    j->data = data;
    return push(s, j, STORE_QUEUE_HISTORY);
}

int store_history(struct store *s, size_t limit, store_history_fn fn, void *data)
{
    const char *const texts[STORE_TEXTS_MAX] = {0};
    struct store_job *j;
    int r = store_job_new(STORE_HISTORY, texts, &j);

    if (r < 0)
        return r;
    j->number = limit;
    j->history_fn = fn;
    j->data = data;
    return push(s, j, STORE_QUEUE_HISTORY);
}

static int add_intent(struct store *s, const struct store_intent *row)
{
    struct open_intent *i;

    if (s->n_intents == STORE_INTENTS_MAX)
        return -ENOBUFS;
    i = calloc(1, sizeof(*i));
    if (!i)
        return -ENOMEM;
    i->row = *row;
    i->next = s->intents;
    s->intents = i;
    s->n_intents++;
    return 0;
}

int store_intend(struct store *s, const struct store_intent *row, store_done_fn fn, void *data)
{
    char outside[ADDR_TEXT_MAX];
    const char *const texts[STORE_TEXTS_MAX] = {
        row->id, row->connection, addr_text(&row->outside, outside), row->action, row->incident, row->detail,
    };
    struct store_job *j;
    int r = store_job_new(STORE_INTEND, texts, &j);

    if (r < 0)
        return r;
    r = add_intent(s, row);
    if (r < 0) {
        (void)store_job_free(j);
        return r;
    }
    j->wall = row->wall;
    j->fn = fn;
    j->data = data;
    r = push(s, j, STORE_QUEUE_MAX);
    if (r < 0)
        free(take_intent(s, row->id));
    return r;
}

static int change(struct store *s, enum store_kind kind, const char *first, const char *second, uint64_t number)
{
    const char *const texts[STORE_TEXTS_MAX] = {first, second};
    struct store_job *j;
    int r = store_job_new(kind, texts, &j);

    if (r < 0)
        return r;
    j->number = number;
    return push(s, j, STORE_QUEUE_MAX);
}

int store_intent_close(struct store *s, const char *id, const char *result)
{
    int r = change(s, STORE_INTENT_CLOSE, id, result, 0);

    free(take_intent(s, id)); /* ID may be in it */
    return r;
}

int store_set(struct store *s, const char *key, const char *value)
{
    return change(s, value ? STORE_SET : STORE_UNSET, key, value, 0);
}

int store_spool_add(struct store *s, const struct store_alert *a, store_done_fn fn, void *data)
{
    const char *const texts[STORE_TEXTS_MAX] = {a->id, a->target, a->body};
    struct store_job *j;
    int r = store_job_new(STORE_SPOOL_ADD, texts, &j);

    if (r < 0)
        return r;
    j->wall = a->wall;
    j->number = a->attempts;
    j->fn = fn;
    j->data = data;
    return push(s, j, STORE_QUEUE_MAX);
}

int store_spool_attempted(struct store *s, const char *id, const char *target, unsigned attempts)
{
    return change(s, STORE_SPOOL_ATTEMPTED, id, target, attempts);
}

int store_spool_remove(struct store *s, const char *id, const char *target)
{
    return change(s, STORE_SPOOL_REMOVE, id, target, 0);
}

void store_forget(struct store *s, const void *data)
{
    store_writer_forget(s->writer, data);
}

/* What a former process left open; what this one opened is in the list already. */
static void on_old_intent(void *data, const struct store_intent *row)
{
    struct store *s = data;

    for (const struct open_intent *i = s->intents; i; i = i->next)
        if (str_eq(i->row.id, row->id))
            return;
    (void)add_intent(s, row);
}

int store_each_intent(struct store *s, void (*each)(void *data, const struct store_intent *i), void *data)
{
    if (!s->intents_read) {
        int r = store_read_intents(s->dir, on_old_intent, s);

        if (r < 0)
            return r;
        s->intents_read = true;
    }
    for (struct open_intent *i = s->intents, *next; i; i = next) {
        next = i->next;
        each(data, &i->row);
    }
    return 0;
}

int store_each_value(struct store *s, const char *prefix, void (*each)(void *data, const char *key, const char *value),
                     void *data)
{
    return store_read_values(s->dir, prefix, each, data);
}

int store_each_alert(struct store *s, void (*each)(void *data, const struct store_alert *a), void *data)
{
    return store_read_alerts(s->dir, each, data);
}
