#include "base/array.h"
#include "engine/crypto/prf.h"
#include "engine/ike/first.h"

#include <assert.h>

#define COOKIE_PRF 5 /* PRF_HMAC_SHA2_256 */

/* RFC 7296 2.6: version | hash (Ni | IPi | SPIi | secret), with an HMAC for the hash. The port is part of it, so that a
 * COOKIE serves one initiator behind a NAT only. */
size_t cookie_make(const uint8_t secret[static 32], uint8_t version, const struct message *in,
                   uint8_t ret[static FIRST_COOKIE_MAX])
{
    const struct alg *hash = alg_find(ALG_PRF, COOKIE_PRF, 0);
    const struct payload *nonce = chain_find(&in->chain, PAYLOAD_NONCE, NULL);
    uint16_t port = addr_port(&in->remote);
    bool ipv6 = addr_family(&in->remote) == AF_INET6;
    const struct prf_part parts[] = {
        {nonce ? nonce->body : NULL, nonce ? nonce->len : 0},
        {ipv6 ? in->remote.in6.sin6_addr.s6_addr : (const uint8_t *)&in->remote.in.sin_addr, ipv6 ? 16 : 4},
        {(const uint8_t *)&port, sizeof(port)},
        {in->h.spi_i, IKE_SPI_LEN},
    };

    assert(hash && 1U + hash->out_len <= FIRST_COOKIE_MAX);
    if (prf(hash, secret, 32, parts, ARRAY_LEN(parts), ret + 1) < 0)
        return 0;
    ret[0] = version;
    return 1U + hash->out_len;
}
