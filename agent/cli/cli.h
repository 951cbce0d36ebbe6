/* The command `rekindle`: what was typed, and how a command ends. */
#pragma once

#include "base/clock.h"

#include <stdbool.h>
#include <stddef.h>

#define CLI_CONFIG      "/etc/rekindle/rekindle.conf"
#define CLI_RUNTIME_DIR "/run/rekindle"

enum cli_exit {
    CLI_FINE = 0,
    CLI_WARNING = 1,
    CLI_FAILED = 2,
    CLI_UNKNOWN = 3, /* could not tell: the daemon does not run, does not answer, or may not be asked */
    CLI_USAGE = 64,
};

struct cli {
    const char *config;
    const char *runtime_dir;
    const char *action; /* --action; NULL where not given */
    const char *limit;  /* --limit; likewise */
    usec_t span;        /* --for; 0 where not given */
    bool dry_run;
    bool json;
    bool sample;
    bool watch;
    const char *operand; /* what the command is about; NULL where not given */
};

/* One for each command; prints what there is to say. */
typedef enum cli_exit cli_command_fn(const struct cli *cli);

cli_command_fn cli_approve;
cli_command_fn cli_check_config;
cli_command_fn cli_history;
cli_command_fn cli_pause;
cli_command_fn cli_reload;
cli_command_fn cli_repair;
cli_command_fn cli_resume;
cli_command_fn cli_status;
cli_command_fn cli_test_alert;
