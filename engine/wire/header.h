/* The header of an IKE message (RFC 7296 3.1). */
#pragma once

#include "engine/wire/ikev2.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IKE_HEADER_LEN 28
#define IKE_VERSION    0x20 /* major 2, minor 0 */

struct ike_header {
    uint8_t spi_i[IKE_SPI_LEN];
    uint8_t spi_r[IKE_SPI_LEN];
    uint8_t next_payload;
    uint8_t version;
    uint8_t exchange; /* enum ike_exchange, or another number */
    uint8_t flags;
    uint32_t message_id;
    uint32_t length; /* of the whole message, header included; written by who knows it */
};

/*
 * -EBADMSG where LEN is under IKE_HEADER_LEN or the length field is not LEN. -EPROTONOSUPPORT for a major version above
 * 2, with *RET filled in (RFC 7296 2.5); a lower one is -EBADMSG. Reserved bits and the minor version are ignored.
 */
int header_read(const void *data, size_t len, struct ike_header *ret);

void header_write(const struct ike_header *h, uint8_t ret[static IKE_HEADER_LEN]);

bool header_is_response(const struct ike_header *h);
bool header_from_initiator(const struct ike_header *h); /* of the original initiator of the IKE_SA */
