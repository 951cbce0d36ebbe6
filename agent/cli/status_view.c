#include "agent/cli/status_view.h"

#include "agent/cli/detail.h"
#include "agent/cli/field.h"
#include "agent/cli/look.h"
#include "agent/cli/table.h"
#include "agent/cli/wrap.h"
#include "base/array.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>

#define LINE_MAX 4096

/* What all tunnels that end the command so have in common as their cause; "" where they differ. */
static const char *shared_cause(struct json_object *tunnels, enum cli_exit exit, char buf[static FIELD_MAX])
{
    char cause[FIELD_MAX];

    buf[0] = '\0';
    for (size_t i = 0; i < field_count(tunnels); i++) {
        struct json_object *tunnel = json_object_array_get_idx(tunnels, i);
        const struct look *look = look_of(tunnel);

        if (!look->counted || look->exit != exit)
            continue;
        field_text(tunnel, "cause", "none", cause);
        if (str_eq(cause, "none") || (buf[0] != '\0' && !str_eq(buf, cause))) {
            buf[0] = '\0';
            break;
        }
        (void)str_copy(buf, FIELD_MAX, cause);
    }
    return buf;
}

static void put_summary(struct strbuf *out, struct json_object *tunnels, const struct style *s)
{
    static const char *const endings[] = {[CLI_FINE] = "up", [CLI_WARNING] = "not well", [CLI_FAILED] = "DOWN"};
    static const enum tone tones[] = {[CLI_FINE] = TONE_GOOD, [CLI_WARNING] = TONE_WARN, [CLI_FAILED] = TONE_BAD};
    size_t counts[] = {[CLI_FINE] = 0, [CLI_WARNING] = 0, [CLI_FAILED] = 0};
    size_t n = 0;

    for (size_t i = 0; i < field_count(tunnels); i++) {
        const struct look *look = look_of(json_object_array_get_idx(tunnels, i));

        if (!look->counted)
            continue;
        counts[look->exit]++;
        n++;
    }

    enum cli_exit worst = counts[CLI_FAILED] > 0              ? CLI_FAILED
                          : counts[CLI_WARNING] > 0 || n == 0 ? CLI_WARNING
                                                              : CLI_FINE;
    char text[FIELD_MAX];
    const char *cause = worst == CLI_FINE ? "" : shared_cause(tunnels, worst, text), *colon = cause[0] ? ": " : "";
    const char *begin = style_begin(s, tones[worst]), *end = style_end(s, tones[worst]);

    if (n == 0)
        strbuf_printf(out, "%sNo tunnel is watched.%s", begin, end);
    else if (counts[worst] == n)
        strbuf_printf(out, "%s%s %s %s%s%s.%s", begin, n == 1 ? "The tunnel" : "All tunnels", n == 1 ? "is" : "are",
                      endings[worst], colon, cause, end);
    else
        strbuf_printf(out, "%s%zu of %zu tunnels %s %s%s%s.%s", begin, counts[worst], n,
                      counts[worst] == 1 ? "is" : "are", endings[worst], colon, cause, end);
    strbuf_putc(out, '\n');
}

/* A sentence at the left margin. */
static void put_sentence(struct strbuf *out, const struct style *s, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void put_sentence(struct strbuf *out, const struct style *s, const char *fmt, ...)
{
    const struct wrap w = {"", 0, s->width};
    char text[LINE_MAX];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    wrap_put(out, &w, text);
    strbuf_putc(out, '\n');
}

static void put_daemons(struct strbuf *out, struct json_object *daemons, const struct style *s)
{
    char name[FIELD_MAX], state[FIELD_MAX], version[FIELD_MAX];

    for (size_t i = 0; i < field_count(daemons); i++) {
        struct json_object *d = json_object_array_get_idx(daemons, i);
        enum tone t = str_eq(field_text(d, "state", "unknown", state), "ok") ? TONE_PLAIN : TONE_BAD;

        field_text(d, "version", "", version);
        put_sentence(out, s, "IKE daemon %s%s%s%s: %s%s%s", field_text(d, "name", "?", name), version[0] ? " (" : "",
                     version, version[0] ? ")" : "", style_begin(s, t), state, style_end(s, t));
    }
}

static void put_host(struct strbuf *out, struct json_object *document, const struct style *s)
{
    char now[FIELD_MAX], version[FIELD_MAX], mode[FIELD_MAX], uplink[FIELD_MAX];
    enum tone t = TONE_PLAIN;

    if (!str_eq(field_text(field_object(document, "uplink"), "state", "unknown", uplink), "ok"))
        t = TONE_BAD;
    put_sentence(out, s, "%s, rekindled %s in mode %s, uplink %s%s%s", field_time(document, "now", now),
                 field_text(document, "version", "?", version), field_text(document, "mode", "?", mode),
                 style_begin(s, t), uplink, style_end(s, t));
    put_daemons(out, field_array(document, "daemons"), s);
}

static void put_pause(struct strbuf *out, struct json_object *tunnel, const struct style *s)
{
    char until[FIELD_MAX], connection[FIELD_MAX], name[FIELD_MAX];

    if (!*field_time(tunnel, "paused_until", until))
        return;
    field_text(tunnel, "connection", "?", connection);
    field_text(tunnel, "tunnel", "?", name);
    put_sentence(out, s, "%sRepairs of %s/%s are paused until %s.%s To end that: `rekindle resume %s/%s`",
                 style_begin(s, TONE_WARN), connection, name, until, style_end(s, TONE_WARN), connection, name);
}

/* A line of its own for what keeps Rekindle from doing all that it could. */
static void put_hindrances(struct strbuf *out, struct json_object *document, const struct style *s)
{
    const char *begin = style_begin(s, TONE_WARN), *end = style_end(s, TONE_WARN);
    struct json_object *alerts = field_object(document, "alerts"), *tunnels = field_array(document, "tunnels");
    double waiting = field_number(alerts, "waiting", 0), dropped = field_number(alerts, "dropped", 0);
    char text[FIELD_MAX];

    if (*field_time(document, "paused_until", text))
        put_sentence(out, s, "%sRepairs are paused until %s.%s To end that: `rekindle resume`", begin, text, end);
    for (size_t i = 0; i < field_count(tunnels); i++)
        put_pause(out, json_object_array_get_idx(tunnels, i), s);
    if (!field_flag(document, "store_works", true))
        put_sentence(out, s, "%sThe history cannot be written: what must be remembered before it is done is held.%s",
                     begin, end);
    if (waiting > 0)
        put_sentence(out, s, "%s%.0f alert%s not delivered yet.%s", begin, waiting, waiting > 1 ? "s are" : " is", end);
    if (dropped > 0)
        put_sentence(out, s, "%s%.0f alert%s given up.%s", begin, dropped, dropped > 1 ? "s were" : " was", end);
}

void status_view_render(struct json_object *document, const struct style *s, struct strbuf *out)
{
    struct json_object *tunnels = field_array(document, "tunnels");
    struct table table = table_for(tunnels, s);

    put_summary(out, tunnels, s);
    put_host(out, document, s);
    put_hindrances(out, document, s);
    if (field_count(tunnels) == 0)
        return;
    strbuf_putc(out, '\n');
    table_put_titles(&table, out);
    for (size_t i = 0; i < field_count(tunnels); i++) {
        struct json_object *tunnel = json_object_array_get_idx(tunnels, i);

        table_put_row(&table, tunnel, out);
        if (!look_of(tunnel)->fine)
            detail_put(tunnel, field_wall(document, "now"), s, out);
    }
}

static void digest_tunnel(struct json_object *tunnel, struct strbuf *out)
{
    static const char *const keys[] = {"connection", "tunnel", "verdict", "cause", "under_way", "incident"};
    struct json_object *decision = field_object(tunnel, "decision");
    char text[FIELD_MAX];

    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        strbuf_printf(out, "%s\n", field_text(tunnel, keys[i], "", text));
    strbuf_printf(out, "%s\n", field_text(decision, "action", "", text));
}

void status_view_digest(struct json_object *document, struct strbuf *out)
{
    struct json_object *tunnels = field_array(document, "tunnels");
    struct json_object *daemons = field_array(document, "daemons");
    char text[FIELD_MAX];

    strbuf_printf(out, "%s\n", field_text(document, "mode", "", text));
    strbuf_printf(out, "%s\n", *field_text(document, "paused_until", "", text) ? "paused" : "");
    strbuf_printf(out, "%s\n", field_text(field_object(document, "uplink"), "state", "", text));
    for (size_t i = 0; i < field_count(daemons); i++)
        strbuf_printf(out, "%s\n", field_text(json_object_array_get_idx(daemons, i), "state", "", text));
    for (size_t i = 0; i < field_count(tunnels); i++)
        digest_tunnel(json_object_array_get_idx(tunnels, i), out);
}

enum cli_exit status_view_exit(struct json_object *document)
{
    struct json_object *tunnels = field_array(document, "tunnels");
    enum cli_exit worst = field_count(tunnels) > 0 ? CLI_FINE : CLI_WARNING;

    for (size_t i = 0; i < field_count(tunnels); i++) {
        enum cli_exit e = look_of(json_object_array_get_idx(tunnels, i))->exit;

        worst = e > worst ? e : worst;
    }
    return worst;
}
