#include "engine/ike/state.h"

#include "base/array.h"

static const char *const ike_names[IKE_STATES] = {
    [IKE_CREATED] = "CREATED",       [IKE_CONNECTING] = "CONNECTING", [IKE_ESTABLISHED] = "ESTABLISHED",
    [IKE_REKEYING] = "REKEYING",     [IKE_REKEYED] = "REKEYED",       [IKE_DELETING] = "DELETING",
    [IKE_DESTROYING] = "DESTROYING",
};

static const char *const child_names[CHILD_STATES] = {
    [CHILD_CREATED] = "CREATED",   [CHILD_INSTALLING] = "INSTALLING", [CHILD_INSTALLED] = "INSTALLED",
    [CHILD_UPDATING] = "UPDATING", [CHILD_REKEYING] = "REKEYING",     [CHILD_REKEYED] = "REKEYED",
    [CHILD_DELETING] = "DELETING", [CHILD_DELETED] = "DELETED",       [CHILD_DESTROYING] = "DESTROYING",
};

static const struct {
    enum ike_state from;
    enum ike_state to;
    const char *when;
} ike_rows[] = {
    {IKE_CREATED, IKE_CONNECTING, "IKE_SA_INIT is sent, or a good one came"},
    {IKE_CREATED, IKE_ESTABLISHED, "it was made by a rekeying"},
    {IKE_CREATED, IKE_DESTROYING, "it lost against a rekeying of the peer, or could not be made"},
    {IKE_CONNECTING, IKE_ESTABLISHED, "both sides are authenticated"},
    {IKE_CONNECTING, IKE_DELETING, "a person ends it once our identity is known to the peer"},
    {IKE_CONNECTING, IKE_DESTROYING, "refused, no answer, wrong answer, ended"},
    {IKE_ESTABLISHED, IKE_REKEYING, "CREATE_CHILD_SA for the IKE_SA is sent"},
    {IKE_ESTABLISHED, IKE_REKEYED, "the peer rekeyed it: its DELETE is awaited"},
    {IKE_ESTABLISHED, IKE_DELETING, "DELETE is sent, or the peer's came"},
    {IKE_ESTABLISHED, IKE_DESTROYING, "no answer, lifetime over, ended at once"},
    {IKE_REKEYING, IKE_ESTABLISHED, "the rekeying was refused for now, and is tried again"},
    {IKE_REKEYING, IKE_REKEYED, "a new IKE_SA stands: ours, or the peer's of a collision"},
    {IKE_REKEYING, IKE_DELETING, "DELETE is sent, or the peer's came"},
    {IKE_REKEYING, IKE_DESTROYING, "no answer, lifetime over, ended at once"},
    {IKE_REKEYED, IKE_DELETING, "DELETE is sent by the side that rekeyed, or came from it"},
    {IKE_REKEYED, IKE_DESTROYING, "the peer's DELETE never came"},
    {IKE_DELETING, IKE_DESTROYING, "the answer to our DELETE, or none; the peer's DELETE"},
};

static const struct {
    enum child_state from;
    enum child_state to;
    const char *when;
} child_rows[] = {
    {CHILD_CREATED, CHILD_INSTALLING, "the peers agreed"},
    {CHILD_CREATED, CHILD_DELETING, "the peer's answer cannot be used: DELETE is sent"},
    {CHILD_CREATED, CHILD_DESTROYING, "refused, or its IKE_SA is gone"},
    {CHILD_INSTALLING, CHILD_INSTALLED, "both halves are in the data path"},
    {CHILD_INSTALLING, CHILD_DELETING, "the data path refused it: DELETE is sent"},
    {CHILD_INSTALLING, CHILD_DESTROYING, "the data path refused it"},
    {CHILD_INSTALLED, CHILD_UPDATING, "the peer's address changed"},
    {CHILD_INSTALLED, CHILD_REKEYING, "CREATE_CHILD_SA with REKEY_SA is sent"},
    {CHILD_INSTALLED, CHILD_REKEYED, "the peer rekeyed it: its DELETE is awaited"},
    {CHILD_INSTALLED, CHILD_DELETING, "DELETE is sent"},
    {CHILD_INSTALLED, CHILD_DELETED, "the peer's DELETE"},
    {CHILD_INSTALLED, CHILD_DESTROYING, "its IKE_SA is gone"},
    {CHILD_UPDATING, CHILD_INSTALLED, "the data path knows the new address"},
    {CHILD_UPDATING, CHILD_DESTROYING, "the data path refused it, or its IKE_SA is gone"},
    {CHILD_REKEYING, CHILD_INSTALLED, "the rekeying was refused for now, and is tried again"},
    {CHILD_REKEYING, CHILD_REKEYED, "a new CHILD_SA stands: ours, or the peer's of a collision"},
    {CHILD_REKEYING, CHILD_DELETING, "DELETE is sent"},
    {CHILD_REKEYING, CHILD_DELETED, "the peer's DELETE"},
    {CHILD_REKEYING, CHILD_DESTROYING, "its IKE_SA is gone"},
    {CHILD_REKEYED, CHILD_INSTALLED, "the peer takes back the CHILD_SA that was to replace it"},
    {CHILD_REKEYED, CHILD_DELETING, "DELETE is sent by the side that rekeyed, or the peer's never came"},
    {CHILD_REKEYED, CHILD_DELETED, "the peer's DELETE"},
    {CHILD_REKEYED, CHILD_DESTROYING, "its IKE_SA is gone"},
    {CHILD_DELETING, CHILD_DELETED, "the answer to our DELETE, or none"},
    {CHILD_DELETING, CHILD_DESTROYING, "its IKE_SA is gone"},
    {CHILD_DELETED, CHILD_DESTROYING, "packets under way have had their time"},
};

const char *ike_state_name(enum ike_state s)
{
    return ike_names[s];
}

const char *child_state_name(enum child_state s)
{
    return child_names[s];
}

bool ike_state_may(enum ike_state from, enum ike_state to)
{
    for (size_t i = 0; i < ARRAY_LEN(ike_rows); i++)
        if (ike_rows[i].from == from && ike_rows[i].to == to)
            return true;
    return false;
}

bool child_state_may(enum child_state from, enum child_state to)
{
    for (size_t i = 0; i < ARRAY_LEN(child_rows); i++)
        if (child_rows[i].from == from && child_rows[i].to == to)
            return true;
    return false;
}

bool ike_state_row(size_t i, struct state_row *ret)
{
    if (i >= ARRAY_LEN(ike_rows))
        return false;
    *ret = (struct state_row){ike_state_name(ike_rows[i].from), ike_state_name(ike_rows[i].to), ike_rows[i].when};
    return true;
}

bool child_state_row(size_t i, struct state_row *ret)
{
    if (i >= ARRAY_LEN(child_rows))
        return false;
    *ret = (struct state_row){child_state_name(child_rows[i].from), child_state_name(child_rows[i].to),
                              child_rows[i].when};
    return true;
}
