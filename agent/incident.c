#include "agent/incident.h"

#include "base/array.h"
#include "base/str.h"

#include <assert.h>

static void note(struct incident *i, enum verdict v, enum cause c)
{
    if (v > i->worst)
        i->worst = v;
    if (c != CAUSE_NONE && c != CAUSE_UNDETERMINED)
        i->last_cause = c;
}

static enum incident_change open_new(struct incident *i, const char *id, usec_t now, usec_t wall)
{
    *i = (struct incident){.state = INCIDENT_OPEN, .opened = now, .bad_since = now, .opened_wall = wall};
    (void)str_copy(i->id, sizeof(i->id), id);
    return INCIDENT_OPENED;
}

static enum incident_change close_it(struct incident *i)
{
    *i = (struct incident){.state = INCIDENT_NONE};
    return INCIDENT_CLOSED;
}

static enum incident_change step_open(struct incident *i, enum verdict v, usec_t now)
{
    if (v != VERDICT_UP)
        return INCIDENT_UNCHANGED;
    i->state = INCIDENT_RECOVERED;
    i->recovered = now;
    return INCIDENT_DID_RECOVER;
}

static enum incident_change step_recovered(struct incident *i, enum verdict v, usec_t healthy_after, usec_t now)
{
    if (verdict_is_bad(v)) {
        i->state = INCIDENT_OPEN;
        i->bad_since = now;
        i->recovered = 0;
        i->relapses++;
        return INCIDENT_RELAPSED;
    }
    if (v != VERDICT_UP)
        i->recovered = now; /* nobody knows whether it is healthy: that time does not count */
    return clock_since(i->recovered, now) >= healthy_after ? close_it(i) : INCIDENT_UNCHANGED;
}

enum incident_change incident_step(struct incident *i, enum verdict v, enum cause c, bool expected_down,
                                   const char *new_id, usec_t healthy_after, usec_t now, usec_t wall)
{
    enum incident_change change = INCIDENT_UNCHANGED;

    if (expected_down)
        return i->state == INCIDENT_NONE ? INCIDENT_UNCHANGED : close_it(i);
    switch (i->state) {
    case INCIDENT_NONE:
        if (!verdict_is_bad(v))
            return INCIDENT_UNCHANGED;
        change = open_new(i, new_id, now, wall);
        break;
    case INCIDENT_OPEN:
        change = step_open(i, v, now);
        break;
    case INCIDENT_RECOVERED:
        change = step_recovered(i, v, healthy_after, now);
        break;
    }
    if (i->state == INCIDENT_OPEN)
        note(i, v, c);
    return change;
}

bool incident_judge_action(struct incident *i, bool other_was_up, enum verdict v, enum verdict other)
{
    if (i->state != INCIDENT_OPEN || i->circuit_open || !other_was_up || v != VERDICT_DOWN || other != VERDICT_DOWN)
        return false;
    i->circuit_open = true;
    return true;
}

const char *incident_state_name(enum incident_state s)
{
    static const char *const names[] = {
        [INCIDENT_NONE] = "none",
        [INCIDENT_OPEN] = "open",
        [INCIDENT_RECOVERED] = "recovered",
    };

    assert((size_t)s < ARRAY_LEN(names));
    return names[s];
}
