#include "base/str.h"
#include "engine/control/commands.h"
#include "engine/control/control_private.h"

#include <inttypes.h>
#include <malloc.h>
#include <string.h>
#include <sys/utsname.h>

#define SINCE_MAX 64

void version_run(struct call *c)
{
    struct utsname u;

    vici_put_value(c->reply, "daemon", "rekindle-engine");
    vici_put_value(c->reply, "version", ENGINE_VERSION);
    if (uname(&u) < 0)
        return;
    vici_put_value(c->reply, "sysname", u.sysname);
    vici_put_value(c->reply, "release", u.release);
    vici_put_value(c->reply, "machine", u.machine);
}

/* "5 minutes", as charon: the largest unit of which there are two. */
static void put_span(struct strbuf *b, const char *key, usec_t span)
{
    uint64_t s = span / USEC_PER_SEC;

    if (s > 2 * 24 * 3600)
        vici_put_valuef(b, key, "%" PRIu64 " days", s / (24 * 3600));
    else if (s > 2 * 3600)
        vici_put_valuef(b, key, "%" PRIu64 " hours", s / 3600);
    else if (s > 120)
        vici_put_valuef(b, key, "%" PRIu64 " minutes", s / 60);
    else
        vici_put_valuef(b, key, "%" PRIu64 " second%s", s, s == 1 ? "" : "s");
}

/* "Nov 26 02:41:00 2026", in UTC. */
static void put_time(struct strbuf *b, const char *key, usec_t wall)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char at[CLOCK_TEXT_MAX];
    size_t month;

    clock_rfc3339(wall, at);
    month = (size_t)(at[5] - '0') * 10 + (size_t)(at[6] - '0') - 1;
    vici_put_valuef(b, key, "%.3s %.2s %.8s %.4s", &months[3 * (month % 12)], &at[8], &at[11], at);
}

static unsigned n_sas(const struct control *c)
{
    unsigned n = 0;

    for (const struct ike_sa *sa = NULL; (sa = engine_next_sa(c->config.engine, sa));)
        n++;
    return n;
}

/* One thread, which carries this out: there is nothing in charon's queues. */
static void put_workers(struct strbuf *b)
{
    static const char *const priorities[] = {"critical", "high", "medium", "low"};

    vici_put_section(b, "workers");
    vici_put_value(b, "total", "1");
    vici_put_value(b, "idle", "0");
    vici_put_section(b, "active");
    for (size_t i = 0; i < 4; i++)
        vici_put_value(b, priorities[i], i == 0 ? "1" : "0");
    vici_put_section_end(b);
    vici_put_section_end(b);
    vici_put_section(b, "queues");
    for (size_t i = 0; i < 4; i++)
        vici_put_value(b, priorities[i], "0");
    vici_put_section_end(b);
    vici_put_value(b, "scheduled", "0");
}

static void put_memory(struct strbuf *b)
{
    struct mallinfo2 m = mallinfo2();

    vici_put_section(b, "mallinfo");
    vici_put_valuef(b, "sbrk", "%zu", m.arena);
    vici_put_valuef(b, "mmap", "%zu", m.hblkhd);
    vici_put_valuef(b, "used", "%zu", m.uordblks);
    vici_put_valuef(b, "free", "%zu", m.fordblks);
    vici_put_section_end(b);
}

void stats_run(struct call *c)
{
    struct strbuf *b = c->reply;
    usec_t up = clock_since(c->control->started_at, c->now);

    vici_put_section(b, "uptime");
    put_span(b, "running", up);
    put_time(b, "since", clock_since(up, loop_wall(c->control->loop)));
    vici_put_section_end(b);
    put_workers(b);
    vici_put_section(b, "ikesas");
    vici_put_valuef(b, "total", "%u", n_sas(c->control));
    vici_put_valuef(b, "half-open", "%u", engine_half_open(c->control->config.engine));
    vici_put_section_end(b);
    vici_put_list(b, "plugins");
    vici_put_list_item(b, "rekindle-engine");
    vici_put_list_end(b);
    put_memory(b);
}
