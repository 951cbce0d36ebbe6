/*
 * The bodies of the payloads (RFC 7296 3.3 to 3.15). Each reader takes the body of its payload and nothing is left
 * over; -EBADMSG where it is malformed, with *RET untouched. What is read is borrowed from the message. Each writer
 * adds a whole payload to a chain; errors are kept in the writer (chain_ok()).
 */
#pragma once

#include "engine/wire/chain.h"
#include "engine/wire/proposal.h"

struct wire_bytes {
    const uint8_t *data;
    size_t len;
};

#define NONCE_MIN        16 /* bytes, RFC 7296 3.9 */
#define NONCE_MAX        256
#define NOTIFY_SPI_MAX   8
#define DELETE_SPIS_MAX  64 /* further ones of one payload are -ENOSPC */
#define CONFIG_ATTRS_MAX 32

struct ke_payload {
    uint16_t group;
    struct wire_bytes value;
};

struct id_payload {
    uint8_t type; /* enum ike_id_type, or another number */
    struct wire_bytes data;
    struct wire_bytes body; /* the whole body, as AUTH signs it (RFC 7296 2.15) */
};

struct cert_payload { /* CERT, CERTREQ */
    uint8_t encoding;
    struct wire_bytes data;
};

struct auth_payload {
    uint8_t method;
    struct wire_bytes data;
};

struct notify_payload {
    uint8_t protocol;
    uint16_t type; /* enum ike_notify, or another number */
    struct wire_bytes spi;
    struct wire_bytes data;
};

struct delete_payload {
    uint8_t protocol;
    uint8_t spi_len; /* 0 for the IKE_SA, 4 for ESP and AH */
    size_t n;
    struct wire_bytes spis; /* n times spi_len bytes */
};

struct config_attr {
    uint16_t type;
    struct wire_bytes value;
};

struct config_payload {
    uint8_t type; /* 1 request, 2 reply, 3 set, 4 ack */
    size_t n;
    struct config_attr attrs[CONFIG_ATTRS_MAX];
};

/* Transforms with an attribute that is not known or not legal are left out, and their proposal too where it is not
 * whole without (RFC 7296 3.3.6); proposals and transforms over the maxima are -ENOSPC. */
int payload_read_sa(const struct payload *p, struct proposals *ret);
int payload_read_ke(const struct payload *p, struct ke_payload *ret);
int payload_read_id(const struct payload *p, struct id_payload *ret);
int payload_read_cert(const struct payload *p, struct cert_payload *ret);
int payload_read_auth(const struct payload *p, struct auth_payload *ret);
int payload_read_nonce(const struct payload *p, struct wire_bytes *ret); /* NONCE_MIN to NONCE_MAX bytes */
int payload_read_notify(const struct payload *p, struct notify_payload *ret);
int payload_read_delete(const struct payload *p, struct delete_payload *ret);
/* Selectors of a type that is not known are left out. */
int payload_read_ts(const struct payload *p, struct selectors *ret);
int payload_read_config(const struct payload *p, struct config_payload *ret);

void payload_write_sa(struct chain_writer *cw, const struct proposals *ps);
void payload_write_ke(struct chain_writer *cw, uint16_t group, const void *value, size_t len);
void payload_write_id(struct chain_writer *cw, enum ike_payload which, uint8_t type, const void *data, size_t len);
void payload_write_cert(struct chain_writer *cw, enum ike_payload which, uint8_t encoding, const void *data,
                        size_t len);
void payload_write_auth(struct chain_writer *cw, uint8_t method, const void *data, size_t len);
void payload_write_nonce(struct chain_writer *cw, const void *nonce, size_t len);
/* Without SPI: PROTO_NONE, NULL, 0. */
void payload_write_notify(struct chain_writer *cw, uint16_t type, uint8_t protocol, const void *spi, size_t spi_len,
                          const void *data, size_t len);
void payload_write_delete_ike(struct chain_writer *cw);
void payload_write_delete_esp(struct chain_writer *cw, const uint32_t *spis, size_t n); /* in host order */
void payload_write_ts(struct chain_writer *cw, enum ike_payload which, const struct selectors *ss);

/* The first notification of TYPE in C that is well-formed. */
bool chain_notify(const struct chain *c, uint16_t type, struct notify_payload *ret);

/* The first notification of an error type (up to NOTIFY_ERROR_MAX). */
bool chain_error(const struct chain *c, struct notify_payload *ret);
