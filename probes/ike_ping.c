#include "probes/ike_ping.h"

#include "base/random.h"
#include "base/reader.h"
#include "base/writer.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>

/* RFC 7296 3.1, 3.2, and the numbers of IANA's "IKEv2 Parameters" */
#define VERSION_2            0x20
#define EXCHANGE_IKE_SA_INIT 34
#define FLAG_INITIATOR       0x08
#define FLAG_RESPONSE        0x20
#define HEADER_LEN           28
#define LENGTH_AT            24

#define PAYLOAD_NONE         0
#define PAYLOAD_SA           33
#define PAYLOAD_KE           34
#define PAYLOAD_NONCE        40
#define PAYLOAD_NOTIFY       41
#define PAYLOAD_HEADER_LEN   4

#define PROTOCOL_IKE         1
#define GROUP_MODP_768       1
#define MODP_768_LEN         96
#define NONCE_LEN            32 /* RFC 7296 3.9: 16 to 256 */

#define MARKER_LEN           4
#define READS_MAX            32 /* datagrams in a turn */

/*
 * RFC 7296 3.3.2. Every number is assigned, so that no parser is surprised; none has ever been implemented as an IKE
 * transform by the daemons we know, but for the group. So nobody's configuration can hold them, however old it is.
 */
static const struct {
    uint8_t type;
    uint16_t id;
} transforms[] = {
    {1, 1},              /* ENCR_DES_IV64, of a fixed key length: needs no attribute */
    {2, 3},              /* PRF_HMAC_TIGER */
    {3, 4},              /* AUTH_KPDK_MD5 */
    {4, GROUP_MODP_768}, /* the smallest well-formed KE payload of those that everybody's parser knows */
};

#define N_TRANSFORMS (sizeof(transforms) / sizeof(transforms[0]))

struct outstanding {
    uint64_t spi; /* 0: free, or answered */
    usec_t sent;
};

struct ike_ping {
    struct loop *loop; /* borrowed */
    struct addr to;
    ike_ping_reply_fn fn;
    void *data;         /* borrowed for fn */
    int fd;             /* owned; not connected, so that an ICMP error of one request cannot fail the next */
    struct loop_io *io; /* owned */
    struct outstanding outstanding[IKE_PING_OUTSTANDING_MAX];
    size_t next; /* the oldest, which the next request replaces */
};

static size_t begin_payload(struct wr *w, uint8_t next)
{
    wr_u8(w, next);
    wr_u8(w, 0);
    return wr_reserve(w, 2);
}

static void end_payload(struct wr *w, size_t length_at)
{
    wr_patch_be16(w, length_at, (uint16_t)(wr_len(w) - length_at + 2));
}

/* RFC 7296 3.3: one proposal. */
static void put_sa(struct wr *w)
{
    size_t payload = begin_payload(w, PAYLOAD_KE);
    size_t proposal = begin_payload(w, 0); /* 0: the last one */

    wr_u8(w, 1); /* number */
    wr_u8(w, PROTOCOL_IKE);
    wr_u8(w, 0); /* size of the SPI, which is that of the header */
    wr_u8(w, N_TRANSFORMS);
    for (size_t i = 0; i < N_TRANSFORMS; i++) {
        size_t transform = begin_payload(w, i + 1 < N_TRANSFORMS ? 3 : 0); /* 3: more follow */

        wr_u8(w, transforms[i].type);
        wr_u8(w, 0);
        wr_be16(w, transforms[i].id);
        end_payload(w, transform);
    }
    end_payload(w, proposal);
    end_payload(w, payload);
}

/* RFC 7296 3.4. Nobody will compute with it, but it is a number below the group's prime, whose first bits are ones. */
static void put_ke(struct wr *w)
{
    size_t payload = begin_payload(w, PAYLOAD_NONCE);
    uint8_t public[MODP_768_LEN];

    random_bytes(public, sizeof(public));
    public[0] &= 0x7F;
    wr_be16(w, GROUP_MODP_768);
    wr_be16(w, 0);
    wr_bytes(w, public, sizeof(public));
    end_payload(w, payload);
}

static void put_nonce(struct wr *w)
{
    size_t payload = begin_payload(w, PAYLOAD_NONE);
    uint8_t nonce[NONCE_LEN];

    random_bytes(nonce, sizeof(nonce));
    wr_bytes(w, nonce, sizeof(nonce));
    end_payload(w, payload);
}

size_t ike_ping_request(uint64_t spi, uint8_t buf[static IKE_PING_REQUEST_MAX])
{
    struct wr w = wr_of(buf, IKE_PING_REQUEST_MAX);

    wr_be64(&w, spi);
    wr_be64(&w, 0);
    wr_u8(&w, PAYLOAD_SA);
    wr_u8(&w, VERSION_2);
    wr_u8(&w, EXCHANGE_IKE_SA_INIT);
    wr_u8(&w, FLAG_INITIATOR);
    wr_be32(&w, 0); /* message id */
    wr_be32(&w, 0); /* length */
    put_sa(&w);
    put_ke(&w);
    put_nonce(&w);
    wr_patch_be32(&w, LENGTH_AT, (uint32_t)wr_len(&w));
    assert(wr_ok(&w));
    return wr_len(&w);
}

/* RFC 7296 3.10 */
static uint16_t read_notify(struct rd *r)
{
    uint8_t spi_size;
    uint16_t type;

    (void)rd_u8(r); /* protocol */
    spi_size = rd_u8(r);
    type = rd_be16(r);
    rd_skip(r, spi_size);
    return type;
}

/* RFC 7296 3.2: the chain of payloads from type NEXT on. The type of the first Notify. */
static uint16_t read_payloads(struct rd *r, uint8_t next)
{
    uint16_t notify = 0;

    while (next != PAYLOAD_NONE && rd_ok(r)) {
        uint8_t type = next;
        uint16_t len;
        struct rd body;

        next = rd_u8(r);
        (void)rd_u8(r); /* critical and reserved bits */
        len = rd_be16(r);
        if (len < PAYLOAD_HEADER_LEN) {
            rd_fail(r);
            break;
        }
        body = rd_sub(r, (size_t)len - PAYLOAD_HEADER_LEN);
        if (type != PAYLOAD_NOTIFY || notify != 0)
            continue;
        notify = read_notify(&body);
        if (!rd_ok(&body))
            rd_fail(r);
    }
    return notify;
}

/* The version is not looked at: who answers INVALID_MAJOR_VERSION (RFC 7296 2.5) may tell one that we do not speak. */
int ike_ping_parse(const void *data, size_t len, struct ike_ping_answer *ret)
{
    struct rd r = rd_of(data, len);
    struct ike_ping_answer answer = {.spi = rd_be64(&r)};
    uint8_t next, exchange, flags;
    uint32_t id, length;

    (void)rd_be64(&r); /* the responder's SPI: 0 where it keeps no state */
    next = rd_u8(&r);
    (void)rd_u8(&r); /* version */
    exchange = rd_u8(&r);
    flags = rd_u8(&r);
    id = rd_be32(&r);
    length = rd_be32(&r);
    if (!rd_ok(&r) || exchange != EXCHANGE_IKE_SA_INIT || !(flags & FLAG_RESPONSE) || id != 0 || length != len)
        return -EBADMSG;
    answer.notify = read_payloads(&r, next);
    if (!rd_done(&r))
        return -EBADMSG;
    *ret = answer;
    return 0;
}

static bool has_marker(const struct ike_ping *p)
{
    return addr_port(&p->to) == IKE_PING_NATT_PORT;
}

/* The request of SPI, which is then no longer outstanding: an answer that is repeated does not count twice. */
static bool take_outstanding(struct ike_ping *p, uint64_t spi, usec_t *ret_sent)
{
    for (size_t i = 0; spi != 0 && i < IKE_PING_OUTSTANDING_MAX; i++) {
        if (p->outstanding[i].spi != spi)
            continue;
        *ret_sent = p->outstanding[i].sent;
        p->outstanding[i].spi = 0;
        return true;
    }
    return false;
}

/* RFC 3948 2.2: four zero bytes, where ESP would have its SPI. */
static bool read_datagram(const struct ike_ping *p, const void *data, size_t len, struct ike_ping_answer *ret)
{
    struct rd r = rd_of(data, len);
    const uint8_t *message;

    if (has_marker(p) && rd_be32(&r) != 0)
        return false;
    message = rd_rest(&r, &len);
    return message && ike_ping_parse(message, len, ret) == 0;
}

/* What is no answer of ours is ignored: anybody may send to our port. */
static void on_readable(void *data, int fd, uint32_t revents)
{
    struct ike_ping *p = data;

    (void)revents;
    for (int i = 0; i < READS_MAX; i++) {
        uint8_t buf[IKE_PING_ANSWER_MAX];
        struct addr from = {0};
        socklen_t from_len = sizeof(from);
        struct ike_ping_answer answer;
        usec_t sent;
        ssize_t n = recvfrom(fd, buf, sizeof(buf), MSG_TRUNC, &from.sa, &from_len);

        if (n < 0)
            return;
        if ((size_t)n > sizeof(buf) || !addr_equal(&from, &p->to) || addr_port(&from) != addr_port(&p->to))
            continue;
        if (!read_datagram(p, buf, (size_t)n, &answer) || !take_outstanding(p, answer.spi, &sent))
            continue;
        p->fn(p->data, sent, clock_since(sent, loop_now(p->loop)), answer.notify);
        return; /* it may have freed P; what is left comes with the next turn */
    }
}

static int open_socket(struct ike_ping *p)
{
    const int on = 1;

    p->fd = socket(addr_family(&p->to), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (p->fd < 0)
        return -errno;
    if (addr_family(&p->to) == AF_INET6 && setsockopt(p->fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
        return -errno;
    return loop_io_new(p->loop, p->fd, EPOLLIN, on_readable, p, &p->io);
}

int ike_ping_new(struct loop *l, const struct addr *outside, uint16_t port, ike_ping_reply_fn fn, void *data,
                 struct ike_ping **ret)
{
    cleanup(ike_ping_freep) struct ike_ping *p = NULL;
    int r;

    if (!addr_is_set(outside))
        return -EINVAL;
    p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->loop = l;
    p->to = *outside;
    addr_set_port(&p->to, port);
    p->fn = fn;
    p->data = data;
    r = open_socket(p);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(p);
    return 0;
}

struct ike_ping *ike_ping_free(struct ike_ping *p)
{
    if (p) {
        p->io = loop_io_free(p->io);
        closep(&p->fd);
        free(p);
    }
    return NULL;
}

static uint64_t new_spi(void)
{
    uint64_t spi;

    do {
        spi = random_u64();
    } while (spi == 0); /* RFC 7296 3.1: must not be zero */
    return spi;
}

void ike_ping_set_data(struct ike_ping *p, void *data)
{
    p->data = data;
}

int ike_ping_send(struct ike_ping *p, usec_t now)
{
    uint8_t buf[MARKER_LEN + IKE_PING_REQUEST_MAX] = {0};
    size_t marker = has_marker(p) ? MARKER_LEN : 0;
    uint64_t spi = new_spi();
    size_t len = marker + ike_ping_request(spi, buf + marker);

    if (sendto(p->fd, buf, len, MSG_NOSIGNAL, &p->to.sa, addr_len(&p->to)) < 0)
        return -errno;
    p->outstanding[p->next] = (struct outstanding){.spi = spi, .sent = now};
    p->next = (p->next + 1) % IKE_PING_OUTSTANDING_MAX;
    return 0;
}
