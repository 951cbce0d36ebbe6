/* Liveness (RFC 7296 1.4, 2.4): an empty INFORMATIONAL; any answer will do, none is the end (retransmissions). */
#include "engine/ike/core.h"
#include "engine/ike/task.h"

#include <errno.h>

static int build(struct ike_sa *sa, struct task *t, struct chain_writer *cw, usec_t now)
{
    (void)t;
    (void)cw;
    (void)now;
    if (sa->state == IKE_DELETING)
        return -ECANCELED;
    ike_sa_log(sa, ENGINE_LOG_IKE, 1, "sending DPD request");
    return 0;
}

static enum task_result process(struct ike_sa *sa, struct task *t, const struct message *in, usec_t now)
{
    (void)sa;
    (void)t;
    (void)in;
    (void)now;
    return TASK_DONE;
}

const struct task_ops task_dpd_ops = {
    .name = "DPD",
    .exchange = INFORMATIONAL,
    .build = build,
    .process = process,
};
