/*
 * awssim: a simulator of the part of the EC2 Query API that Site-to-Site VPN needs, over one connection whose endpoints
 * may be real IKE daemons. For tests only.
 */
#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "tests/awssim/calls.h"
#include "tests/awssim/server.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURN (50 * USEC_PER_MSEC)

static const char usage[] =
    "Usage: awssim --listen ADDR:PORT --key-id ID --secret-file F --tunnel OUTSIDE,AWS-INSIDE,OUR-INSIDE,PSK-FILE ...\n"
    "  --region R               region of the signatures (eu-west-1)\n"
    "  --vpn ID                 id of the connection (vpn-0123456789abcdef0)\n"
    "  --gateway ADDR           outside address of the customer gateway (198.51.100.2)\n"
    "  --options DPD,STARTUP    options of the first, then of the second tunnel (clear,add)\n"
    "  --hook F                 executable that acts on the endpoints: apply, replace, telemetry\n"
    "  --modify-time T          a modification takes at least that long (5s)\n"
    "  --describe-lag T         DescribeVpnConnections shows it so much later (0s)\n"
    "  --telemetry-interval T   between two looks at the endpoints (2s)\n"
    "  --log F                  one line of JSON for each call\n";

static volatile sig_atomic_t stopping;

static void stop(int number)
{
    (void)number;
    stopping = 1;
}

struct setup {
    struct addr listen;
    size_t n_options; /* tunnels whose options were given */
};

static int set_listen(struct sim *s, struct setup *setup, const char *value)
{
    char text[VPN_TEXT_MAX];
    uint16_t port;
    char *colon;

    (void)s;
    if (!str_copy(text, sizeof text, value) || !(colon = strrchr(text, ':')))
        return -1;
    *colon = '\0';
    if (addr_parse(text, &setup->listen) < 0 || parse_port(colon + 1, &port) < 0)
        return -1;
    addr_set_port(&setup->listen, port);
    return 0;
}

static int set_key_id(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    s->account.key_id = value;
    return 0;
}

static int set_secret_file(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    return s->account.secret ? -1 : secret_from_file(value, &s->account.secret);
}

static int set_region(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    s->account.region = value;
    return 0;
}

static int set_vpn(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    return str_copy(s->vpn.id, sizeof s->vpn.id, value) ? 0 : -1;
}

static int set_gateway(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    return str_copy(s->vpn.gateway, sizeof s->vpn.gateway, value) ? 0 : -1;
}

static int add_tunnel(struct sim *s, struct setup *setup, const char *value)
{
    cleanup(freep) char *text = strdup(value);
    char *rest = text, *field[3];
    struct vpn_tunnel *t = &s->vpn.tunnels[s->vpn.n_tunnels];

    (void)setup;
    if (!text || s->vpn.n_tunnels == VPN_TUNNELS_MAX)
        return -1;
    for (size_t i = 0; i < ARRAY_LEN(field); i++)
        field[i] = strsep(&rest, ",");
    if (!rest || !str_copy(t->outside, sizeof t->outside, field[0]) ||
        !str_copy(t->inside_aws, sizeof t->inside_aws, field[1]) ||
        !str_copy(t->inside_gateway, sizeof t->inside_gateway, field[2]) || secret_from_file(rest, &t->psk) < 0)
        return -1;
    s->vpn.n_tunnels++;
    return 0;
}

static int set_options(struct sim *s, struct setup *setup, const char *value)
{
    char text[VPN_TEXT_MAX];
    char *startup = text, *dpd;
    struct vpn_options *o;

    if (setup->n_options == VPN_TUNNELS_MAX || !str_copy(text, sizeof text, value))
        return -1;
    dpd = strsep(&startup, ",");
    if (!startup || !vpn_dpd_is_legal(dpd) || !vpn_startup_is_legal(startup))
        return -1;
    o = &s->vpn.tunnels[setup->n_options++].options;
    return str_copy(o->dpd, sizeof o->dpd, dpd) && str_copy(o->startup, sizeof o->startup, startup) ? 0 : -1;
}

static int set_hook(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    s->vpn.hook = value;
    return 0;
}

static int set_modify_time(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    return parse_duration(value, &s->vpn.modify_time);
}

static int set_describe_lag(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    return parse_duration(value, &s->vpn.tell_lag);
}

static int set_interval(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    return parse_duration(value, &s->vpn.watch_period);
}

static int set_log(struct sim *s, struct setup *setup, const char *value)
{
    (void)setup;
    return s->calls >= 0 ? -1 : calls_open(value, &s->calls);
}

static const struct {
    const char *name;
    int (*set)(struct sim *s, struct setup *setup, const char *value);
} table[] = {
    {"listen", set_listen},
    {"key-id", set_key_id},
    {"secret-file", set_secret_file},
    {"region", set_region},
    {"vpn", set_vpn},
    {"gateway", set_gateway},
    {"tunnel", add_tunnel},
    {"options", set_options},
    {"hook", set_hook},
    {"modify-time", set_modify_time},
    {"describe-lag", set_describe_lag},
    {"telemetry-interval", set_interval},
    {"log", set_log},
};

static bool read_options(int argc, char **argv, struct sim *s, struct setup *setup)
{
    struct option options[ARRAY_LEN(table) + 1] = {{0}};
    int index;

    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        options[i] = (struct option){.name = table[i].name, .has_arg = required_argument};
    for (int c; (c = getopt_long(argc, argv, "", options, &index)) != -1;) {
        if (c != 0)
            return false;
        if (table[index].set(s, setup, optarg) < 0) {
            fprintf(stderr, "awssim: --%s cannot be used as given\n", table[index].name);
            return false;
        }
    }
    return optind == argc && addr_is_set(&setup->listen) && s->account.key_id && s->account.secret &&
           s->vpn.n_tunnels > 0;
}

static void set_defaults(struct sim *s)
{
    *s = (struct sim){.account.region = "eu-west-1", .calls = -1};
    (void)str_copy(s->vpn.id, sizeof s->vpn.id, "vpn-0123456789abcdef0");
    (void)str_copy(s->vpn.gateway, sizeof s->vpn.gateway, "198.51.100.2");
    s->vpn.modify_time = 5 * USEC_PER_SEC;
    s->vpn.watch_period = 2 * USEC_PER_SEC;
    for (size_t i = 0; i < VPN_TUNNELS_MAX; i++) {
        struct vpn_options *o = &s->vpn.tunnels[i].options;
        (void)str_copy(o->dpd, sizeof o->dpd, VPN_DPD_DEFAULT);
        (void)str_copy(o->startup, sizeof o->startup, VPN_STARTUP_DEFAULT);
        s->vpn.tunnels[i].changed = clock_wall(clock_system());
        s->vpn.tunnels[i].act.fd = s->vpn.tunnels[i].watch.fd = -1;
    }
}

static int serve(struct sim *s, const struct addr *listen)
{
    cleanup(server_freep) struct server *server = NULL;
    char text[ADDR_TEXT_MAX];

    if (server_new(s, listen, &server) < 0) {
        fprintf(stderr, "awssim: cannot listen on %s\n", addr_port_text(listen, text));
        return EXIT_FAILURE;
    }
    while (!stopping) {
        if (server_turn(server, TURN) < 0)
            return EXIT_FAILURE;
        vpn_tick(&s->vpn, clock_now(clock_system()), sim_wall(s));
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    const struct sigaction on_stop = {.sa_handler = stop};
    cleanup(sim_done) struct sim s;
    struct setup setup = {.n_options = 0};

    set_defaults(&s);
    secret_no_dumps();
    if (!read_options(argc, argv, &s, &setup)) {
        fputs(usage, stderr);
        return 64;
    }
    (void)sigaction(SIGTERM, &on_stop, NULL);
    (void)sigaction(SIGINT, &on_stop, NULL);
    return serve(&s, &setup.listen);
}
