#include "conf/check.h"

#include "base/str.h"
#include "conf/syntax.h"

#include <stdlib.h>
#include <string.h>

/* Something that may stand once in a file, and where it stands. */
struct place {
    const char *what; /* borrowed from the conf or the tree */
    struct addr addr; /* instead of WHAT where set */
    int line;
};

static int compare_places(const void *va, const void *vb)
{
    const struct place *a = va, *b = vb;
    int order = addr_family(&a->addr) - addr_family(&b->addr);

    if (order == 0 && addr_family(&a->addr) == AF_INET)
        order = memcmp(&a->addr.in.sin_addr, &b->addr.in.sin_addr, sizeof(a->addr.in.sin_addr));
    else if (order == 0 && addr_family(&a->addr) == AF_INET6)
        order = memcmp(&a->addr.in6.sin6_addr, &b->addr.in6.sin6_addr, sizeof(a->addr.in6.sin6_addr));
    else if (order == 0)
        order = strcmp(a->what, b->what);
    return order != 0 ? order : (a->line > b->line) - (a->line < b->line);
}

static bool same_place(const struct place *a, const struct place *b)
{
    if (addr_is_set(&a->addr) || addr_is_set(&b->addr))
        return addr_equal(&a->addr, &b->addr);
    return str_eq(a->what, b->what);
}

/* Sorts PLACES and reports each that repeats the one before. */
static void check_unique(struct conf_report *r, struct place *places, size_t n, const char *key)
{
    qsort(places, n, sizeof(*places), compare_places);
    for (size_t i = 1; i < n; i++)
        if (same_place(&places[i - 1], &places[i]))
            conf_report_error(r, places[i].line, "%s: \"%s\" is given twice: it stands on line %d already", key,
                              places[i].what, places[i - 1].line);
}

static void check_vpn_ids(const struct conf *c, cfg_t *root, struct conf_report *r)
{
    struct place *places cleanup(freep) = calloc(c->n_connections + 1, sizeof(*places));
    size_t n = 0;

    for (size_t i = 0; places && i < c->n_connections; i++) {
        cfg_t *sec = conf_syntax_section(root, CONF_SECTION_CONNECTION, i);
        const struct conf_text *v = conf_syntax_value(sec, "vpn-connection-id", 0);

        if (c->connections[i].vpn_connection_id)
            places[n++] = (struct place){.what = v->text, .line = v->line};
    }
    if (places)
        check_unique(r, places, n, "vpn-connection-id");
}

static void check_outside_addresses(const struct conf *c, cfg_t *root, struct conf_report *r)
{
    struct place *places cleanup(freep) = calloc(c->n_connections * CONF_TUNNELS_MAX + 1, sizeof(*places));
    size_t n = 0;

    for (size_t i = 0; places && i < c->n_connections; i++) {
        cfg_t *sec = conf_syntax_section(root, CONF_SECTION_CONNECTION, i);

        for (size_t j = 0; j < c->connections[i].n_tunnels; j++) {
            const struct conf_tunnel *t = &c->connections[i].tunnels[j];
            const struct conf_text *v =
                conf_syntax_value(conf_syntax_section(sec, CONF_SECTION_TUNNEL, j), "outside-address", 0);

            if (addr_is_set(&t->outside))
                places[n++] = (struct place){.what = v->text, .addr = t->outside, .line = v->line};
        }
    }
    if (places)
        check_unique(r, places, n, "outside-address");
}

static void check_targets(const struct conf_tunnel *t, cfg_t *sec, struct conf_report *r)
{
    for (size_t i = 0; i < t->n_targets; i++) {
        if (!addr_is_set(&t->inside) || !addr_is_set(&t->targets[i].addr) ||
            addr_family(&t->inside) == addr_family(&t->targets[i].addr))
            continue;
        conf_report_error(r, conf_syntax_value(sec, "inside-address", 0)->line,
                          "inside-address: \"%s\" cannot be reached from it: one is IPv4 and one is IPv6",
                          t->targets[i].text);
    }
}

static void check_tunnel(const struct conf_connection *c, const struct conf_tunnel *t, cfg_t *sec,
                         struct conf_report *r)
{
    int line = conf_syntax_line(sec);

    if (conf_syntax_count(sec, "outside-address") == 0 && !t->expected_down)
        conf_report_error(r, line, "tunnel \"%s\" has no outside-address; give AWS's address of it, or expected = down",
                          t->name);
    if (conf_syntax_count(sec, "probe") == 0 && !t->expected_down)
        conf_report_warning(r, line, "tunnel \"%s\" has no probe: it is judged by the IKE daemon's word alone",
                            t->name);
    if ((t->ike_connection || t->ike_child) && !c->ike)
        conf_report_warning(r, line, "tunnel \"%s\" names what the IKE daemon calls it, but its connection has no ike",
                            t->name);
    check_targets(t, sec, r);
}

/* A file that is written for the engine is good for everything else: nothing of it is refused. */
static void check_fallback(cfg_t *sec, struct conf_report *r)
{
    const struct conf_text *v;

    if (conf_syntax_count(sec, "fallback") == 0)
        return;
    v = conf_syntax_value(sec, "fallback", 0);
    if (str_eq(v->text, "engine"))
        conf_report_warning(
            r, v->line,
            "fallback = engine has no effect: take-over by the engine is not in this version, and nothing "
            "takes over where the IKE daemon cannot be used");
}

static void check_connection(const struct conf *c, const struct conf_connection *connection, cfg_t *sec,
                             struct conf_report *r)
{
    int line = conf_syntax_line(sec);
    bool touchable = connection->vpn_connection_id || (connection->ike && connection->ike->type != CONF_IKE_NONE);

    if (conf_syntax_count(sec, "tunnel") == 0)
        conf_report_error(r, line, "connection \"%s\" has no tunnel; add a tunnel section", connection->name);
    if (connection->vpn_connection_id && !c->aws)
        conf_report_warning(r, conf_syntax_value(sec, "vpn-connection-id", 0)->line,
                            "vpn-connection-id has no effect without an aws section");
    if (c->mode != CONF_MODE_OBSERVE && !touchable)
        conf_report_warning(r, line,
                            "connection \"%s\" can only be watched: it names neither an ike that can be touched "
                            "nor a vpn-connection-id",
                            connection->name);
    check_fallback(sec, r);
    for (size_t i = 0; i < connection->n_tunnels; i++)
        check_tunnel(connection, &connection->tunnels[i], conf_syntax_section(sec, CONF_SECTION_TUNNEL, i), r);
}

static void check_alert(const struct conf_alert *a, cfg_t *sec, struct conf_report *r)
{
    size_t n = conf_syntax_count(sec, "url") + conf_syntax_count(sec, "url-file");

    if (n == 0)
        conf_report_error(r, conf_syntax_line(sec), "alert \"%s\" goes nowhere; give url-file (or url)", a->name);
    if (n > 1)
        conf_report_error(r, conf_syntax_line(sec), "alert \"%s\" has both url and url-file; keep one", a->name);
}

static void check_timing(const struct conf_timing *t, cfg_t *root, struct conf_report *r)
{
    cfg_t *sec = conf_syntax_section(root, CONF_SECTION_TIMING, 0);

    if (sec && t->suspect_interval > t->probe_interval)
        conf_report_error(
            r, conf_syntax_line(sec),
            "suspect-interval is longer than probe-interval; a suspect tunnel is probed faster, not slower");
    if (sec && t->aws_down_interval > t->aws_poll_interval)
        conf_report_error(
            r, conf_syntax_line(sec),
            "aws-down-interval is longer than aws-poll-interval; AWS is asked more often while a tunnel is "
            "down, not less");
}

void conf_check(const struct conf *c, cfg_t *root, struct conf_report *r)
{
    check_timing(&c->timing, root, r);
    for (size_t i = 0; i < c->n_connections; i++)
        check_connection(c, &c->connections[i], conf_syntax_section(root, CONF_SECTION_CONNECTION, i), r);
    for (size_t i = 0; i < c->n_alerts; i++)
        check_alert(&c->alerts[i], conf_syntax_section(root, CONF_SECTION_ALERT, i), r);
    check_outside_addresses(c, root, r);
    check_vpn_ids(c, root, r);
    if (c->n_connections == 0)
        conf_report_warning(r, 0, "there is no connection: nothing is watched");
}
