/* A bounded first-in-first-out queue of pointers. Not thread-safe. */
#pragma once

#include "base/cleanup.h"

#include <stddef.h>

struct queue;

int queue_new(size_t max, struct queue **ret);
struct queue *queue_free(struct queue *q); /* items are the caller's; accepts NULL */
DEFINE_CLEANUP(struct queue *, queue_free)

int queue_push(struct queue *q, void *item); /* -ENOSPC at the maximum */
void *queue_pop(struct queue *q);            /* NULL where empty */
void *queue_peek(const struct queue *q);
size_t queue_len(const struct queue *q);
