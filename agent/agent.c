#include "agent/agent.h"

#include "agent/control.h"
#include "agent/fleet.h"
#include "agent/judge.h"
#include "agent/persist.h"
#include "agent/repair.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ERRORS_MAX (64 * 1024) /* bytes of sentences about one configuration */

static void on_uplink(void *data)
{
    struct agent *a = data;

    judge_all(a, loop_now(a->loop));
}

struct agent *agent_free(struct agent *a)
{
    if (!a)
        return NULL;
    a->api = api_free(a->api);
    a->fleet = fleet_free(a->fleet);
    a->alerter = alerter_free(a->alerter);
    a->store = store_close(a->store);
    a->icmp = icmp_free(a->icmp);
    a->uplink = uplink_free(a->uplink);
    a->http = http_free(a->http);
    free(a->past);
    free(a->config_path);
    free(a->state_dir);
    free(a->runtime_dir);
    free(a);
    return NULL;
}

static void log_lines(int level, struct strbuf *b)
{
    const char *line = strbuf_text(b);

    while (*line != '\0') {
        size_t len = strcspn(line, "\n");

        log_line(level, "%.*s", (int)len, line);
        line += len + (line[len] == '\n');
    }
}

/* Loads the configuration; the first sentence about it goes to ERROR, all of them to the log. */
static int load_conf(const char *path, struct conf **ret, char *error, size_t size)
{
    struct strbuf errors, warnings;
    int r;

    strbuf_init(&errors, ERRORS_MAX);
    strbuf_init(&warnings, ERRORS_MAX);
    r = conf_load(path, ret, &errors, &warnings);
    log_lines(LOG_WARNING, &warnings);
    log_lines(LOG_ERR, &errors);
    if (r < 0)
        (void)str_format(error, size, "%.*s", (int)strcspn(strbuf_text(&errors), "\n"), strbuf_text(&errors));
    strbuf_done(&errors);
    strbuf_done(&warnings);
    return r;
}

static int copy_paths(struct agent *a, const struct agent_args *args)
{
    a->config_path = strdup(args->config_path);
    a->state_dir = strdup(args->state_dir);
    a->runtime_dir = strdup(args->runtime_dir);
    a->past = calloc(AGENT_ACTIONS_REMEMBERED, sizeof(*a->past));
    return a->config_path && a->state_dir && a->runtime_dir && a->past ? 0 : -ENOMEM;
}

static int fail(int r, const char *what)
{
    log_error("%s: %s", what, strerror(-r));
    return r;
}

static int fail_store(const struct agent *a, int r)
{
    log_error("the state directory %s cannot be used: %s; --state-dir names another", a->state_dir,
              strerrordesc_np(-r));
    return r;
}

static int fail_api(const struct agent *a, int r)
{
    const char *listen = a->fleet->conf->listen;

    if (r == -EADDRINUSE)
        log_error("%s/rekindle.sock%s%s is in use: another rekindled runs", a->runtime_dir, listen ? " or " : "",
                  str_or(listen, ""));
    else
        log_error("cannot listen at %s/rekindle.sock%s%s: %s; --runtime-dir names another directory", a->runtime_dir,
                  listen ? " or " : "", str_or(listen, ""), strerrordesc_np(-r));
    return r;
}

/* What does not depend on the configuration's connections. */
static int open_parts(struct agent *a)
{
    int r = http_new(a->loop, &a->http);

    if (r < 0)
        return fail(r, "cannot start the HTTP client");
    r = icmp_new(a->loop, &a->icmp);
    if (r < 0)
        return fail(r, "cannot start the ICMP probe");
    r = uplink_new(a->loop, on_uplink, a, &a->uplink);
    if (r < 0)
        log_warning("the uplink cannot be watched: %s", strerror(-r));
    r = store_open(a->loop, a->state_dir, &a->store);
    if (r < 0)
        return fail_store(a, r);
    r = alerter_new(a->loop, a->http, a->store, a->fleet->conf, &a->alerter);
    if (r < 0)
        return fail(r, "cannot take up the alerts");
    r = api_new(a->loop, a->runtime_dir, a->fleet->conf->listen, control_routes(), a, &a->api);
    return r < 0 ? fail_api(a, r) : 0;
}

/* The fleet of the configuration file as it is now. */
static int load_fleet(struct agent *a, struct fleet **ret, char *error, size_t size)
{
    struct conf *conf = NULL;
    int r = load_conf(a->config_path, &conf, error, size);

    if (r < 0)
        return r;
    r = fleet_new(a, conf, ret);
    if (r < 0)
        (void)str_format(error, size, "The configuration cannot be used: %s.", strerror(-r));
    return r;
}

int agent_new(struct loop *l, const struct agent_args *args, struct agent **ret)
{
    cleanup(agent_freep) struct agent *a = calloc(1, sizeof(*a));
    char error[EVENT_TEXT_MAX];
    int r;

    if (!a)
        return -ENOMEM;
    a->loop = l;
    a->started_wall = loop_wall(l);
    r = copy_paths(a, args);
    if (r < 0)
        return r;
    r = load_fleet(a, &a->fleet, error, sizeof(error));
    if (r < 0)
        return r;
    r = open_parts(a);
    if (r < 0)
        return r;
    persist_load(a);
    r = fleet_start(a->fleet);
    if (r < 0)
        return fail(r, "cannot start to watch");
    repair_take_up(a);
    *ret = TAKE_PTR(a);
    return 0;
}

int agent_reload(struct agent *a, char *error, size_t size)
{
    cleanup(fleet_freep) struct fleet *old = NULL;
    struct fleet *f = NULL;
    int r = load_fleet(a, &f, error, size);

    if (r < 0)
        return r;
    old = a->fleet;
    a->fleet = f;
    r = fleet_start(f);
    if (r < 0) {
        a->fleet = TAKE_PTR(old);
        fleet_free(f);
        (void)str_format(error, size, "The new configuration cannot be used: %s.", strerror(-r));
        log_error("%s", error);
        return r;
    }
    fleet_inherit(f, old);
    alerter_reload(a->alerter, f->conf);
    repair_take_up(a);
    log_notice("the configuration was read again");
    return 0;
}

void agent_describe(struct agent *a, char *text, size_t size)
{
    size_t n[VERDICT_DOWN + 1] = {0}, all = 0;
    enum cause cause = CAUSE_NONE;

    for (struct tunnel *t = tunnel_first(a->fleet); t; t = tunnel_next(t)) {
        if (t->conf->expected_down)
            continue;
        all++;
        n[t->verdict.verdict]++;
        if (t->verdict.verdict == VERDICT_DOWN)
            cause = t->diagnosis.cause;
    }
    (void)str_format(text, size, "%zu tunnel%s: %zu UP, %zu DEGRADED, %zu DOWN, %zu UNKNOWN%s%s%s", all,
                     all == 1 ? "" : "s", n[VERDICT_UP], n[VERDICT_DEGRADED], n[VERDICT_DOWN], n[VERDICT_UNKNOWN],
                     cause != CAUSE_NONE ? " (" : "", cause != CAUSE_NONE ? cause_name(cause) : "",
                     cause != CAUSE_NONE ? ")" : "");
}
