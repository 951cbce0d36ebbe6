#include "agent/cli/field.h"
#include "agent/cli/request.h"
#include "agent/cli/style.h"
#include "agent/cli/wrap.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE      64
#define LIMIT_DEFAULT  40
#define LIMIT_MAX      10000
#define ENTRY_MAX      (8 * FIELD_MAX)
#define MARGIN         "                         " /* as wide as a time and two blanks */

#define INCIDENT_SHOWN 8 /* characters on a terminal */

/* On a terminal the beginning of an incident's id tells it from others; elsewhere all of it can be searched for. */
static void put_incident(struct strbuf *line, struct json_object *entry, const struct style *s)
{
    char incident[FIELD_MAX];

    if (*field_text(entry, "incident", "", incident))
        strbuf_printf(line, " %s(%.*s)%s", style_begin(s, TONE_DIM), s->width > 0 ? INCIDENT_SHOWN : FIELD_MAX,
                      incident, style_end(s, TONE_DIM));
}

static void print_entry(struct json_object *entry, const struct style *s)
{
    struct strbuf line cleanup(strbuf_done), out cleanup(strbuf_done);
    char at[FIELD_MAX], kind[FIELD_MAX], connection[FIELD_MAX], tunnel[FIELD_MAX], text[FIELD_MAX];
    const struct wrap w = {MARGIN, sizeof(MARGIN "decision  ") - 1, s->width};

    strbuf_init(&line, ENTRY_MAX);
    strbuf_init(&out, ENTRY_MAX);
    field_text(entry, "connection", "", connection);
    field_text(entry, "tunnel", "", tunnel);
    if (connection[0])
        strbuf_printf(&line, "%s%s%s%s%s: ", style_begin(s, TONE_STRONG), connection, tunnel[0] ? "/" : "", tunnel,
                      style_end(s, TONE_STRONG));
    strbuf_puts(&line, field_text(entry, "text", "", text));
    put_incident(&line, entry, s);
    strbuf_printf(&out, "%s%s%s  %-8s  ", style_begin(s, TONE_DIM), field_time(entry, "at", at), style_end(s, TONE_DIM),
                  field_text(entry, "kind", "?", kind));
    wrap_put(&out, &w, strbuf_text(&line));
    (void)puts(strbuf_text(&out));
}

enum cli_exit cli_history(const struct cli *cli)
{
    struct reply reply cleanup(reply_done) = {0};
    char error[REQUEST_ERROR_MAX], path[PATH_SIZE];
    struct style s = style_of_stdout();
    uint32_t limit = LIMIT_DEFAULT;

    if (cli->limit && (parse_u32(cli->limit, LIMIT_MAX, &limit) < 0 || limit == 0)) {
        (void)fprintf(stderr, "rekindle history: --limit %s: a number from 1 to %d is wanted\n", cli->limit, LIMIT_MAX);
        return CLI_USAGE;
    }
    (void)str_format(path, sizeof(path), "/v1/history?limit=%u", limit);
    if (request_send(cli, path, NULL, &reply, error) < 0) {
        (void)fprintf(stderr, "%s\n", error);
        return CLI_UNKNOWN;
    }
    if (reply.status != 200)
        return request_refused(&reply);
    if (cli->json) {
        (void)printf("%s\n", strbuf_text(&reply.text));
        return CLI_FINE;
    }

    struct json_object *entries = field_array(reply.body, "entries");

    if (field_count(entries) == 0)
        (void)puts("Nothing has happened yet.");
    for (size_t i = field_count(entries); i > 0; i--) /* the newest stands last, above the prompt */
        print_entry(json_object_array_get_idx(entries, i - 1), &s);
    return CLI_FINE;
}
