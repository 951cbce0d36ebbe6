/*
 * What an error of an AWS Query API means for us: the code of the answer's error document, mapped by one table.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define AWS_CODE_MAX 64
#define AWS_TEXT_MAX 256

/* AWS_OK where there is none. */
enum aws_error {
    AWS_OK,
    AWS_PERMISSION,  /* UnauthorizedOperation: the missing action is in the text */
    AWS_CREDENTIALS, /* rejected, expired, missing */
    AWS_CLOCK_SKEW,  /* ours is wrong, by the Date header; corrected for later calls */
    AWS_NOT_FOUND,   /* wrong id, region or account */
    AWS_STATE,       /* IncorrectState, UnsupportedOperation: wait and describe again */
    AWS_INVALID,     /* our parameters: no retry */
    AWS_NOT_OFFERED, /* InvalidAction: the feature is not there */
    AWS_THROTTLED,
    AWS_UNAVAILABLE, /* 5xx: the outcome of a mutating call is unknown */
    AWS_UNREACHABLE, /* no connection, no name, no TLS: no answer at all */
    AWS_PROTOCOL,    /* an answer that we could not read */
};

struct aws_failure {
    enum aws_error error;
    char code[AWS_CODE_MAX]; /* AWS's own: "UnauthorizedOperation"; "" where AWS did not answer */
    char text[AWS_TEXT_MAX]; /* for people, printable; names the action for AWS_PERMISSION; never a secret */
};

const char *aws_error_name(enum aws_error e);

/* The table. An unknown code is judged by the HTTP status. */
enum aws_error aws_error_of(const char *code, long status);

/* Whether a clock that is wrong may be behind CODE: the Date header has to be compared. */
bool aws_error_may_be_skew(const char *code);

/* Whether CODE says that temporary credentials have run out: they have to be looked up anew. */
bool aws_error_is_expiry(const char *code);

/*
 * Reads the error document of an answer with STATUS, of EC2 (Response/Errors/Error) or of the other services
 * (ErrorResponse/Error). ACTION ("ec2:DescribeVpnConnections") is named in the text. Always fills *RET.
 */
void aws_failure_read(const char *body, size_t len, long status, const char *action, struct aws_failure *ret);

/* Fills *RET. */
void aws_failure_set(struct aws_failure *ret, enum aws_error error, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
