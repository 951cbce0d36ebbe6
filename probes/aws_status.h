/*
 * What AWS says of the watched connections: DescribeVpnConnections for all of them in one call. Measures; does not
 * judge. Telemetry lags minutes behind: good for diagnosis and confirmation, not for detection.
 */
#pragma once

#include "base/cleanup.h"
#include "base/loop.h"
#include "clients/aws/ec2.h"

#include <stddef.h>

struct aws_status;

/* A call ended, well or not; the getters below have the news. */
typedef void (*aws_status_news_fn)(void *data, struct aws_status *s);

/* E is borrowed, IDS are copied. The first call is made at once. */
int aws_status_new(struct loop *l, struct ec2 *e, const char *const *ids, size_t n, usec_t interval,
                   aws_status_news_fn fn, void *data, struct aws_status **ret);
struct aws_status *aws_status_free(struct aws_status *s); /* accepts NULL; no callback afterwards */
DEFINE_CLEANUP(struct aws_status *, aws_status_free)

void aws_status_set_interval(struct aws_status *s, usec_t interval); /* a shorter one takes effect at once */
void aws_status_refresh(struct aws_status *s);                       /* now; coalesced with a call under way */

usec_t aws_status_when(const struct aws_status *s); /* of the last good answer; 0 before the first */
const struct aws_failure *aws_status_error(const struct aws_status *s, usec_t *ret_at); /* of the last call */

/* The connection as of the last good answer; NULL where AWS does not know it. Borrowed until the next news. */
const struct ec2_connection *aws_status_connection(const struct aws_status *s, const char *id);
