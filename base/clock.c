#include "base/clock.h"

#include "base/array.h"
#include "base/str.h"

#include <inttypes.h>
#include <time.h>

static usec_t read_clock(clockid_t id)
{
    struct timespec ts = {0};

    (void)clock_gettime(id, &ts); /* cannot fail for the two ids below */
    return (usec_t)ts.tv_sec * USEC_PER_SEC + (usec_t)ts.tv_nsec / 1000;
}

static usec_t system_boottime(void *data)
{
    (void)data;
    return read_clock(CLOCK_BOOTTIME);
}

static usec_t system_realtime(void *data)
{
    (void)data;
    return read_clock(CLOCK_REALTIME);
}

const struct clock *clock_system(void)
{
    static const struct clock system = {system_boottime, system_realtime, NULL};

    return &system;
}

static usec_t manual_boottime(void *data)
{
    return ((struct clock_manual *)data)->boottime;
}

static usec_t manual_realtime(void *data)
{
    return ((struct clock_manual *)data)->realtime;
}

struct clock clock_manual(struct clock_manual *m)
{
    return (struct clock){manual_boottime, manual_realtime, m};
}

void clock_advance(struct clock_manual *m, usec_t step)
{
    m->boottime += step;
    m->realtime += step;
}

usec_t clock_now(const struct clock *c)
{
    return c->boottime(c->data);
}

usec_t clock_wall(const struct clock *c)
{
    return c->realtime(c->data);
}

const char *clock_rfc3339(usec_t wall, char buf[static CLOCK_TEXT_MAX])
{
    time_t seconds = (time_t)(wall / USEC_PER_SEC);
    unsigned ms = (unsigned)(wall % USEC_PER_SEC / USEC_PER_MSEC);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm)) {
        (void)str_copy(buf, CLOCK_TEXT_MAX, "-");
        return buf;
    }
    (void)str_format(buf, CLOCK_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03uZ", (tm.tm_year + 1900) % 10000,
                     tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
    return buf;
}

const char *clock_duration(usec_t span, char buf[static CLOCK_TEXT_MAX])
{
    static const struct {
        usec_t unit, small;
        const char *name, *small_name;
    } units[] = {
        {24 * USEC_PER_HOUR, USEC_PER_HOUR, "d", "h"},
        {USEC_PER_HOUR, USEC_PER_MIN, "h", "min"},
        {USEC_PER_MIN, USEC_PER_SEC, "min", "s"},
    };

    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        uint64_t big = span / units[i].unit, rest = span % units[i].unit / units[i].small;

        if (big == 0)
            continue;
        if (rest > 0)
            (void)str_format(buf, CLOCK_TEXT_MAX, "%" PRIu64 " %s %" PRIu64 " %s", big, units[i].name, rest,
                             units[i].small_name);
        else
            (void)str_format(buf, CLOCK_TEXT_MAX, "%" PRIu64 " %s", big, units[i].name);
        return buf;
    }
    if (span >= 10 * USEC_PER_SEC)
        (void)str_format(buf, CLOCK_TEXT_MAX, "%" PRIu64 " s", span / USEC_PER_SEC);
    else if (span >= USEC_PER_SEC)
        (void)str_format(buf, CLOCK_TEXT_MAX, "%" PRIu64 ".%" PRIu64 " s", span / USEC_PER_SEC,
                         span % USEC_PER_SEC / (100 * USEC_PER_MSEC));
    else
        (void)str_format(buf, CLOCK_TEXT_MAX, "%" PRIu64 " ms", span / USEC_PER_MSEC);
    return buf;
}
