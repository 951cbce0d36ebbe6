/* What a peer could send that has the keys of an IKE_SA: messages opened on their way, and others sealed in their
 * place. */
#pragma once

#include "engine/ike/message.h"
#include "tests/exchange/pair.h"

/* What FROM sent, as the other side would read it; *RET borrows from a buffer that the next call writes over. False:
 * it is not sealed, or the other side has no IKE_SA. */
bool sealed_open(struct pair *p, int from, const uint8_t *bytes, size_t len, struct ike_header *ret_h,
                 struct chain *ret);

/* Asked for each payload of a message, and with NULL before the first. Writes what is to stand there and says whether P
 * is done with; otherwise it goes as it was. */
typedef bool (*sealed_write_fn)(struct chain_writer *cw, const struct payload *p);

void sealed_copy(struct chain_writer *cw, const struct payload *p);

/* C with what WRITE makes of it, from FROM with H and its keys, at once. */
void sealed_send(struct pair *p, int from, const struct ike_header *h, const struct chain *c, sealed_write_fn write);
