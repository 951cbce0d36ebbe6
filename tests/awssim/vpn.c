#include "tests/awssim/vpn.h"

#include "base/array.h"
#include "base/str.h"

#include <stdio.h>

void vpn_done(struct vpn *v)
{
    for (size_t i = 0; i < v->n_tunnels; i++)
        v->tunnels[i].psk = secret_free(v->tunnels[i].psk);
}

struct vpn_tunnel *vpn_tunnel(struct vpn *v, const char *outside)
{
    for (size_t i = 0; i < v->n_tunnels; i++)
        if (str_eq(v->tunnels[i].outside, outside))
            return &v->tunnels[i];
    return NULL;
}

static bool is_one_of(const char *text, const char *const *legal, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(text, legal[i]))
            return true;
    return false;
}

bool vpn_dpd_is_legal(const char *text)
{
    static const char *const legal[] = {"clear", "none", "restart"};

    return is_one_of(text, legal, ARRAY_LEN(legal));
}

bool vpn_startup_is_legal(const char *text)
{
    static const char *const legal[] = {"add", "start"};

    return is_one_of(text, legal, ARRAY_LEN(legal));
}

int vpn_modify(struct vpn *v, struct vpn_tunnel *t, const struct vpn_options *options, usec_t now)
{
    const char *const args[] = {"apply", t->outside, options->dpd, options->startup, NULL};

    if (v->hook) {
        int r = hook_start(&t->act, v->hook, args, false);
        if (r < 0)
            return r;
    }
    t->before = t->options;
    t->options = *options;
    v->tell_from = clock_add(now, v->tell_lag);
    v->modifying = true;
    v->modify_until = clock_add(now, v->modify_time);
    return 0;
}

struct vpn vpn_told(const struct vpn *v, usec_t now)
{
    struct vpn told = *v;

    if (!v->modifying || now >= v->tell_from)
        return told;
    told.modifying = false;
    for (size_t i = 0; i < told.n_tunnels; i++)
        if (told.tunnels[i].before.dpd[0] != '\0')
            told.tunnels[i].options = told.tunnels[i].before;
    return told;
}

int vpn_replace(struct vpn *v, struct vpn_tunnel *t, const char *how, const char *seconds)
{
    const char *const args[] = {"replace", t->outside, how, seconds, NULL};

    return v->hook ? hook_start(&t->act, v->hook, args, false) : 0;
}

void vpn_set_status(struct vpn_tunnel *t, bool up, usec_t wall)
{
    if (t->up == up && t->changed != 0)
        return;
    t->up = up;
    t->changed = wall;
}

static void watch_endpoint(struct vpn *v, struct vpn_tunnel *t)
{
    const char *const args[] = {"telemetry", t->outside, NULL};
    int r;

    if (!v->hook || t->fixed || hook_is_running(&t->watch))
        return;
    r = hook_start(&t->watch, v->hook, args, true);
    if (r < 0)
        fprintf(stderr, "awssim: %s: cannot ask the endpoint: error %d\n", t->outside, -r);
}

void vpn_tick(struct vpn *v, usec_t now, usec_t wall)
{
    char output[HOOK_OUTPUT_MAX];
    bool acting = false, ok;

    for (size_t i = 0; i < v->n_tunnels; i++) {
        struct vpn_tunnel *t = &v->tunnels[i];
        if (hook_poll(&t->act, &ok, output) && !ok)
            fprintf(stderr, "awssim: %s: the endpoint did not come back\n", t->outside);
        if (hook_poll(&t->watch, &ok, output) && ok && !t->fixed)
            vpn_set_status(t, str_eq(output, "UP"), wall);
        acting |= hook_is_running(&t->act);
    }
    if (v->modifying && now >= v->modify_until && !acting)
        v->modifying = false;
    if (v->watch_period > 0 && now >= v->next_watch) {
        v->next_watch = clock_add(now, v->watch_period);
        for (size_t i = 0; i < v->n_tunnels; i++)
            watch_endpoint(v, &v->tunnels[i]);
    }
}
