#include "agent/store_writer.h"

#include "base/str.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define STACK_SIZE (256 * 1024)

struct store_writer {
    pthread_t thread;
    char *dir; /* owned; like DB and CHECK the thread's own while it runs */
    struct store_db *db;
    bool check; /* damage was met: the whole file is checked when it is opened again */
    int fd;     /* borrowed */

    pthread_mutex_t lock; /* over all below; not held while something is written */
    pthread_cond_t wake;
    struct store_jobs queue, batch, done; /* waiting, under way, and not yet taken by the loop */
    char aside[PATH_MAX];                 /* where a damaged file went; "" once the loop was told */
    int error;                            /* of the last write; after one QUEUE begins with what is tried again */
    bool stop;
};

/* Eight bytes to an eventfd cannot block or fail before 2^64 of them were not read. */
static void notify(struct store_writer *w)
{
    uint64_t one = 1;

    (void)!write(w->fd, &one, sizeof(one));
}

static struct timespec monotonic_in(usec_t span)
{
    struct timespec ts;

    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    ts.tv_sec += (time_t)(span / USEC_PER_SEC);
    ts.tv_nsec += (long)(span % USEC_PER_SEC) * 1000;
    if (ts.tv_nsec >= 1000000000L) {
        ts.tv_nsec -= 1000000000L;
        ts.tv_sec++;
    }
    return ts;
}

/* Until there is something new to do or, after a failure, it is time to try again. */
static void wait_for_work(struct store_writer *w, size_t kept)
{
    struct timespec until = monotonic_in(STORE_RETRY);
    int r = 0;

    while (w->queue.n <= kept && !w->stop && r != ETIMEDOUT)
        r = w->error < 0 ? pthread_cond_timedwait(&w->wake, &w->lock, &until) : pthread_cond_wait(&w->wake, &w->lock);
}

static bool has_writes(const struct store_jobs *jobs)
{
    for (const struct store_job *j = jobs->first; j; j = j->next)
        if (j->kind != STORE_HISTORY)
            return true;
    return false;
}

/* A connection that met an error is not trusted any more; a full disk is no fault of it. */
static int write_batch(struct store_writer *w, const struct store_jobs *batch, bool retry, char aside[static PATH_MAX])
{
    int r = 0;

    if (!w->db)
        r = store_db_open(w->dir, w->check, aside, &w->db);
    if (r >= 0 && has_writes(batch))
        r = store_db_write(w->db, batch->first);
    else if (r >= 0 && retry)
        r = store_db_probe(w->db);
    w->check = r == -EBADMSG;
    if (r < 0 && r != -ENOSPC && r != -ENOMEM)
        w->db = store_db_close(w->db);
    return r == -EBADMSG ? -EIO : r;
}

static void read_histories(struct store_writer *w, struct store_jobs *batch)
{
    for (struct store_job *j = batch->first; j; j = j->next)
        if (j->kind == STORE_HISTORY)
            j->error = w->db ? store_db_history(w->db, j) : -EIO;
}

/* What failed and nobody waits for goes back to the head of the queue; all else is done. Returns how many went back. */
static size_t settle(struct store_writer *w, int error)
{
    struct store_jobs kept = {0};
    struct store_job *j;
    size_t n;

    while ((j = store_jobs_pop(&w->batch))) {
        if (error < 0 && store_job_is_kept(j)) {
            store_jobs_push(&kept, j);
            continue;
        }
        if (j->kind != STORE_HISTORY)
            j->error = error;
        store_jobs_push(&w->done, j);
    }
    n = kept.n;
    store_jobs_append(&kept, &w->queue);
    w->queue = kept;
    return n;
}

static void *run(void *data)
{
    struct store_writer *w = data;
    bool last = false;
    size_t kept = 0;

    (void)pthread_mutex_lock(&w->lock);
    for (;;) {
        char aside[PATH_MAX] = "";
        bool retry = w->error < 0;
        int r;

        wait_for_work(w, kept);
        if (w->stop && (last || w->queue.n == 0))
            break;
        last = w->stop;
        store_jobs_append(&w->batch, &w->queue);
        (void)pthread_mutex_unlock(&w->lock);
        r = write_batch(w, &w->batch, retry, aside);
        read_histories(w, &w->batch);
        (void)pthread_mutex_lock(&w->lock);
        if (aside[0] != '\0')
            (void)str_copy(w->aside, sizeof(w->aside), aside);
        if (retry || r < 0 || has_writes(&w->batch))
            w->error = r;
        kept = settle(w, r);
        notify(w);
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

/* With all signals blocked: they are the loop's. */
static int start(struct store_writer *w)
{
    pthread_attr_t attr;
    sigset_t all, old;
    int r = pthread_attr_init(&attr);

    if (r != 0)
        return -r;
    (void)sigfillset(&all);
    r = pthread_attr_setstacksize(&attr, STACK_SIZE);
    if (r == 0)
        r = pthread_sigmask(SIG_SETMASK, &all, &old);
    if (r == 0) {
        r = pthread_create(&w->thread, &attr, run, w);
        (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    }
    (void)pthread_attr_destroy(&attr);
    if (r == 0)
        (void)pthread_setname_np(w->thread, "store");
    return -r;
}

static void release(struct store_writer *w)
{
    w->db = store_db_close(w->db);
    store_jobs_clear(&w->queue);
    store_jobs_clear(&w->batch);
    store_jobs_clear(&w->done);
    (void)pthread_cond_destroy(&w->wake);
    (void)pthread_mutex_destroy(&w->lock);
    free(w->dir);
    free(w);
}

int store_writer_new(const char *dir, struct store_db *db, int fd, struct store_writer **ret)
{
    struct store_writer *w = calloc(1, sizeof(*w));
    pthread_condattr_t attr;
    int r;

    if (!w) {
        (void)store_db_close(db);
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&w->wake, &attr);
    (void)pthread_condattr_destroy(&attr);
    w->db = db;
    w->check = !db;
    w->fd = fd;
    w->error = db ? 0 : -EIO;
    w->dir = strdup(dir);
    r = w->dir ? start(w) : -ENOMEM;
    if (r < 0) {
        release(w);
        return r;
    }
    *ret = w;
    return 0;
}

bool store_writer_free(struct store_writer *w)
{
    struct timespec until = monotonic_in(STORE_CLOSE_MAX);

    if (!w)
        return true;
    (void)pthread_mutex_lock(&w->lock);
    w->stop = true;
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
    if (pthread_clockjoin_np(w->thread, NULL, CLOCK_MONOTONIC, &until) != 0) {
        (void)pthread_detach(w->thread);
        return false;
    }
    release(w);
    return true;
}

size_t store_writer_queued(struct store_writer *w)
{
    size_t n;

    (void)pthread_mutex_lock(&w->lock);
    n = w->queue.n + w->batch.n;
    (void)pthread_mutex_unlock(&w->lock);
    return n;
}

void store_writer_push(struct store_writer *w, struct store_job *j)
{
    (void)pthread_mutex_lock(&w->lock);
    store_jobs_push(&w->queue, j);
    (void)pthread_cond_signal(&w->wake);
    (void)pthread_mutex_unlock(&w->lock);
}

int store_writer_take(struct store_writer *w, struct store_jobs *done, char aside[static PATH_MAX])
{
    int error;

    (void)pthread_mutex_lock(&w->lock);
    store_jobs_append(done, &w->done);
    (void)str_copy(aside, PATH_MAX, w->aside);
    w->aside[0] = '\0';
    error = w->error;
    (void)pthread_mutex_unlock(&w->lock);
    return error;
}

/* The thread never reads the callbacks, so that those of the batch under way can be taken out too. */
static void forget(struct store_jobs *list, const void *data)
{
    for (struct store_job *j = list->first; j; j = j->next) {
        if (j->data == data) {
            j->fn = NULL;
            j->history_fn = NULL;
        }
    }
}

void store_writer_forget(struct store_writer *w, const void *data)
{
    (void)pthread_mutex_lock(&w->lock);
    forget(&w->queue, data);
    forget(&w->batch, data);
    forget(&w->done, data);
    (void)pthread_mutex_unlock(&w->lock);
}
