/*
 * IKE_SA_INIT requests: retransmissions, the COOKIE (RFC 7296 2.6), and limits, before anything is computed or kept for
 * somebody who may not be there.
 */
#include "engine/ike/engine_state.h"
#include "engine/ike/first.h"

#include <assert.h>
#include <string.h>

#define GRACE       (5 * USEC_PER_SEC)  /* by then IKE_AUTH of one that is there has come, or come once more */
#define COOKIE_LIFE (60 * USEC_PER_SEC) /* of a secret; a cookie of the one before is good too */

/* RFC 7296 2.1: the same message, not the same SPI: another one begins an IKE_SA of its own (after a forged COOKIE). */
static struct ike_sa *find(const struct engine *e, const struct message *in)
{
    for (unsigned i = 0; i < e->n_half_open; i++) {
        struct ike_sa *sa = e->half_open[i];

        if (memcmp(sa->spi_i, in->h.spi_i, IKE_SPI_LEN) == 0 && addr_equal(&sa->remote, &in->remote) &&
            init_is_retransmission(sa, in))
            return sa;
    }
    return NULL;
}

static bool is_crowded(const struct engine *e, const struct addr *remote)
{
    unsigned n = 0;

    for (unsigned i = 0; i < e->n_half_open; i++)
        n += addr_equal(&e->half_open[i]->remote, remote);
    return n >= e->settings.half_open_per_peer;
}

/* RFC 7296 2.6. What is counted one by one comes last. */
static bool wants_cookie(const struct engine *e, const struct addr *remote)
{
    return e->n_half_open >= e->settings.cookie_threshold || e->n_half_open >= ENGINE_HALF_OPEN_MAX ||
           is_crowded(e, remote);
}

/*
 * Somebody who is there (a COOKIE came back) is not to be kept out by those who may not be: of the peer's, or of all,
 * the oldest without COOKIE goes. Then the oldest with one: at once where the table is full, after a while where it is
 * but a crowd behind one address.
 */
static bool make_room(struct engine *e, const struct addr *remote, usec_t now)
{
    struct ike_sa *oldest[2] = {NULL, NULL};

    for (unsigned i = 0; i < e->n_half_open; i++) {
        struct ike_sa *sa = e->half_open[i], **place = &oldest[sa->has_cookie];

        if ((!remote || addr_equal(&sa->remote, remote)) && (!*place || sa->created_at < (*place)->created_at))
            *place = sa;
    }
    assert(oldest[0] || oldest[1]);
    if (!oldest[0] && remote && clock_since(oldest[1]->created_at, now) < GRACE)
        return false;
    ike_sa_destroy(oldest[0] ? oldest[0] : oldest[1], "another one takes its place among the half-open", now);
    return true;
}

static void change_secret(struct engine *e, usec_t now)
{
    if (e->cookie_changed != 0 && clock_since(e->cookie_changed, now) < COOKIE_LIFE)
        return;
    e->cookie_version++;
    core_random(e, e->cookie_secrets[e->cookie_version % 2], COOKIE_SECRET_LEN);
    if (e->cookie_changed == 0)
        core_random(e, e->cookie_secrets[(e->cookie_version + 1) % 2], COOKIE_SECRET_LEN);
    e->cookie_changed = now;
}

/* RFC 7296 2.6: it stands first. */
static bool has_cookie(const struct engine *e, const struct message *in)
{
    struct notify_payload n;
    uint8_t cookie[FIRST_COOKIE_MAX];

    if (in->chain.n == 0 || in->chain.p[0].type != PAYLOAD_NOTIFY || payload_read_notify(&in->chain.p[0], &n) < 0 ||
        n.type != NOTIFY_COOKIE || n.data.len == 0)
        return false;
    for (unsigned back = 0; back < 2; back++) {
        uint8_t version = (uint8_t)(e->cookie_version - back);
        size_t len = cookie_make(e->cookie_secrets[version % 2], version, in, cookie);

        if (len > 0 && n.data.len == len && memcmp(n.data.data, cookie, len) == 0)
            return true;
    }
    return false;
}

static void ask_for_cookie(struct engine *e, const struct message *in)
{
    uint8_t cookie[FIRST_COOKIE_MAX], buf[128];
    struct chain_writer cw = chain_writer_of(buf, sizeof(buf));
    struct ike_header h = in->h;
    struct packets ps = {0};
    size_t len = cookie_make(e->cookie_secrets[e->cookie_version % 2], e->cookie_version, in, cookie);

    memset(h.spi_r, 0, sizeof(h.spi_r));
    h.version = IKE_VERSION;
    h.flags = IKE_FLAG_RESPONSE;
    payload_write_notify(&cw, NOTIFY_COOKIE, PROTO_NONE, NULL, 0, cookie, len);
    if (len > 0 && message_plain(&h, &cw, &ps) == 0 && ps.p[0].len <= in->raw_len)
        core_send(e, &in->local, &in->remote, addr_port(&in->local) == e->settings.natt_port, &ps);
    packets_clear(&ps);
}

static bool is_first_request(const struct message *in)
{
    static const uint8_t none[IKE_SPI_LEN];

    return header_from_initiator(&in->h) && in->h.message_id == 0 && memcmp(in->h.spi_r, none, IKE_SPI_LEN) == 0 &&
           memcmp(in->h.spi_i, none, IKE_SPI_LEN) != 0;
}

void half_open_input(struct engine *e, const struct message *in, usec_t now)
{
    struct ike_sa *sa;
    struct packets response = {0};
    bool cookie, natt = addr_port(&in->local) == e->settings.natt_port;

    core_count(e, ENGINE_IN_INIT_REQ);
    if (!is_first_request(in))
        return;
    sa = find(e, in);
    if (sa) {
        if (sa->ids.expected == 1)
            core_send(e, &in->local, &in->remote, natt, &sa->ids.response);
        return;
    }
    change_secret(e, now);
    cookie = has_cookie(e, in);
    if (!cookie && wants_cookie(e, &in->remote)) {
        ask_for_cookie(e, in);
        return;
    }
    if (is_crowded(e, &in->remote) && !make_room(e, &in->remote, now))
        return;
    if (e->n_half_open >= ENGINE_HALF_OPEN_MAX)
        (void)make_room(e, NULL, now);
    sa = init_respond(e, in, now, &response);
    if (response.n > 0 && (sa || response.p[0].len <= in->raw_len)) {
        core_send(e, &in->local, &in->remote, natt, &response);
        core_count(e, ENGINE_OUT_INIT_RSP);
    }
    if (sa) {
        sa->has_cookie = cookie;
        message_ids_request_in(&sa->ids, &response);
    }
    packets_clear(&response);
}
