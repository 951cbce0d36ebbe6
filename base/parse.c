#include "base/parse.h"

#include "base/array.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Digits only, at most LEN of them; *REST points behind them. -EINVAL where there is none, -ERANGE over MAX. */
static int take_number(const char *text, size_t len, uint64_t max, uint64_t *ret, const char **rest)
{
    uint64_t v = 0;
    size_t i;

    for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');

        if (v > (max - digit) / 10 || digit > max)
            return -ERANGE;
        v = v * 10 + digit;
    }
    if (i == 0)
        return -EINVAL;
    *rest = text + i;
    *ret = v;
    return 0;
}

int parse_u64(const char *text, uint64_t max, uint64_t *ret)
{
    const char *rest;
    uint64_t v;
    int r = take_number(text, strlen(text), max, &v, &rest);

    if (r < 0)
        return r;
    if (*rest != '\0')
        return -EINVAL;
    *ret = v;
    return 0;
}

int parse_u32(const char *text, uint32_t max, uint32_t *ret)
{
    uint64_t v;
    int r = parse_u64(text, max, &v);

    if (r < 0)
        return r;
    *ret = (uint32_t)v;
    return 0;
}

int parse_port(const char *text, uint16_t *ret)
{
    uint64_t v;
    int r = parse_u64(text, UINT16_MAX, &v);

    if (r < 0)
        return r;
    if (v == 0)
        return -ERANGE;
    *ret = (uint16_t)v;
    return 0;
}

int parse_bool(const char *text, bool *ret)
{
    static const char *const yes[] = {"yes", "true", "on", "1"};
    static const char *const no[] = {"no", "false", "off", "0"};

    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (str_eq(text, yes[i]) || str_eq(text, no[i])) {
            *ret = str_eq(text, yes[i]);
            return 0;
        }
    }
    return -EINVAL;
}

int parse_duration(const char *text, usec_t *ret)
{
    static const struct {
        const char *unit;
        usec_t usec;
    } units[] = {
        {"", USEC_PER_SEC},    {"ms", USEC_PER_MSEC}, {"s", USEC_PER_SEC},       {"m", USEC_PER_MIN},
        {"min", USEC_PER_MIN}, {"h", USEC_PER_HOUR},  {"d", 24 * USEC_PER_HOUR},
    };
    const char *rest;
    uint64_t v;
    int r = take_number(text, strlen(text), UINT64_MAX, &v, &rest);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (!str_eq(rest, units[i].unit))
            continue;
        if (v > (USEC_NEVER - 1) / units[i].usec)
            return -ERANGE;
        *ret = v * units[i].usec;
        return 0;
    }
    return -EINVAL;
}

/* Exactly LEN digits. */
static int take_digits(const char **text, size_t len, int *ret)
{
    const char *rest;
    uint64_t v;

    if (take_number(*text, len, 9999, &v, &rest) < 0 || rest != *text + len)
        return -EINVAL;
    *text = rest;
    *ret = (int)v;
    return 0;
}

static bool take_char(const char **text, char c)
{
    if (**text != c)
        return false;
    (*text)++;
    return true;
}

static int wall_of(struct tm *tm, usec_t *ret)
{
    struct tm checked = *tm;
    time_t t = timegm(&checked);

    /* timegm() moves the 31st of June to July: a date that does not come back is none. */
    if (t < 0 || checked.tm_mday != tm->tm_mday || checked.tm_mon != tm->tm_mon || checked.tm_hour != tm->tm_hour)
        return -EINVAL;
    *ret = (usec_t)t * USEC_PER_SEC;
    return 0;
}

static int take_time(const char **text, struct tm *tm)
{
    if (take_digits(text, 2, &tm->tm_hour) < 0 || !take_char(text, ':') || take_digits(text, 2, &tm->tm_min) < 0 ||
        !take_char(text, ':') || take_digits(text, 2, &tm->tm_sec) < 0)
        return -EINVAL;
    if (tm->tm_hour > 23 || tm->tm_min > 59 || tm->tm_sec > 60)
        return -EINVAL;
    if (tm->tm_sec == 60) /* a leap second, which POSIX time does not have */
        tm->tm_sec = 59;
    return 0;
}

/* ".123": a fraction of a second of any length; what is below a microsecond is dropped. */
static int take_fraction(const char **text, usec_t *ret)
{
    usec_t unit = USEC_PER_SEC / 10, v = 0;
    const char *p = *text;

    if (!take_char(&p, '.'))
        return 0;
    if (*p < '0' || *p > '9')
        return -EINVAL;
    for (; *p >= '0' && *p <= '9'; p++) {
        v += (usec_t)(*p - '0') * unit;
        unit /= 10;
    }
    *text = p;
    *ret = v;
    return 0;
}

int parse_rfc3339(const char *text, usec_t *ret_wall)
{
    struct tm tm = {0};
    usec_t wall, fraction = 0;

    if (take_digits(&text, 4, &tm.tm_year) < 0 || !take_char(&text, '-') || take_digits(&text, 2, &tm.tm_mon) < 0 ||
        !take_char(&text, '-') || take_digits(&text, 2, &tm.tm_mday) < 0 || !take_char(&text, 'T') ||
        take_time(&text, &tm) < 0 || take_fraction(&text, &fraction) < 0 || !take_char(&text, 'Z') || *text != '\0')
        return -EINVAL;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    if (wall_of(&tm, &wall) < 0)
        return -EINVAL;
    *ret_wall = wall + fraction;
    return 0;
}

static int take_month(const char **text, int *ret)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++) {
        if (strncmp(*text, &names[3 * i], 3) == 0) {
            *text += 3;
            *ret = i;
            return 0;
        }
    }
    return -EINVAL;
}

/* "Tue, 24 Nov 2026 08:25:00 GMT" */
int parse_http_date(const char *text, usec_t *ret_wall)
{
    struct tm tm = {0};

    if (strlen(text) != 29 || text[3] != ',' || text[4] != ' ')
        return -EINVAL;
    text += 5;
    if (take_digits(&text, 2, &tm.tm_mday) < 0 || !take_char(&text, ' ') || take_month(&text, &tm.tm_mon) < 0 ||
        !take_char(&text, ' ') || take_digits(&text, 4, &tm.tm_year) < 0 || !take_char(&text, ' ') ||
        take_time(&text, &tm) < 0 || !str_eq(text, " GMT"))
        return -EINVAL;
    tm.tm_year -= 1900;
    return wall_of(&tm, ret_wall);
}
