#include "tests/awssim/simctl.h"

#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "tests/awssim/calls.h"

#define SKEW_MAX_SECONDS (10 * 86400)
#define REPLACE_MAX      86400
#define TIMES_MAX        1000000

struct command {
    const char *name;
    bool (*run)(struct sim *s, const struct form *f, struct strbuf *out); /* false: a bad argument */
};

static bool ping(struct sim *s, const struct form *f, struct strbuf *out)
{
    (void)s;
    (void)f;
    strbuf_puts(out, "{}\n");
    return true;
}

static bool state(struct sim *s, const struct form *f, struct strbuf *out)
{
    (void)f;
    strbuf_printf(out, "{\"state\":\"%s\",\"fault\":\"%s\",\"tunnels\":[", s->vpn.modifying ? "modifying" : "available",
                  fault_name(s->fault.kind));
    for (size_t i = 0; i < s->vpn.n_tunnels; i++) {
        const struct vpn_tunnel *t = &s->vpn.tunnels[i];
        strbuf_puts(out, i > 0 ? ",{\"outside_address\":" : "{\"outside_address\":");
        calls_add_string(out, t->outside);
        strbuf_printf(out, ",\"dpd\":\"%s\",\"startup\":\"%s\",\"status\":\"%s\"}", t->options.dpd, t->options.startup,
                      t->up ? "UP" : "DOWN");
    }
    strbuf_puts(out, "]}\n");
    return true;
}

static bool inject(struct sim *s, const struct form *f, struct strbuf *out)
{
    enum fault_kind kind;
    uint32_t times = 0;

    (void)out;
    if (!fault_from_name(str_or(form_get(f, "kind"), ""), &kind) ||
        parse_u32(str_or(form_get(f, "times"), "0"), TIMES_MAX, &times) < 0)
        return false;
    fault_set(&s->fault, kind, str_or(form_get(f, "action"), ""), times);
    return true;
}

static bool set_clock(struct sim *s, const struct form *f, struct strbuf *out)
{
    const char *skew = str_or(form_get(f, "skew"), "");
    bool behind = skew[0] == '-';
    uint32_t seconds;

    (void)out;
    if (parse_u32(&skew[behind], SKEW_MAX_SECONDS, &seconds) < 0)
        return false;
    s->skew = (int64_t)(seconds * USEC_PER_SEC);
    if (behind)
        s->skew = -s->skew;
    return true;
}

static bool set_telemetry(struct sim *s, const struct form *f, struct strbuf *out)
{
    struct vpn_tunnel *t = vpn_tunnel(&s->vpn, form_get(f, "tunnel"));
    const char *status = form_get(f, "status");

    (void)out;
    if (!t || (!str_eq(status, "UP") && !str_eq(status, "DOWN") && !str_eq(status, "auto")))
        return false;
    t->fixed = !str_eq(status, "auto");
    if (t->fixed)
        vpn_set_status(t, str_eq(status, "UP"), sim_wall(s));
    return true;
}

static bool set_options(struct sim *s, const struct form *f, struct strbuf *out)
{
    struct vpn_tunnel *t = vpn_tunnel(&s->vpn, form_get(f, "tunnel"));
    const char *dpd = form_get(f, "dpd"), *startup = form_get(f, "startup");

    (void)out;
    if (!t || (dpd && !vpn_dpd_is_legal(dpd)) || (startup && !vpn_startup_is_legal(startup)))
        return false;
    (void)str_copy(t->options.dpd, sizeof t->options.dpd, str_or(dpd, t->options.dpd));
    (void)str_copy(t->options.startup, sizeof t->options.startup, str_or(startup, t->options.startup));
    return true;
}

static bool replace(struct sim *s, const struct form *f, struct strbuf *out)
{
    struct vpn_tunnel *t = vpn_tunnel(&s->vpn, form_get(f, "tunnel"));
    const char *how = form_get(f, "how"), *seconds = str_or(form_get(f, "seconds"), "");
    uint32_t n;

    (void)out;
    if (!t || (!str_eq(how, "delete") && !str_eq(how, "silent")) || parse_u32(seconds, REPLACE_MAX, &n) < 0)
        return false;
    return vpn_replace(&s->vpn, t, how, seconds) == 0;
}

static const struct command commands[] = {
    {"ping", ping},
    {"state", state},
    {"inject", inject},
    {"clock", set_clock},
    {"telemetry", set_telemetry},
    {"options", set_options},
    {"replace", replace},
};

unsigned simctl_run(struct sim *s, const char *path, const struct form *f, struct strbuf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (str_eq(commands[i].name, path))
            return commands[i].run(s, f, out) ? 200 : 400;
    return 404;
}
