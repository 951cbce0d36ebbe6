#include "base/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <string.h>

/* Between two looks: the first is for /etc/hosts, the last for a name server that is silent. */
#define PAUSE_MIN USEC_PER_MSEC
#define PAUSE_MAX (64 * USEC_PER_MSEC)

struct resolve {
    struct resolve *next;     /* in the list of the abandoned */
    struct gaicb request;     /* glibc's until it is_done() */
    struct addrinfo hints;    /* of the request, like the next */
    char *host;               /* owned */
    struct loop_timer *timer; /* owned */
    usec_t pause;
    resolve_fn fn;
    void *data; /* borrowed */
};

/*
 * Cancelled while a thread of glibc's worked on them. There is no way to be told of the end but to look, which the next
 * lookup does. Like glibc's own list these are the process's.
 */
static struct resolve *abandoned;
static size_t n_under_way;

static struct resolve *resolve_free(struct resolve *r)
{
    loop_timer_free(r->timer);
    if (r->request.ar_result)
        freeaddrinfo(r->request.ar_result);
    free(r->host);
    free(r);
    return NULL;
}

/* Whether glibc has ended R. The first call alone is no barrier between its thread and us; the second takes its lock.
 */
static bool is_done(struct resolve *r)
{
    return gai_error(&r->request) != EAI_INPROGRESS && gai_cancel(&r->request) == EAI_ALLDONE;
}

static void reap(void)
{
    for (struct resolve **p = &abandoned; *p;) {
        struct resolve *r = *p;

        if (!is_done(r)) {
            p = &r->next;
            continue;
        }
        *p = r->next;
        n_under_way--;
        resolve_free(r);
    }
}

/* The first address: glibc has put them in the order of RFC 6724. */
static int answer_of(struct resolve *r, struct addr *ret)
{
    int error = gai_error(&r->request);

    for (const struct addrinfo *a = error == 0 ? r->request.ar_result : NULL; a; a = a->ai_next)
        if (addr_from_sockaddr(a->ai_addr, a->ai_addrlen, ret) == 0)
            return 0;
    return error == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
}

static void on_timer(void *data, usec_t now)
{
    struct resolve *r = data;
    resolve_fn fn = r->fn;
    void *fn_data = r->data;
    struct addr a = {0};
    int error;

    (void)now;
    if (!is_done(r)) {
        r->pause = r->pause < PAUSE_MAX ? 2 * r->pause : PAUSE_MAX;
        loop_timer_in(r->timer, r->pause);
        return;
    }
    error = answer_of(r, &a);
    n_under_way--;
    resolve_free(r);
    fn(fn_data, error, &a);
}

static int ask(struct resolve *r)
{
    struct gaicb *list[] = {&r->request};

    switch (getaddrinfo_a(GAI_NOWAIT, list, 1, NULL)) {
    case 0:
        return 0;
    case EAI_AGAIN:
        return -EAGAIN;
    default:
        return -ENOMEM;
    }
}

int resolve_start(struct loop *l, const char *host, int family, resolve_fn fn, void *data, struct resolve **ret)
{
    struct resolve *r;
    int error;

    reap();
    if (n_under_way == RESOLVE_MAX)
        return -EBUSY;
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->fn = fn;
    r->data = data;
    r->pause = PAUSE_MIN;
    r->hints = (struct addrinfo){.ai_family = family, .ai_socktype = SOCK_STREAM};
    r->host = strdup(host);
    r->request = (struct gaicb){.ar_name = r->host, .ar_request = &r->hints};
    error = r->host ? loop_timer_new(l, on_timer, r, &r->timer) : -ENOMEM;
    if (error >= 0)
        error = ask(r);
    if (error < 0) {
        resolve_free(r);
        return error;
    }
    n_under_way++;
    loop_timer_in(r->timer, r->pause);
    *ret = r;
    return 0;
}

struct resolve *resolve_cancel(struct resolve *r)
{
    if (!r)
        return NULL;
    r->timer = loop_timer_free(r->timer);
    if (gai_cancel(&r->request) == EAI_NOTCANCELED) {
        r->next = abandoned;
        abandoned = r;
        return NULL;
    }
    n_under_way--;
    return resolve_free(r);
}
