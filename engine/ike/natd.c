#include "base/writer.h"
#include "engine/crypto/hash.h"
#include "engine/ike/first_state.h"

#include <assert.h>
#include <string.h>

static_assert(NATD_LEN == HASH_SHA1_LEN, "RFC 7296 2.23");

void natd_hash(const uint8_t spi_i[static IKE_SPI_LEN], const uint8_t spi_r[static IKE_SPI_LEN], const struct addr *a,
               uint8_t ret[static NATD_LEN])
{
    uint8_t buf[2 * IKE_SPI_LEN + 16 + 2];
    struct wr w = wr_of(buf, sizeof(buf));

    wr_bytes(&w, spi_i, IKE_SPI_LEN);
    wr_bytes(&w, spi_r, IKE_SPI_LEN);
    if (addr_family(a) == AF_INET6)
        wr_bytes(&w, &a->in6.sin6_addr, 16);
    else
        wr_bytes(&w, &a->in.sin_addr, 4);
    wr_be16(&w, addr_port(a));
    hash_sha1(buf, wr_len(&w), ret);
}

static void write_hash(struct chain_writer *cw, uint16_t type, const uint8_t *spi_i, const uint8_t *spi_r,
                       const struct addr *a)
{
    uint8_t hash[NATD_LEN];

    natd_hash(spi_i, spi_r, a, hash);
    payload_write_notify(cw, type, PROTO_NONE, NULL, 0, hash, sizeof(hash));
}

void natd_write(struct chain_writer *cw, const uint8_t spi_i[static IKE_SPI_LEN],
                const uint8_t spi_r[static IKE_SPI_LEN], const struct addr *local, const struct addr *remote,
                bool forged)
{
    struct addr source = forged ? addr_any(addr_family(local)) : *local;

    write_hash(cw, NOTIFY_NAT_DETECTION_SOURCE_IP, spi_i, spi_r, &source);
    write_hash(cw, NOTIFY_NAT_DETECTION_DESTINATION_IP, spi_i, spi_r, remote);
}

/* Whether notifications of TYPE are there, and whether one of them is the hash of A. */
static bool find_hash(const struct message *in, uint16_t type, const struct addr *a, bool *ret_same)
{
    const struct payload *p = NULL;
    uint8_t hash[NATD_LEN];
    bool found = false;

    natd_hash(in->h.spi_i, in->h.spi_r, a, hash);
    *ret_same = false;
    while ((p = chain_find(&in->chain, PAYLOAD_NOTIFY, p))) {
        struct notify_payload n;

        if (payload_read_notify(p, &n) < 0 || n.type != type)
            continue;
        found = true;
        if (n.data.len == NATD_LEN && memcmp(n.data.data, hash, NATD_LEN) == 0)
            *ret_same = true;
    }
    return found;
}

bool natd_read(const struct message *in, bool *ret_nat_local, bool *ret_nat_remote)
{
    bool source, destination;

    if (!find_hash(in, NOTIFY_NAT_DETECTION_SOURCE_IP, &in->remote, &source) ||
        !find_hash(in, NOTIFY_NAT_DETECTION_DESTINATION_IP, &in->local, &destination))
        return false;
    *ret_nat_remote = !source;
    *ret_nat_local = !destination;
    return true;
}
