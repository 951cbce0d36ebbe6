#include "agent/cli/detail.h"

#include "agent/cli/field.h"
#include "agent/cli/paragraph.h"
#include "base/array.h"
#include "base/cleanup.h"
#include "base/str.h"

#define INDENT   4
#define LINE_MAX (64 * 1024)

struct wording {
    const char *action;
    const char *text;
};

static const struct wording steps[] = {
    {"recreate-probe", "making the probe anew"},
    {"initiate", "initiating"},
    {"reinitiate", "ending the stale IKE_SA and initiating"},
    {"tunnel-options", "setting the tunnel options in AWS"},
};

static void put_line(struct strbuf *out, const struct style *s, const char *label, const char *text)
{
    struct paragraph p = {.indent = INDENT, .label = label, .width = s->width};

    if (text[0] != '\0')
        paragraph_put(out, &p, s, text);
}

static void put_aws(struct strbuf *out, struct json_object *aws, const struct style *s)
{
    struct strbuf line cleanup(strbuf_done);
    char text[FIELD_MAX];

    strbuf_init(&line, LINE_MAX);
    if (!aws)
        return;
    strbuf_printf(&line, "connection %s", field_text(aws, "state", "not read yet", text));
    if (*field_text(aws, "telemetry", "", text))
        strbuf_printf(&line, ", telemetry %s", text);
    if (*field_text(aws, "dpd_timeout_action", "", text))
        strbuf_printf(&line, ", DPD timeout action %s", text);
    if (*field_text(aws, "startup_action", "", text))
        strbuf_printf(&line, ", startup action %s", text);
    if (*field_text(aws, "error", "", text))
        strbuf_printf(&line, "; asking failed: %s", text);
    put_line(out, s, "AWS", strbuf_text(&line));
}

static void put_ike(struct strbuf *out, struct json_object *ike, const struct style *s)
{
    struct strbuf line cleanup(strbuf_done);
    char text[FIELD_MAX];

    strbuf_init(&line, LINE_MAX);
    if (!ike)
        return;
    if (!str_eq(field_text(ike, "daemon", "ok", text), "ok")) {
        strbuf_printf(&line, "the daemon is %s: what SAs it has is not known", text);
    } else {
        strbuf_printf(&line, "IKE_SA %s", field_text(ike, "state", "none", text));
        strbuf_printf(&line, ", CHILD_SA %s", field_text(ike, "child_state", "none", text));
    }
    put_line(out, s, "IKE", strbuf_text(&line));
}

static void put_evidence(struct strbuf *out, struct json_object *evidence, const struct style *s)
{
    struct strbuf line cleanup(strbuf_done);
    char text[FIELD_MAX];

    strbuf_init(&line, LINE_MAX);
    for (size_t i = 0; i < field_count(evidence); i++) {
        struct json_object *e = json_object_array_get_idx(evidence, i);

        if (!json_object_is_type(e, json_type_string))
            continue;
        str_printable(text, sizeof(text), json_object_get_string(e), (size_t)json_object_get_string_len(e));
        strbuf_printf(&line, "%s%s", line.len > 0 ? "; " : "", text);
    }
    put_line(out, s, "known", strbuf_text(&line));
}

static const char *wording_of(const char *action)
{
    for (size_t i = 0; i < ARRAY_LEN(steps); i++)
        if (str_eq(steps[i].action, action))
            return steps[i].text;
    return action;
}

/* What is done at this moment. */
static void put_now(struct strbuf *out, struct json_object *tunnel, const struct style *s)
{
    char action[FIELD_MAX];

    if (*field_text(tunnel, "under_way", "", action))
        put_line(out, s, "now", wording_of(action));
}

/* When that is looked at again, where it is not at once. */
static void put_wait(struct strbuf *line, usec_t now, usec_t next)
{
    usec_t seconds = (clock_since(now, next) + USEC_PER_SEC - 1) / USEC_PER_SEC;
    char span[FIELD_MAX];

    if (now != 0 && seconds > 1)
        strbuf_printf(line, "; next look in %s", field_span((double)seconds, span));
}

static void put_next(struct strbuf *out, struct json_object *decision, usec_t now, const struct style *s)
{
    struct strbuf line cleanup(strbuf_done);
    char action[FIELD_MAX], reason[FIELD_MAX];

    strbuf_init(&line, LINE_MAX);
    if (!decision)
        return;
    if (!str_eq(field_text(decision, "action", "hold", action), "hold"))
        strbuf_printf(&line, "%s: ", wording_of(action));
    strbuf_puts(&line, field_text(decision, "reason", "no reason given", reason));
    put_wait(&line, now, field_wall(decision, "next_at"));
    put_line(out, s, "next", strbuf_text(&line));
    if (field_flag(decision, "needs_approval", false))
        put_line(out, s, "you can", "agree to it: `rekindle approve`");
}

void detail_put(struct json_object *tunnel, usec_t now, const struct style *s, struct strbuf *out)
{
    char text[FIELD_MAX];

    put_line(out, s, "", field_text(tunnel, "cause_text", "", text));
    put_now(out, tunnel, s);
    put_next(out, field_object(tunnel, "decision"), now, s);
    put_line(out, s, "you can", field_text(tunnel, "fix", "", text));
    put_evidence(out, field_array(tunnel, "evidence"), s);
    put_ike(out, field_object(tunnel, "ike"), s);
    put_aws(out, field_object(tunnel, "aws"), s);
    put_line(out, s, "incident", field_text(tunnel, "incident", "", text));
}
