#include "agent/cli/field.h"
#include "agent/cli/request.h"
#include "agent/cli/style.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

#define PATH_SIZE     64
#define LIMIT_DEFAULT 40
#define LIMIT_MAX     10000

static void print_entry(struct json_object *entry, const struct style *s)
{
    char at[FIELD_MAX], kind[FIELD_MAX], connection[FIELD_MAX], tunnel[FIELD_MAX], incident[FIELD_MAX], text[FIELD_MAX];

    field_time(entry, "at", at);
    field_text(entry, "kind", "?", kind);
    field_text(entry, "connection", "", connection);
    field_text(entry, "tunnel", "", tunnel);
    field_text(entry, "incident", "", incident);
    field_text(entry, "text", "", text);
    (void)printf("%s%s%s  %-8s  ", style_begin(s, TONE_DIM), at, style_end(s, TONE_DIM), kind);
    if (connection[0])
        (void)printf("%s%s%s%s%s: ", style_begin(s, TONE_STRONG), connection, tunnel[0] ? "/" : "", tunnel,
                     style_end(s, TONE_STRONG));
    (void)fputs(text, stdout);
    if (incident[0])
        (void)printf("  %s%s%s", style_begin(s, TONE_DIM), incident, style_end(s, TONE_DIM));
    (void)putchar('\n');
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
    for (size_t i = 0; i < field_count(entries); i++)
        print_entry(json_object_array_get_idx(entries, i), &s);
    return CLI_FINE;
}
