/*
 * An agent that is put together by hand: a configuration with two connections, its fleet and a store, and nothing that
 * probes. For tests of what the agent remembers.
 */
#pragma once

#include "agent/agent.h"
#include "agent/fleet.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/str.h"
#include "base/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SMALL_TUNNEL "tunnel \"1\" { outside-address = \"203.0.113.10\"  probe = {\"127.0.0.1\"} }\n"
#define SMALL_OTHER  "tunnel \"2\" { outside-address = \"203.0.113.20\"  probe = {\"127.0.0.1\"} }\n"
#define SMALL_CONFIG "connection \"a\" {\n" SMALL_TUNNEL SMALL_OTHER "}\n"

struct small_agent {
    char dir[64], state_dir[128], config[128];
    struct agent agent;
};

/* The fleet of CONFIG, which is not the agent's yet. */
static inline struct fleet *small_fleet(struct small_agent *s, const char *config)
{
    cleanup(strbuf_done) struct strbuf errors, warnings;
    struct conf *conf = NULL;
    struct fleet *f = NULL;
    FILE *file = fopen(s->config, "we");

    assert_non_null(file);
    assert_true(fputs(config, file) >= 0);
    assert_int_equal(fclose(file), 0);
    strbuf_init(&errors, 4096);
    strbuf_init(&warnings, 4096);
    if (conf_load(s->config, &conf, &errors, &warnings) < 0)
        fail_msg("%s", strbuf_text(&errors));
    assert_int_equal(fleet_new(&s->agent, conf, &f), 0);
    return f;
}

static inline void small_open(struct small_agent *s)
{
    struct agent *a = &s->agent;

    memset(a, 0, sizeof(*a));
    assert_int_equal(loop_new(&a->loop), 0);
    assert_int_equal(store_open(a->loop, s->state_dir, &a->store), 0);
    a->past = calloc(AGENT_ACTIONS_REMEMBERED, sizeof(*a->past));
    assert_non_null(a->past);
    a->fleet = small_fleet(s, SMALL_CONFIG);
}

static inline void small_close(struct small_agent *s)
{
    struct agent *a = &s->agent;

    a->fleet = fleet_free(a->fleet);
    a->store = store_close(a->store);
    a->icmp = icmp_free(a->icmp);
    a->loop = loop_free(a->loop);
    free(a->past);
}

/* As a new process finds it. */
static inline void small_restart(struct small_agent *s)
{
    small_close(s);
    small_open(s);
}

static inline void small_set_up(struct small_agent *s)
{
    log_set_level(LOG_CRIT);
    (void)str_copy(s->dir, sizeof(s->dir), "/tmp/rekindle-small-XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    (void)str_format(s->state_dir, sizeof(s->state_dir), "%s/state", s->dir);
    (void)str_format(s->config, sizeof(s->config), "%s/rekindle.conf", s->dir);
    small_open(s);
}

static inline int small_remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline void small_tear_down(struct small_agent *s)
{
    small_close(s);
    assert_int_equal(nftw(s->dir, small_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}
