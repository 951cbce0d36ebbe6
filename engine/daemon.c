#include "engine/daemon.h"

#include "base/log.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "engine/control/control.h"
#include "engine/ike/engine.h"
#include "engine/io/path.h"
#include "engine/restart_secret.h"

#include <errno.h>
#include <string.h>

#define TEXT_MAX 512

struct daemon {
    struct loop *loop;
    struct loop_timer *timer;
    struct route *route;
    struct udp *udp;
    struct path *path;
    struct creds *creds;
    struct engine *engine;
    struct control *control;
};

/* What the engine has to send leaves, and the timer is set to its next deadline. A datagram that the kernel does not
 * take is lost, like one in the network. */
static void pump(struct daemon *d)
{
    struct engine_output o;

    while (engine_next_output(d->engine, &o)) {
        struct udp_path path = {.local = o.local, .peer = o.remote, .natt = o.natt};
        int r = o.keepalive ? udp_send_keepalive(d->udp, &path) : udp_send_ike(d->udp, &path, o.data, o.len);
        char text[ADDR_TEXT_MAX];

        if (r < 0)
            log_debug("cannot send to %s: %s", addr_port_text(&o.remote, text), strerror(-r));
    }
    loop_timer_at(d->timer, engine_next_deadline(d->engine));
}

static void pump_after(void *data)
{
    pump(data);
}

/* The network ---------------------------------------------------------------------------------------------------- */

static void on_ike(void *data, const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    struct daemon *d = data;
    struct addr local = path->local;

    addr_set_port(&local, path->natt ? IKE_PORT_NATT : IKE_PORT);
    engine_input(d->engine, loop_now(d->loop), &local, &path->peer, bytes, len);
    pump(d);
}

static void on_esp(void *data, const struct udp_path *path, const uint8_t *bytes, size_t len)
{
    struct daemon *d = data;

    path_input(d->path, path, bytes, len);
}

static void on_deadline(void *data, usec_t now)
{
    struct daemon *d = data;

    engine_tick(d->engine, now);
    pump(d);
}

static void on_acquire(void *data, const char *ike, const char *child)
{
    struct daemon *d = data;

    engine_acquire(d->engine, loop_now(d->loop), ike, child);
    pump(d);
}

static void on_limit(void *data, uint32_t unique, bool hard)
{
    struct daemon *d = data;

    engine_limit(d->engine, loop_now(d->loop), unique, hard);
    pump(d);
}

static void on_invalid_spi(void *data, const struct addr *remote, uint32_t spi)
{
    struct daemon *d = data;

    engine_invalid_spi(d->engine, loop_now(d->loop), remote, spi);
    pump(d);
}

/* What the engine asks for ---------------------------------------------------------------------------------------- */

static void give_random(void *data, void *buf, size_t len)
{
    (void)data;
    random_bytes(buf, len);
}

static usec_t give_wall(void *data)
{
    struct daemon *d = data;

    return loop_wall(d->loop);
}

static int give_source(void *data, const struct addr *peer, struct addr *ret_local)
{
    struct daemon *d = data;

    return udp_source(d->udp, peer, ret_local);
}

static void tell_event(void *data, const struct engine_event *ev)
{
    struct daemon *d = data;

    if (d->control)
        control_event(d->control, ev);
}

static void tell_log(void *data, const struct engine_log *l)
{
    static const int levels[] = {LOG_NOTICE, LOG_INFO, LOG_DEBUG};
    struct daemon *d = data;
    int level = levels[l->level > 2 ? 2 : l->level];

    if (l->ike_name)
        log_line(level, "%s[%u]: %s", l->ike_name, l->ike_unique, l->text);
    else
        log_line(level, "%s", l->text);
    if (d->control)
        control_log(d->control, l);
}

/* From the data path, perhaps within a call of the engine's. */
static void on_open_failed(void *data, const char *ike, const char *child, int error)
{
    const struct daemon *d = data;
    const char *why = route_error(d->route); /* of the kernel, where it said so */
    char text[TEXT_MAX];

    (void)str_format(text, sizeof(text),
                     "'%s' of '%s': its tunnel cannot be opened: %s%s%s; its networks stay unreachable", child, ike,
                     strerror(-error), *why ? ": " : "", why);
    tell_log(data, &(struct engine_log){.group = ENGINE_LOG_CHD, .text = text});
}

static void on_unrouted(void *data, const char *ike, const char *child, const char *device)
{
    char text[TEXT_MAX];

    (void)str_format(text, sizeof(text),
                     "'%s' of '%s': its remote_ts is all addresses: no route is made of that; add routes into %s, or "
                     "say `networks`",
                     child, ike, device);
    tell_log(data, &(struct engine_log){.group = ENGINE_LOG_CHD, .text = text});
}

static void tell_done(void *data, uint32_t ticket, const char *error)
{
    struct daemon *d = data;

    if (d->control)
        control_done(d->control, ticket, error);
}

/* Making ---------------------------------------------------------------------------------------------------------- */

static int open_network(struct daemon *d)
{
    struct udp_config udp = {
        .port = IKE_PORT, .natt_port = IKE_PORT_NATT, .mark = ROUTE_MARK, .ike = on_ike, .esp = on_esp, .data = d};
    int r = route_new(&d->route);

    if (r >= 0)
        r = route_rules_add(d->route);
    if (r < 0) {
        log_error("cannot set up routes (this needs CAP_NET_ADMIN): %s", strerror(-r));
        return r;
    }
    r = udp_new(d->loop, &udp, &d->udp);
    if (r == -EADDRINUSE)
        log_error("UDP ports 500 and 4500 are in use: another IKE daemon runs on this host");
    else if (r < 0)
        log_error("cannot open the UDP ports 500 and 4500: %s", strerror(-r));
    if (r < 0)
        return r;
    r = path_new(&(struct path_config){.loop = d->loop,
                                       .route = d->route,
                                       .udp = d->udp,
                                       .callbacks = {on_acquire, on_limit, on_invalid_spi, on_open_failed, on_unrouted},
                                       .data = d},
                 &d->path);
    if (r < 0)
        log_error("cannot make the data path: %s", strerror(-r));
    return r;
}

static int make_engine(struct daemon *d, const struct daemon_config *config)
{
    const struct engine_ops ops = {
        .random = give_random,
        .wall = give_wall,
        .source = give_source,
        .event = tell_event,
        .log = tell_log,
        .done = tell_done,
        .path = path_ops(),
        .path_data = d->path,
    };
    struct engine_settings settings;
    int r;

    engine_settings_default(&settings);
    settings.raw_esp = path_can_raw(d->path);
    if (config->has_cookie_threshold)
        settings.cookie_threshold = config->cookie_threshold;
    r = restart_secret(config->state_dir, settings.secret);
    if (r < 0)
        log_warning("%s: no secret can be kept: %s; peers find a restart out by DPD alone", config->state_dir,
                    strerror(-r));
    r = creds_new(&d->creds);
    if (r >= 0)
        r = engine_new(&settings, &ops, d, d->creds, &d->engine);
    secret_wipe(&settings, sizeof(settings));
    return r;
}

static int make_control(struct daemon *d, const struct daemon_config *config)
{
    const struct control_config control = {.path = config->vici_path,
                                           .engine = d->engine,
                                           .creds = d->creds,
                                           .allow_legacy = config->allow_legacy,
                                           .after = pump_after,
                                           .log = tell_log,
                                           .data = d};
    int r = control_new(d->loop, &control, &d->control);

    if (r < 0)
        log_error("%s: cannot open the control socket: %s", config->vici_path,
                  r == -EADDRINUSE ? "another engine answers there" : strerror(-r));
    return r;
}

int daemon_new(struct loop *l, const struct daemon_config *config, struct daemon **ret)
{
    cleanup(daemon_freep) struct daemon *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return -ENOMEM;
    d->loop = l;
    r = loop_timer_new(l, on_deadline, d, &d->timer);
    if (r >= 0)
        r = open_network(d);
    if (r >= 0)
        r = make_engine(d, config);
    if (r >= 0)
        r = make_control(d, config);
    if (r < 0)
        return r;
    pump(d);
    *ret = TAKE_PTR(d);
    return 0;
}

struct daemon *daemon_free(struct daemon *d)
{
    if (!d)
        return NULL;
    if (d->engine) {
        engine_shutdown(d->engine, loop_now(d->loop));
        pump(d);
    }
    d->control = control_free(d->control);
    (void)engine_free(d->engine);
    (void)creds_free(d->creds);
    (void)path_free(d->path);
    (void)udp_free(d->udp);
    (void)route_free(d->route);
    (void)loop_timer_free(d->timer);
    free(d);
    return NULL;
}

int daemon_flush(void)
{
    cleanup(route_freep) struct route *route = NULL;
    int r = route_new(&route);

    return r < 0 ? r : route_flush(route);
}
