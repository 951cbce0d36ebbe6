/* A VICI server without a socket and one client of it; the engine is played. Included by one source of a program. */
#pragma once

#include "engine/control/control.h"
#include "engine/control/control_private.h"
#include "engine/control/session.h"
#include "tests/unit/fake_engine.h"
#include "tests/unit/vici_client.h"

#define CONN(name)                                                                                                     \
    name "{version=2 local_addrs[192.0.2.1] remote_addrs[203.0.113.10] proposals[aes128-sha256-ecp256] "               \
         "local{auth=psk id=192.0.2.1} remote{auth=psk id=203.0.113.10} "                                              \
         "children{net{local_ts[10.0.0.0/16] remote_ts[10.1.0.0/16] esp_proposals[aes128gcm16]}}}"

struct host {
    struct loop *loop;
    struct engine engine;
    struct creds *creds;
    struct control *control;
    struct session *session;
    struct strbuf wire; /* what the server sent and the client has not looked at */
    char logged[256];   /* the last line */
    unsigned changes;   /* calls of after() */
};

static inline void host_on_change(void *data)
{
    struct host *h = data;

    h->changes++;
}

static inline void host_on_log(void *data, const struct engine_log *l)
{
    struct host *h = data;

    (void)str_copy(h->logged, sizeof(h->logged), l->text);
    control_log(h->control, l);
}

static inline void host_on_done(void *data, uint32_t ticket, const char *error)
{
    struct host *h = data;

    control_done(h->control, ticket, error);
}

static inline int host_setup(void **state)
{
    struct host *h = calloc(1, sizeof(*h));
    struct control_config config = {.after = host_on_change, .log = host_on_log, .data = h};

    assert_non_null(h);
    assert_int_equal(loop_new(&h->loop), 0);
    assert_int_equal(creds_new(&h->creds), 0);
    h->engine.path.child_usage = fake_usage;
    h->engine.done = host_on_done;
    h->engine.data = h;
    assert_int_equal(counters_new(&h->engine.counters), 0);
    config.engine = &h->engine;
    config.creds = h->creds;
    assert_int_equal(control_new(h->loop, &config, &h->control), 0);
    h->session = session_new(h->control, NULL, NULL);
    assert_non_null(h->session);
    strbuf_init(&h->wire, 64 * VICI_PACKET_MAX);
    *state = h;
    return 0;
}

static inline int host_teardown(void **state)
{
    struct host *h = *state;

    strbuf_done(&h->wire);
    h->control = control_free(h->control);
    h->creds = creds_free(h->creds);
    fake_engine_done(&h->engine);
    h->loop = loop_free(h->loop);
    free(h);
    return 0;
}

/* All that the server has to say, as a client that reads it. */
static inline void host_drain(struct host *h)
{
    while (h->session->out.len > 0) {
        strbuf_add(&h->wire, h->session->out.data, h->session->out.len);
        session_sent(h->session, h->session->out.len);
    }
}

static inline void host_send(struct host *h, enum vici_packet type, const char *name, const char *spec)
{
    cleanup(strbuf_done) struct strbuf b;

    strbuf_init(&b, VICI_PACKET_MAX);
    client_packet(&b, type, name, spec);
    session_input(h->session, b.data, b.len);
}

static inline const char *host_next(struct host *h)
{
    host_drain(h);
    return client_take(&h->wire);
}

static inline const char *host_ask(struct host *h, const char *command, const char *spec)
{
    host_send(h, VICI_CMD_REQUEST, command, spec);
    return host_next(h);
}

static inline void host_hear(struct host *h, const char *event)
{
    host_send(h, VICI_EVENT_REGISTER, event, "");
    assert_string_equal(host_next(h), "5 ");
}

static inline void host_load(struct host *h, const char *conn)
{
    assert_string_equal(host_ask(h, "load-conn", conn), "1 success=yes");
}

/* An established IKE_SA of the first connection with one CHILD_SA. */
struct sas {
    struct ike_sa ike;
    struct child_sa child;
};

static inline void host_make_sas(struct host *h, struct sas *s, uint32_t unique)
{
    struct ike_conf *conf = h->engine.confs[0];

    *s = (struct sas){
        .ike = {.engine = &h->engine,
                .conf = conf,
                .unique = unique,
                .state = IKE_ESTABLISHED,
                .initiator = true,
                .spi_i = {1, 2, 3, 4, 5, 6, 7, 8},
                .spi_r = {9},
                .me = conf->local.id,
                .peer = conf->remote.id,
                .established_at = loop_now(h->loop),
                .rekey_at = clock_add(loop_now(h->loop), 100 * USEC_PER_SEC),
                .reauth_at = USEC_NEVER,
                .children = &s->child,
                .n_children = 1,
                .next = h->engine.sas},
        .child = {.ike = &s->ike,
                  .ike_conf = conf,
                  .conf = &conf->children[0],
                  .unique = unique + 100,
                  .reqid = 1,
                  .state = CHILD_INSTALLED,
                  .spi_in = 0xC0FFEE01,
                  .spi_out = 0xC0FFEE02,
                  .encap = true,
                  .installed_at = loop_now(h->loop),
                  .rekey_at = USEC_NEVER,
                  .life_at = USEC_NEVER},
    };
    assert_int_equal(addr_parse("192.0.2.1", &s->ike.local), 0);
    assert_int_equal(addr_parse("203.0.113.10", &s->ike.remote), 0);
    addr_set_port(&s->ike.local, 500);
    addr_set_port(&s->ike.remote, 500);
    s->ike.suite.encr = s->child.suite.encr = alg_find(ALG_ENCR, 20, 128);
    s->ike.suite.prf = alg_find(ALG_PRF, 5, 0);
    s->ike.suite.dh = alg_find(ALG_DH, 19, 0);
    selectors_resolve(&conf->children[0].local_ts, &s->ike.local, &s->child.local_ts);
    selectors_resolve(&conf->children[0].remote_ts, &s->ike.remote, &s->child.remote_ts);
    h->engine.sas = &s->ike;
}
