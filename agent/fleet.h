/* The fleet: everything that is watched under one configuration. Built whole, then started; swapped as a whole at a
 * reload. */
#pragma once

#include "agent/state.h"

/* Builds daemons, connections and tunnels for CONF, which is taken, also on failure. Nothing runs yet. */
int fleet_new(struct agent *a, struct conf *conf, struct fleet **ret);
struct fleet *fleet_free(struct fleet *f); /* ends actions in flight; accepts NULL */
DEFINE_CLEANUP(struct fleet *, fleet_free)

/* Starts all probes. The agent's fleet must be this one. */
int fleet_start(struct fleet *f);

/*
 * Takes over from OLD what the tunnels that are in both had: windows, verdicts, incidents, budgets and actions over
 * VICI. F was started and nothing has run since. An action that uses the old AWS client stays behind: its stored
 * intention is reconciled; where it had none yet, it never was.
 */
void fleet_inherit(struct fleet *f, struct fleet *old);
