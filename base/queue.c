#include "base/queue.h"

#include <errno.h>
#include <stdlib.h>

struct queue {
    size_t max, first, n, cap;
    void **items; /* a ring of CAP; grows to MAX */
};

int queue_new(size_t max, struct queue **ret)
{
    struct queue *q = calloc(1, sizeof(*q));

    if (!q)
        return -ENOMEM;
    q->max = max;
    *ret = q;
    return 0;
}

struct queue *queue_free(struct queue *q)
{
    if (q) {
        free(q->items);
        free(q);
    }
    return NULL;
}

static int grow(struct queue *q)
{
    size_t cap = q->cap > 0 ? 2 * q->cap : 8;
    void **items;

    if (cap > q->max)
        cap = q->max;
    items = calloc(cap, sizeof(*items));
    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < q->n; i++)
        items[i] = q->items[(q->first + i) % q->cap];
    free(q->items);
    q->items = items;
    q->cap = cap;
    q->first = 0;
    return 0;
}

int queue_push(struct queue *q, void *item)
{
    if (q->n == q->max)
        return -ENOSPC;
    if (q->n == q->cap) {
        int r = grow(q);

        if (r < 0)
            return r;
    }
    q->items[(q->first + q->n++) % q->cap] = item;
    return 0;
}

void *queue_pop(struct queue *q)
{
    void *item = queue_peek(q);

    if (q->n > 0) {
        q->first = (q->first + 1) % q->cap;
        q->n--;
    }
    return item;
}

void *queue_peek(const struct queue *q)
{
    return q->n > 0 ? q->items[q->first] : NULL;
}

size_t queue_len(const struct queue *q)
{
    return q->n;
}
