/* One connection to a VICI server: whole packets out and in over a stream socket that never blocks. */
#pragma once

#include "base/loop.h"
#include "base/reader.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

#define VICI_LINK_READ (16 * 1024) /* bytes taken in one turn of the loop */

struct vici_link {
    int fd;             /* owned; -1 while closed */
    struct loop_io *io; /* owned */
    struct strbuf out;  /* the packet being sent; may hold a secret */
    size_t sent;        /* bytes of it */
    struct strbuf in;
    size_t taken; /* bytes of it that vici_link_next() handed out */
};

void vici_link_init(struct vici_link *k);

/* 0, or what socket() or connect() said, as -errno: -EAGAIN where the server's backlog is full. FN hears of everything:
 * it flushes where EPOLLOUT is set, and fills otherwise. */
int vici_link_open(struct vici_link *k, struct loop *l, const struct sockaddr_un *to, loop_io_fn fn, void *data);
void vici_link_close(struct vici_link *k); /* may be closed already */
bool vici_link_is_open(const struct vici_link *k);

/* Sends PACKET, whose memory is taken. The one before must have gone out. A connection that broke is told by
 * vici_link_fill(). */
void vici_link_send(struct vici_link *k, struct strbuf *packet);
void vici_link_flush(struct vici_link *k);
bool vici_link_is_sending(const struct vici_link *k);

/* Takes what has come, in bounds. 0, or -ECONNRESET where the other side has gone. */
int vici_link_fill(struct vici_link *k);

/* The next packet (type, name, message), borrowed until this is called again. >0, 0 where none is complete, -EBADMSG
 * where its length cannot be. */
int vici_link_next(struct vici_link *k, struct rd *ret);
