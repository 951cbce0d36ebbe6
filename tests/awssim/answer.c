#include "tests/awssim/answer.h"

#include "base/array.h"
#include "base/random.h"
#include "base/str.h"

#include <assert.h>

struct error {
    const char *code;
    unsigned status;
};

static const struct error errors[] = {
    {"AuthFailure", 401},
    {"DryRunOperation", 412},
    {"IncompleteSignature", 400},
    {"IncorrectState", 400},
    {"InternalError", 500},
    {"InvalidAction", 400},
    {"InvalidParameterValue", 400},
    {"InvalidVpnConnectionID.Malformed", 400},
    {"InvalidVpnConnectionID.NotFound", 400},
    {"MalformedQueryString", 400},
    {"MissingAuthenticationToken", 403},
    {"MissingParameter", 400},
    {"RequestExpired", 400},
    {"RequestLimitExceeded", 503},
    {"SignatureDoesNotMatch", 403},
    {"Unavailable", 503},
    {"UnauthorizedOperation", 403},
    {"UnknownParameter", 400},
};

void answer_init(struct answer *a)
{
    *a = (struct answer){.status = 200};
    random_uuid(a->id);
    strbuf_init_secret(&a->body, ANSWER_MAX);
}

void answer_done(struct answer *a)
{
    strbuf_done(&a->body);
}

static const struct error *find_error(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        if (str_eq(errors[i].code, code))
            return &errors[i];
    return NULL;
}

void answer_error(struct answer *a, const char *code, const char *message)
{
    const struct error *e = find_error(code);

    assert(e);
    a->status = e->status;
    a->code = e->code;
    strbuf_reset(&a->body);
    strbuf_puts(&a->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error>");
    answer_element(&a->body, "Code", code);
    answer_element(&a->body, "Message", message);
    strbuf_puts(&a->body, "</Error></Errors>");
    answer_element(&a->body, "RequestID", a->id);
    strbuf_puts(&a->body, "</Response>");
}

void answer_open(struct answer *a, const char *action)
{
    strbuf_reset(&a->body);
    strbuf_printf(&a->body, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<%sResponse xmlns=\"" EC2_NAMESPACE "\">\n",
                  action);
    answer_element(&a->body, "requestId", a->id);
}

void answer_close(struct answer *a, const char *action)
{
    strbuf_printf(&a->body, "</%sResponse>\n", action);
}

void answer_escape(struct strbuf *out, const char *text)
{
    for (size_t i = 0; text[i]; i++) {
        switch (text[i]) {
        case '&':
            strbuf_puts(out, "&amp;");
            break;
        case '<':
            strbuf_puts(out, "&lt;");
            break;
        case '>':
            strbuf_puts(out, "&gt;");
            break;
        case '"':
            strbuf_puts(out, "&quot;");
            break;
        case '\'':
            strbuf_puts(out, "&apos;");
            break;
        default:
            strbuf_putc(out, text[i]);
        }
    }
}

void answer_element(struct strbuf *out, const char *name, const char *text)
{
    strbuf_printf(out, "<%s>", name);
    answer_escape(out, text);
    strbuf_printf(out, "</%s>\n", name);
}
