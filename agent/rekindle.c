/* The command: a table of commands drives dispatch, usage and help. */
#include "agent/agent.h"
#include "agent/cli/cli.h"
#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "base/version.h"

#include <getopt.h>
#include <locale.h>
#include <stdio.h>

enum option_bit {
    TAKES_JSON = 1 << 0,
    TAKES_WATCH = 1 << 1,
    TAKES_ACTION = 1 << 2,
    TAKES_DRY_RUN = 1 << 3,
    TAKES_FOR = 1 << 4,
    TAKES_LIMIT = 1 << 5,
    TAKES_SAMPLE = 1 << 6,
};

enum operand {
    OPERAND_NONE,
    OPERAND_OPTIONAL,
    OPERAND_NEEDED,
};

struct command {
    const char *name;
    cli_command_fn *fn;
    unsigned takes; /* bits of enum option_bit */
    enum operand operand;
    const char *usage;
    const char *help;
};

static const struct command commands[] = {
    {"status", cli_status, TAKES_JSON | TAKES_WATCH, OPERAND_NONE, "[--json] [--watch]",
     "show every tunnel, and what is done about it"},
    {"history", cli_history, TAKES_JSON | TAKES_LIMIT, OPERAND_NONE, "[--json] [--limit N]",
     "show the last incidents, decisions and outcomes"},
    {"repair", cli_repair, TAKES_ACTION | TAKES_DRY_RUN, OPERAND_NEEDED, "TUNNEL [--action A] [--dry-run]",
     "repair a tunnel now, or say what would be done"},
    {"pause", cli_pause, TAKES_FOR, OPERAND_OPTIONAL, "[--for DURATION] [TUNNEL|CONNECTION]",
     "hold all repairs for a time; watching goes on"},
    {"resume", cli_resume, 0, OPERAND_OPTIONAL, "[TUNNEL|CONNECTION]", "end a pause"},
    {"approve", cli_approve, 0, OPERAND_OPTIONAL, "[ID]", "agree to the action that waits for it (mode approve)"},
    {"reload", cli_reload, 0, OPERAND_NONE, "", "make rekindled read its configuration again"},
    {"test-alert", cli_test_alert, 0, OPERAND_NONE, "", "send a test to every alert target"},
    {"check-config", cli_check_config, TAKES_SAMPLE, OPERAND_OPTIONAL, "[--sample] [FILE]",
     "say what is wrong with the configuration, or print a sample"},
};

enum option_code {
    OPTION_CONFIG = 256,
    OPTION_RUNTIME_DIR,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_JSON,
    OPTION_WATCH,
    OPTION_ACTION,
    OPTION_DRY_RUN,
    OPTION_FOR,
    OPTION_LIMIT,
    OPTION_SAMPLE,
};

static const struct option long_options[] = {
    {"config", required_argument, NULL, OPTION_CONFIG}, {"runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR},
    {"help", no_argument, NULL, OPTION_HELP},           {"version", no_argument, NULL, OPTION_VERSION},
    {"json", no_argument, NULL, OPTION_JSON},           {"watch", no_argument, NULL, OPTION_WATCH},
    {"action", required_argument, NULL, OPTION_ACTION}, {"dry-run", no_argument, NULL, OPTION_DRY_RUN},
    {"for", required_argument, NULL, OPTION_FOR},       {"limit", required_argument, NULL, OPTION_LIMIT},
    {"sample", no_argument, NULL, OPTION_SAMPLE},       {NULL, 0, NULL, 0},
};

/* What was typed, as far as the command itself does not care. */
struct request {
    struct cli cli;
    unsigned given; /* bits of enum option_bit */
    bool help;
    bool version;
};

static void print_help(void)
{
    (void)printf("Usage: rekindle [--config FILE] [--runtime-dir DIR] COMMAND\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        (void)printf("  %s%s%s\n        %s\n", commands[i].name, commands[i].usage[0] ? " " : "", commands[i].usage,
                     commands[i].help);
    (void)printf("  help\n        this text\n\n"
                 "A TUNNEL is CONNECTION/TUNNEL, its outside address, or its connection where that has one tunnel.\n"
                 "Exit status: 0 fine, 1 warning, 2 failed, 3 could not tell, 64 usage.\n");
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (str_eq(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static bool take_span(struct request *r, const char *text)
{
    if (parse_duration(text, &r->cli.span) < 0 || r->cli.span < USEC_PER_SEC) {
        (void)fprintf(stderr, "rekindle: --for %s: a duration of a second or more is wanted, such as 30m or 2h\n",
                      text);
        return false;
    }
    return true;
}

static bool take_option(struct request *r, int code)
{
    switch (code) {
    case OPTION_CONFIG:
        r->cli.config = optarg;
        return true;
    case OPTION_RUNTIME_DIR:
        r->cli.runtime_dir = optarg;
        return true;
    case OPTION_HELP:
        r->help = true;
        return true;
    case OPTION_VERSION:
        r->version = true;
        return true;
    case OPTION_JSON:
        r->cli.json = true;
        r->given |= TAKES_JSON;
        return true;
    case OPTION_WATCH:
        r->cli.watch = true;
        r->given |= TAKES_WATCH;
        return true;
    case OPTION_ACTION:
        r->cli.action = optarg;
        r->given |= TAKES_ACTION;
        return true;
    case OPTION_DRY_RUN:
        r->cli.dry_run = true;
        r->given |= TAKES_DRY_RUN;
        return true;
    case OPTION_FOR:
        r->given |= TAKES_FOR;
        return take_span(r, optarg);
    case OPTION_LIMIT:
        r->cli.limit = optarg;
        r->given |= TAKES_LIMIT;
        return true;
    case OPTION_SAMPLE:
        r->cli.sample = true;
        r->given |= TAKES_SAMPLE;
        return true;
    default: /* getopt has said what is wrong */
        return false;
    }
}

static enum cli_exit usage_error(const struct command *c)
{
    if (c)
        (void)fprintf(stderr, "Usage: rekindle %s %s\n", c->name, c->usage);
    else
        (void)fputs("Type `rekindle help` for the list of commands.\n", stderr);
    return CLI_USAGE;
}

static enum cli_exit run(struct request *r, int n_words, char *const *words)
{
    const struct command *c = find_command(words[0]);
    int n_operands = n_words - 1;

    if (!c) {
        (void)fprintf(stderr, "rekindle: there is no command \"%s\".\n", words[0]);
        return usage_error(NULL);
    }
    if (r->given & ~c->takes) {
        (void)fprintf(stderr, "rekindle %s: an option was given that this command does not know.\n", c->name);
        return usage_error(c);
    }
    if (n_operands > (c->operand == OPERAND_NONE ? 0 : 1) || (n_operands == 0 && c->operand == OPERAND_NEEDED)) {
        (void)fprintf(stderr, "rekindle %s: too %s arguments.\n", c->name, n_operands == 0 ? "few" : "many");
        return usage_error(c);
    }
    r->cli.operand = n_operands > 0 ? words[1] : NULL;
    return c->fn(&r->cli);
}

int main(int argc, char **argv)
{
    struct request r = {.cli = {.config = CLI_CONFIG, .runtime_dir = CLI_RUNTIME_DIR}};
    int code;

    (void)setlocale(LC_CTYPE, "");
    while ((code = getopt_long(argc, argv, "", long_options, NULL)) != -1)
        if (!take_option(&r, code))
            return (int)usage_error(NULL);
    if (r.version) {
        (void)puts("rekindle " REKINDLE_VERSION);
        return CLI_FINE;
    }
    if (r.help || (optind < argc && str_eq(argv[optind], "help"))) {
        print_help();
        return CLI_FINE;
    }
    if (optind >= argc) {
        (void)fputs("rekindle: a command is missing.\n", stderr);
        return (int)usage_error(NULL);
    }
    return (int)run(&r, argc - optind, &argv[optind]);
}
