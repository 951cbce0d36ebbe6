/* Packets on their way through. */
#include "engine/io/path_state.h"

#include <string.h>

static bool matches(const struct inner *in, const struct selectors *local, const struct selectors *remote, bool out)
{
    const uint8_t *near = out ? in->src : in->dst, *far = out ? in->dst : in->src;
    uint16_t near_port = out ? in->src_port : in->dst_port, far_port = out ? in->dst_port : in->src_port;

    return selectors_match(local, in->ipv6, near, in->protocol, near_port) &&
           selectors_match(remote, in->ipv6, far, in->protocol, far_port);
}

static bool is_over(uint64_t limit, uint64_t in, uint64_t out)
{
    return limit != 0 && (in >= limit || out >= limit);
}

/* The last thing to be done with a packet: the control plane may remove S at once. */
static void tell_limits(struct path_sa *s)
{
    const struct esp_counters *in = esp_sa_counters(s->in), *out = esp_sa_counters(s->out);
    const struct path_callbacks *c = &s->tunnel->path->config.callbacks;
    uint64_t left = esp_sa_left(s->out);
    bool hard = left == 0 || is_over(s->hard_bytes, in->bytes, out->bytes) ||
                is_over(s->hard_packets, in->packets, out->packets);
    bool soft = hard || left <= PATH_NUMBERS_SOFT || is_over(s->soft_bytes, in->bytes, out->bytes) ||
                is_over(s->soft_packets, in->packets, out->packets);

    if ((hard && !s->hard_told) || (soft && !s->soft_told)) {
        s->soft_told = true;
        s->hard_told = hard;
        c->limit(s->tunnel->path->config.data, s->unique, hard);
    }
}

/* Neighbour discovery and the like, which the host sends of its own accord whenever a device comes up. */
static bool is_link_local(const struct inner *in)
{
    return in->ipv6 ? in->dst[0] == 0xFF || (in->dst[0] == 0xFE && (in->dst[1] & 0xC0) == 0x80)
                    : (in->dst[0] & 0xF0) == 0xE0;
}

/* RFC 4291 2.5.2: never leaves its link. A host that is a router reports its multicast groups so. */
static bool is_from_nobody(const struct inner *in)
{
    static const uint8_t unspecified[16];

    return in->ipv6 && memcmp(in->src, unspecified, sizeof(unspecified)) == 0;
}

static bool hits_trap(const struct path_tunnel *t, const struct inner *in)
{
    const struct path_layout *l = &t->layout;

    return !is_link_local(in) &&
           (l->any_local || selectors_match(&l->local_ts, in->ipv6, in->src, in->protocol, in->src_port)) &&
           (l->any_remote || selectors_match(&l->remote_ts, in->ipv6, in->dst, in->protocol, in->dst_port));
}

static void acquire(struct path_tunnel *t, const struct inner *in)
{
    struct path *p = t->path;
    usec_t now = loop_now(p->config.loop);

    if (!hits_trap(t, in) || now < t->next_acquire)
        return;
    t->next_acquire = now + PATH_ACQUIRE_INTERVAL;
    p->config.callbacks.acquire(p->config.data, t->ike, t->child);
}

static struct path_sa *find_used(const struct path_tunnel *t, const struct inner *in)
{
    for (struct path_sa *s = t->used; s; s = s->next_used)
        if (matches(in, &s->local_ts, &s->remote_ts, true))
            return s;
    return NULL;
}

/* What the kernel does not take is lost, as on any network. */
static void send_sealed(struct path *p, const struct path_sa *s, uint8_t ecn, size_t len)
{
    const struct udp_path over_udp = {.local = s->local, .peer = s->remote, .natt = true, .ecn = ecn};
    const struct datagram raw = {.local = s->local, .peer = s->remote, .ecn = ecn};

    if (s->encap)
        (void)udp_send_esp(p->config.udp, &over_udp, p->out, len);
    else if (p->raw)
        (void)raw_esp_send(p->raw, &raw, p->out, len);
}

void path_outbound(struct path_tunnel *t, const uint8_t *packet, size_t len)
{
    struct path *p = t->path;
    struct path_sa *s;
    struct inner in;
    size_t n;

    if (inner_read(packet, len, &in) < 0) {
        if (t->used)
            esp_sa_drop(t->used->out, ESP_DROP_MALFORMED);
        return;
    }
    if (is_from_nobody(&in))
        return;
    s = find_used(t, &in);
    if (!s && t->used)
        esp_sa_drop(t->used->out, ESP_DROP_SELECTORS);
    if (!s && !t->used && t->trapped)
        acquire(t, &in);
    if (!s)
        return;
    if (s->hard_told) /* RFC 4301 4.4.2.1: nothing more is sent with it */
        esp_sa_drop(s->out, ESP_DROP_EXHAUSTED);
    else if (esp_seal(s->out, packet, len, p->out, sizeof(p->out), &n) == ESP_OK) {
        send_sealed(p, s, s->copy_ecn ? in.ecn : 0, n);
        s->last_out = loop_now(p->config.loop);
    }
    tell_limits(s);
}

static uint32_t spi_of(const uint8_t *packet)
{
    return (uint32_t)packet[0] << 24 | (uint32_t)packet[1] << 16 | (uint32_t)packet[2] << 8 | packet[3];
}

static void tell_invalid_spi(struct path *p, const struct addr *from, uint32_t spi)
{
    usec_t now = loop_now(p->config.loop);

    if (now < p->next_invalid_spi)
        return;
    p->next_invalid_spi = now + PATH_SPI_INTERVAL;
    p->config.callbacks.invalid_spi(p->config.data, from, spi);
}

/* PACKET was opened with S. RFC 4301 5.2: it must be one that the CHILD_SA is for. */
static void deliver(struct path_sa *s, uint8_t *packet, size_t len, uint8_t ecn)
{
    struct inner in;

    if (inner_read(packet, len, &in) < 0)
        esp_sa_drop(s->in, ESP_DROP_MALFORMED);
    else if (!matches(&in, &s->local_ts, &s->remote_ts, false))
        esp_sa_drop(s->in, ESP_DROP_SELECTORS);
    else if (s->copy_ecn && !inner_ecn_in(packet, len, ecn))
        esp_sa_drop(s->in, ESP_DROP_ECN);
    else
        (void)tunnel_write(s->tunnel->tunnel, packet, len);
}

void path_inbound(struct path *p, const struct datagram *from, const uint8_t *packet, size_t len)
{
    struct path_sa *s;
    uint8_t *inner;
    size_t n;

    if (len < sizeof(uint32_t) || len > sizeof(p->in))
        return;
    s = path_find_spi(p, spi_of(packet));
    if (!s) {
        tell_invalid_spi(p, &from->peer, spi_of(packet));
        return;
    }
    memcpy(p->in, packet, len);
    if (esp_open(s->in, p->in, len, &inner, &n) != ESP_OK)
        return;
    s->last_in = loop_now(p->config.loop);
    if (n > 0)
        deliver(s, inner, n, from->ecn);
    tell_limits(s);
}
