/* A client of the VICI server: whatever it sends, what comes back is packets of good messages within bounds, and a
 * session lives or is dead. The engine is played. The first byte says how the rest is sent: as it is, or as the name of
 * a command, a NUL and its message, so that a fuzzer need not find out lengths. */
#include "engine/control/control_private.h"
#include "tests/unit/fake_engine.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct host {
    struct loop *loop;
    struct engine engine;
    struct control *control;
    struct session *session;
    struct ike_sa ike;
    struct child_sa child;
} host;

static void on_done(void *data, uint32_t ticket, const char *error)
{
    (void)data;
    control_done(host.control, ticket, error);
}

/* The first connection that is loaded has an IKE_SA. */
static void on_change(void *data)
{
    struct ike_conf *conf = host.engine.n_confs > 0 ? host.engine.confs[0] : NULL;

    (void)data;
    host.engine.sas = NULL;
    if (!conf || conf->n_children == 0)
        return;
    host.ike = (struct ike_sa){.engine = &host.engine, .conf = conf, .unique = 1, .state = IKE_ESTABLISHED};
    host.child = (struct child_sa){
        .ike = &host.ike, .ike_conf = conf, .conf = &conf->children[0], .unique = 2, .state = CHILD_INSTALLED};
    host.ike.me = conf->local.id;
    host.ike.peer = conf->remote.id;
    host.ike.children = &host.child;
    host.engine.sas = &host.ike;
    control_event(host.control,
                  &(struct engine_event){.type = ENGINE_CHILD_UP, .ike = &host.ike, .child = &host.child});
}

static void on_log(void *data, const struct engine_log *l)
{
    (void)data;
    for (const char *p = l->text; *p; p++)
        assert((unsigned char)*p >= ' ');
    control_log(host.control, l);
}

/* Takes apart all that the server has said. */
static void read_all(struct session *s)
{
    while (s->out.len > 0 && !s->dead) {
        struct rd rd = rd_of(s->out.data, s->out.len), packet = rd_sub(&rd, rd_be32(&rd));
        uint8_t type = rd_u8(&packet);

        assert(s->out.len <= SESSION_OUT_MAX && rd_ok(&packet));
        assert(type == VICI_CMD_RESPONSE || type == VICI_CMD_UNKNOWN ||
               (type >= VICI_EVENT_CONFIRM && type <= VICI_EVENT));
        if (type == VICI_EVENT)
            rd_skip(&packet, rd_u8(&packet));
        assert(rd_ok(&packet) && vici_message_valid(packet));
        session_sent(s, s->out.len - rd_left(&rd));
    }
}

/* What is waited for ends, and what was said is read, until the session reads again. */
static void settle(struct session *s)
{
    read_all(s);
    for (unsigned i = 0; !session_reads(s) && !s->dead; i++) {
        assert(i < 65536 && s->waiting.ticket);
        control_done(host.control, s->waiting.ticket, i % 2 ? "no" : NULL);
        read_all(s);
    }
}

static void feed(struct session *s, const uint8_t *data, size_t size)
{
    while (size > 0 && !s->dead) {
        size_t n = size < SESSION_READ ? size : SESSION_READ;

        session_input(s, data, n);
        settle(s);
        data += n;
        size -= n;
    }
}

static void hear_everything(struct session *s)
{
    for (size_t e = 0; e < SESSION_EVENTS; e++) {
        cleanup(strbuf_done) struct strbuf b;

        strbuf_init(&b, VICI_PACKET_MAX);
        vici_put_packet(&b, VICI_EVENT_REGISTER, session_event_name((enum session_event)e), NULL, 0);
        feed(s, (const uint8_t *)b.data, b.len);
    }
    assert(!s->dead);
}

static void command(struct session *s, const uint8_t *data, size_t size)
{
    cleanup(strbuf_done) struct strbuf b;
    const uint8_t *end = memchr(data, '\0', size);
    char name[VICI_NAME_MAX + 1];

    strbuf_init(&b, VICI_PACKET_MAX);
    if (!end || end - data > VICI_NAME_MAX)
        return;
    memcpy(name, data, (size_t)(end - data) + 1);
    vici_put_packet(&b, VICI_CMD_REQUEST, name, end + 1, size - (size_t)(end + 1 - data));
    if (!b.bad)
        feed(s, (const uint8_t *)b.data, b.len);
    assert(b.bad || !s->dead);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct control_config config = {.engine = &host.engine, .after = on_change, .log = on_log, .allow_legacy = true};

    if (size == 0)
        return 0;
    if (!host.loop)
        assert(loop_new(&host.loop) == 0);
    host.engine = (struct engine){.found = data[0] >> 4, .at_once = data[0] & 2, .done = on_done};
    host.engine.path.child_usage = fake_usage;
    assert(creds_new(&config.creds) == 0 && counters_new(&host.engine.counters) == 0);
    assert(control_new(host.loop, &config, &host.control) == 0);
    host.session = session_new(host.control, NULL, NULL);
    assert(host.session);
    hear_everything(host.session);
    if (data[0] & 1)
        command(host.session, data + 1, size - 1);
    else
        feed(host.session, data + 1, size - 1);
    host.control = control_free(host.control);
    (void)creds_free(config.creds);
    fake_engine_done(&host.engine);
    return 0;
}
