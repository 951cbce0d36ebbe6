#include "clients/aws/error.h"

#include "base/array.h"
#include "base/str.h"
#include "clients/aws/xml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct row {
    const char *code;
    enum aws_error error;
    bool may_be_skew;
    bool expiry;
};

static const struct row rows[] = {
    {"DryRunOperation", AWS_OK, false, false},
    {"UnauthorizedOperation", AWS_PERMISSION, false, false},
    {"AccessDenied", AWS_PERMISSION, false, false},
    {"AccessDeniedException", AWS_PERMISSION, false, false},
    {"AuthFailure", AWS_CREDENTIALS, true, false},
    {"SignatureDoesNotMatch", AWS_CREDENTIALS, true, false},
    {"InvalidSignatureException", AWS_CREDENTIALS, true, false},
    {"RequestExpired", AWS_CLOCK_SKEW, true, true},
    {"RequestTimeTooSkewed", AWS_CLOCK_SKEW, true, false},
    {"RequestInTheFuture", AWS_CLOCK_SKEW, true, false},
    {"ExpiredToken", AWS_CREDENTIALS, false, true},
    {"ExpiredTokenException", AWS_CREDENTIALS, false, true},
    {"InvalidClientTokenId", AWS_CREDENTIALS, false, false},
    {"MissingAuthenticationToken", AWS_CREDENTIALS, false, false},
    {"IncompleteSignature", AWS_CREDENTIALS, false, false},
    {"UnrecognizedClientException", AWS_CREDENTIALS, false, false},
    {"OptInRequired", AWS_CREDENTIALS, false, false},
    {"Blocked", AWS_CREDENTIALS, false, false},
    {"InvalidVpnConnectionID", AWS_NOT_FOUND, false, false},
    {"InvalidVpnConnectionID.NotFound", AWS_NOT_FOUND, false, false},
    {"InvalidVpnConnectionID.Malformed", AWS_NOT_FOUND, false, false},
    {"InvalidParameterValue", AWS_INVALID, false, false},
    {"InvalidParameterCombination", AWS_INVALID, false, false},
    {"InvalidParameter", AWS_INVALID, false, false},
    {"UnknownParameter", AWS_INVALID, false, false},
    {"MissingParameter", AWS_INVALID, false, false},
    {"UnsupportedOperation", AWS_STATE, false, false},
    {"IncorrectState", AWS_STATE, false, false},
    {"InvalidState", AWS_STATE, false, false},
    {"InvalidAction", AWS_NOT_OFFERED, false, false},
    {"Throttling", AWS_THROTTLED, false, false},
    {"ThrottlingException", AWS_THROTTLED, false, false},
    {"ThrottledException", AWS_THROTTLED, false, false},
    {"RequestThrottled", AWS_THROTTLED, false, false},
    {"RequestThrottledException", AWS_THROTTLED, false, false},
    {"TooManyRequestsException", AWS_THROTTLED, false, false},
    {"ProvisionedThroughputExceededException", AWS_THROTTLED, false, false},
    {"TransactionInProgressException", AWS_THROTTLED, false, false},
    {"RequestLimitExceeded", AWS_THROTTLED, false, false},
    {"BandwidthLimitExceeded", AWS_THROTTLED, false, false},
    {"LimitExceededException", AWS_THROTTLED, false, false},
    {"SlowDown", AWS_THROTTLED, false, false},
    {"PriorRequestNotComplete", AWS_THROTTLED, false, false},
    {"EC2ThrottledException", AWS_THROTTLED, false, false},
    {"InternalError", AWS_UNAVAILABLE, false, false},
    {"InternalFailure", AWS_UNAVAILABLE, false, false},
    {"Unavailable", AWS_UNAVAILABLE, false, false},
    {"ServiceUnavailable", AWS_UNAVAILABLE, false, false},
    {"RequestTimeout", AWS_UNAVAILABLE, false, false},
    {"RequestTimeoutException", AWS_UNAVAILABLE, false, false},
};

const char *aws_error_name(enum aws_error e)
{
    static const char *const names[] = {
        [AWS_OK] = "ok",
        [AWS_PERMISSION] = "permission",
        [AWS_CREDENTIALS] = "credentials",
        [AWS_CLOCK_SKEW] = "clock-skew",
        [AWS_NOT_FOUND] = "not-found",
        [AWS_STATE] = "state",
        [AWS_INVALID] = "invalid",
        [AWS_NOT_OFFERED] = "not-offered",
        [AWS_THROTTLED] = "throttled",
        [AWS_UNAVAILABLE] = "unavailable",
        [AWS_UNREACHABLE] = "unreachable",
        [AWS_PROTOCOL] = "protocol",
    };

    return names[e];
}

static const struct row *find_row(const char *code)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (!strcmp(rows[i].code, code))
            return &rows[i];
    return NULL;
}

enum aws_error aws_error_of(const char *code, long status)
{
    const struct row *row = find_row(code);

    if (row)
        return row->error;
    if (status == 429)
        return AWS_THROTTLED;
    if (status >= 500)
        return AWS_UNAVAILABLE;
    /* A code that we do not know is a refusal; without one it is no answer of AWS (a proxy's page). */
    return code[0] ? AWS_INVALID : AWS_PROTOCOL;
}

bool aws_error_may_be_skew(const char *code)
{
    const struct row *row = find_row(code);

    return row && row->may_be_skew;
}

bool aws_error_is_expiry(const char *code)
{
    const struct row *row = find_row(code);

    return row && row->expiry;
}

void aws_failure_set(struct aws_failure *ret, enum aws_error error, const char *fmt, ...)
{
    char text[AWS_TEXT_MAX];
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    *ret = (struct aws_failure){.error = error};
    if (n > 0)
        str_printable(ret->text, sizeof ret->text, text, strlen(text));
}

enum element {
    RESPONSE = 1,
    ERRORS,
    ERROR,
    CODE,
    MESSAGE,
};

/* A message can be long: the encoded part of UnauthorizedOperation, the canonical request of SignatureDoesNotMatch. */
static const struct xml_rule rules[] = {
    {XML_TOP, "Response", RESPONSE, XML_NO_TEXT},
    {RESPONSE, "Errors", ERRORS, XML_NO_TEXT},
    {ERRORS, "Error", ERROR, XML_NO_TEXT},
    {XML_TOP, "ErrorResponse", ERRORS, XML_NO_TEXT},
    {ERROR, "Code", CODE, XML_TEXT},
    {ERROR, "Message", MESSAGE, XML_TEXT_CUT},
};

struct document {
    char code[AWS_CODE_MAX];
    char message[XML_TEXT_MAX + 1];
};

static int close_element(void *data, int element, const char *text)
{
    struct document *d = data;

    if (element == CODE)
        str_printable(d->code, sizeof d->code, text, strlen(text));
    else if (element == MESSAGE)
        str_printable(d->message, sizeof d->message, text, strlen(text));
    return 0;
}

/* What AWS says of rejected signatures repeats the canonical request, and with it the session token: not passed on. */
static void describe(const struct document *d, long status, const char *action, struct aws_failure *ret)
{
    const char *blob = strstr(d->message, "Encoded authorization failure");
    size_t plain = blob ? (size_t)(blob - d->message) : strlen(d->message);

    switch (ret->error) {
    case AWS_OK:
        return;
    case AWS_PERMISSION:
        aws_failure_set(ret, ret->error, "%s is not allowed: %.*s", action, (int)plain, d->message);
        return;
    case AWS_CREDENTIALS:
        aws_failure_set(ret, ret->error, "AWS rejects the credentials of %s (%s)", action, d->code);
        return;
    case AWS_CLOCK_SKEW:
        aws_failure_set(ret, ret->error, "AWS rejects the time of %s (%s): is this host's clock right?", action,
                        d->code);
        return;
    case AWS_NOT_FOUND:
    case AWS_STATE:
    case AWS_INVALID:
    case AWS_NOT_OFFERED:
    case AWS_THROTTLED:
    case AWS_UNAVAILABLE:
    case AWS_UNREACHABLE:
    case AWS_PROTOCOL:
        if (d->code[0])
            aws_failure_set(ret, ret->error, "%s: %s: %s", action, d->code, d->message);
        else
            aws_failure_set(ret, ret->error, "%s: HTTP status %ld without an error document", action, status);
        return;
    }
}

void aws_failure_read(const char *body, size_t len, long status, const char *action, struct aws_failure *ret)
{
    const struct xml_handler handler = {.rules = rules, .n_rules = ARRAY_LEN(rules), .close = close_element};
    struct document d = {0};

    if (xml_read(body, len, &handler, &d) < 0)
        d = (struct document){0};
    *ret = (struct aws_failure){.error = aws_error_of(d.code, status)};
    describe(&d, status, action, ret);
    (void)str_copy(ret->code, sizeof ret->code, d.code);
}
