/*
 * An incident: from the first bad verdict to recovery. It stays `recovered` until the tunnel was healthy for a time; if
 * it goes bad again before, it is the same incident, with its budgets. Pure; `incident_step` is the only writer of the
 * state.
 */
#pragma once

#include "agent/cause.h"
#include "agent/verdict.h"

#include <stdbool.h>

#define INCIDENT_ID_MAX 40

enum incident_state {
    INCIDENT_NONE,
    INCIDENT_OPEN,
    INCIDENT_RECOVERED,
};

struct incident {
    enum incident_state state;
    char id[INCIDENT_ID_MAX];
    usec_t opened, recovered; /* CLOCK_BOOTTIME */
    usec_t bad_since;         /* opened, or went bad again */
    usec_t opened_wall;
    unsigned relapses;
    enum verdict worst;
    enum cause last_cause; /* that was not undetermined */
    unsigned actions;
    bool circuit_open;
};

enum incident_change {
    INCIDENT_UNCHANGED,
    INCIDENT_OPENED,
    INCIDENT_RELAPSED,
    INCIDENT_DID_RECOVER,
    INCIDENT_CLOSED,
};

/* NEW_ID is used where an incident is opened. A tunnel that is expected to be down never opens one. */
enum incident_change incident_step(struct incident *i, enum verdict v, enum cause c, bool expected_down,
                                   const char *new_id, usec_t healthy_after, usec_t now, usec_t wall);

/*
 * An action that disturbs had its time, and the tunnel is at V, the connection's other one at OTHER. Opens the circuit
 * where things are worse than before: still down, and the other tunnel, which worked when the action began, is down
 * too. True where it did.
 */
bool incident_judge_action(struct incident *i, bool other_was_up, enum verdict v, enum verdict other);

const char *incident_state_name(enum incident_state s);
