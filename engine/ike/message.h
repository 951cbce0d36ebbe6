/*
 * A message that came in, as handlers see it: verified, whole, its contents legal for its exchange; and how one of ours
 * becomes packets: encrypted, in fragments where it is long (RFC 7296 3.14, RFC 7383 2.5).
 */
#pragma once

#include "base/addr.h"
#include "engine/crypto/seal.h"
#include "engine/ike/packets.h"
#include "engine/wire/header.h"
#include "engine/wire/payload.h"

#define MESSAGE_SK_OVERHEAD 128 /* bytes that sealing adds to a datagram at most */

struct message {
    struct ike_header h;
    struct chain chain; /* borrows from the packet or the reassembled fragments */
    struct addr local, remote;
    const uint8_t *raw; /* IKE_SA_INIT: the whole message, for AUTH; borrowed */
    size_t raw_len;
};

/* Plain: IKE_SA_INIT, and errors for those who have no keys. H's next payload and length are filled in. */
int message_plain(const struct ike_header *h, const struct chain_writer *cw, struct packets *ret);

/*
 * Encrypted with S; COUNTER goes up for each datagram. LIMIT is the size of a datagram from which on it is sent in
 * fragments; 0: never. -EMSGSIZE where it needs more than FRAGMENTS_MAX, -ENOMEM.
 */
int message_seal(struct seal *s, uint64_t *counter, const struct ike_header *h, const struct chain_writer *cw,
                 size_t limit, struct packets *ret);

/* One encrypted payload (SK or SKF) opened. */
struct message_opened {
    uint8_t inner;          /* type of the first payload inside */
    uint16_t number, total; /* SKF; 0 with SK */
    const uint8_t *data;    /* within the packet */
    size_t len;
};

/* DATA is a whole message whose payload chain (C, of its plain part) ends with SK or SKF; decrypted in place. -EBADMSG
 * where it does not verify or has none. */
int message_open(struct seal *s, uint8_t *data, size_t len, const struct chain *c, struct message_opened *ret);
