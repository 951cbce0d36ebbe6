/*
 * How a CHILD_SA is agreed on: the payloads SA, TSi, TSr (and, in CREATE_CHILD_SA, nonce and KE), which IKE_AUTH shares
 * (RFC 7296 1.2, 1.3, 2.9, 2.17), and its installation in the data path.
 */
#pragma once

#include "engine/ike/task.h"

#define CREATE_GONE_MAX 8

struct dh;

/* What the initiator of an exchange that makes keys keeps until the answer: only that makes the new SA. */
struct create {
    uint8_t nonce[SA_NONCE_LEN];    /* ours */
    struct dh *dh;                  /* owned; NULL without key exchange */
    uint16_t group;                 /* asked for by INVALID_KE_PAYLOAD; 0: ours to choose */
    uint32_t spi_in;                /* of the new CHILD_SA; 0 */
    uint8_t spi_ike[IKE_SPI_LEN];   /* ours of the new IKE_SA */
    struct proposals offered;       /* with the SPI */
    struct selectors tsi, tsr;      /* as offered */
    uint32_t gone[CREATE_GONE_MAX]; /* SPIs that the peer deleted and we do not know: the answer may bring one */
    size_t n_gone;
    /* The peer's rekeying of the same SA crossed ours (RFC 7296 2.8.1): its new SA, already made as responder. */
    uint32_t rival;
};

struct create *create_new(struct ike_sa *sa); /* with a nonce; NULL: no memory */
struct create *create_free(struct create *c); /* wipes; accepts NULL */

/* As initiator: takes an SPI where CR has none yet, and writes SA, TSi, TSr of IKE_AUTH. The proposals are without
 * groups. -errno */
int create_auth_write(struct ike_sa *sa, struct create *cr, struct ike_conf *ike_conf, const struct child_conf *conf,
                      struct chain_writer *cw);

/*
 * As initiator, the answer in IKE_AUTH: NI and NR are the nonces of IKE_SA_INIT. The CHILD_SA becomes INSTALLED and
 * used, or is destroyed, which does not harm the IKE_SA (RFC 7296 1.3.1): false, with a sentence in ERROR.
 */
bool create_auth_accept(struct ike_sa *sa, struct create *cr, struct ike_conf *ike_conf, const struct child_conf *conf,
                        const struct chain *answer, const struct wire_bytes *ni, const struct wire_bytes *nr,
                        usec_t now, char *error, size_t size);

/*
 * As responder of IKE_AUTH: writes SA, TSi, TSr, and installs, or writes the error notification. A request without
 * SA (childless) writes nothing.
 */
void create_auth_respond(struct ike_sa *sa, const struct chain *request, const struct wire_bytes *ni,
                         const struct wire_bytes *nr, struct chain_writer *cw, usec_t now);
