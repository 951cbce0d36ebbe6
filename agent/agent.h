/*
 * The agent: watches every configured tunnel, judges, decides, repairs and reports, on one loop. Owner of all probes,
 * clients, the store and the control socket.
 */
#pragma once

#include "base/cleanup.h"
#include "base/loop.h"

#include <stddef.h>

#define AGENT_ACTIONS_REMEMBERED 256 /* for the brake: actions of the last hour over all tunnels */

struct agent;

struct agent_args {
    const char *config_path; /* all copied */
    const char *state_dir;
    const char *runtime_dir;
};

/*
 * Loads the configuration, opens the store and the control socket and starts to watch. On failure one line of log says
 * why, *RET is untouched and -errno comes back: -EINVAL for a configuration that cannot be used.
 */
int agent_new(struct loop *l, const struct agent_args *args, struct agent **ret);
struct agent *agent_free(struct agent *a); /* accepts NULL */
DEFINE_CLEANUP(struct agent *, agent_free)

/*
 * Reads the configuration again. 0, or -errno with a sentence in ERROR; then the running one stays in force. Tunnels
 * that are in both keep their windows, verdicts, incidents and budgets.
 */
int agent_reload(struct agent *a, char *error, size_t size);

/* One line on how things stand, for systemd: "2 tunnels: 1 UP, 1 DOWN (both-sides-waiting)". */
void agent_describe(struct agent *a, char *text, size_t size);
