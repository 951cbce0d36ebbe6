/* What a request of the peer asks for, for those who look at the IKE_SA meanwhile. */
#include "engine/ike/task.h"

static enum task_kind asked_by_informational(const struct chain *c)
{
    const struct payload *p = chain_find(c, PAYLOAD_DELETE, NULL);
    struct delete_payload d;

    if (p && payload_read_delete(p, &d) >= 0)
        return d.protocol == PROTO_IKE ? TASK_DELETE_IKE : TASK_DELETE_CHILD;
    return TASK_DPD;
}

static enum task_kind asked_by_create(const struct chain *c)
{
    struct notify_payload n;

    if (!chain_find(c, PAYLOAD_TSI, NULL))
        return TASK_REKEY_IKE;
    return chain_notify(c, NOTIFY_REKEY_SA, &n) ? TASK_REKEY_CHILD : TASK_CHILD;
}

bool task_asked(const struct ike_sa *sa, enum task_kind *ret, bool *ret_child)
{
    const struct message *in = sa->request;

    if (!in)
        return false;
    *ret_child = chain_find(&in->chain, PAYLOAD_SA, NULL);
    if (in->h.exchange == IKE_AUTH)
        *ret = TASK_AUTH;
    else if (in->h.exchange == CREATE_CHILD_SA)
        *ret = asked_by_create(&in->chain);
    else
        *ret = asked_by_informational(&in->chain);
    return true;
}
