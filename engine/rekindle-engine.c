/*
 * rekindle-engine: a user-space IKEv2 gateway that is controlled over VICI. Stays in the foreground and ends with
 * status 0 on SIGTERM and SIGINT, after telling its peers.
 */
#include "base/log.h"
#include "base/memory.h"
#include "base/parse.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/version.h"
#include "engine/daemon.h"
#include "engine/io/privileges.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define EXIT_USAGE  64
#define UNIX_PREFIX "unix://"

static const char usage[] =
    "Usage: rekindle-engine [OPTION]...\n"
    "An IKEv2 gateway in user space. Load connections with swanctl:\n"
    "  swanctl --load-all --uri unix:///run/rekindle/engine.vici\n"
    "\n"
    "      --vici URI             control socket (default unix:///run/rekindle/engine.vici)\n"
    "      --state-dir DIR        what a restart must find again (default /var/lib/rekindle)\n"
    "      --allow-legacy         take the weak groups MODP 2 and 5 too\n"
    "      --cookie-threshold N   half-open IKE_SAs from which on a COOKIE is asked for\n"
    "      --flush                remove the routes that an earlier run left unreachable, and end\n"
    "      --foreground           accepted; it always stays there\n"
    "  -v, --verbose              log for debugging\n"
    "      --version              print the version and end\n"
    "  -h, --help                 print this and end\n"
    "\n"
    "SIGTERM ends it. Networks of its tunnels stay unreachable then, so that nothing leaves in clear.\n";

static void on_end(void *data, int signo)
{
    log_info("%s: ending", signo == SIGTERM ? "SIGTERM" : "SIGINT");
    (void)sd_notify(0, "STOPPING=1");
    loop_stop(data, 0);
}

static int drop_privileges(void)
{
    bool is_root;
    int r = privileges_drop(PRIVILEGES_USER, &is_root);

    if (r < 0)
        log_error("cannot drop privileges: %s", strerror(-r));
    else if (is_root)
        log_warning("there is no user %s: the engine runs as root, without its privileges", PRIVILEGES_USER);
    return r;
}

static int run(const struct daemon_config *config)
{
    cleanup(loop_freep) struct loop *loop = NULL;
    cleanup(loop_signal_freep) struct loop_signal *term = NULL, *interrupt = NULL;
    cleanup(daemon_freep) struct daemon *daemon = NULL;
    int r = loop_new(&loop);

    if (r < 0 || loop_signal_new(loop, SIGTERM, on_end, loop, &term) < 0 ||
        loop_signal_new(loop, SIGINT, on_end, loop, &interrupt) < 0) {
        log_error("cannot make an event loop");
        return EXIT_FAILURE;
    }
    if (daemon_new(loop, config, &daemon) < 0 || drop_privileges() < 0)
        return EXIT_FAILURE;
    r = loop_watchdog(loop);
    if (r < 0)
        log_warning("systemd's watchdog cannot be fed: %s", strerror(-r));
    (void)sd_notify(0, "READY=1");
    log_info("rekindle-engine %s listens on %s", REKINDLE_VERSION, config->vici_path);
    r = loop_run(loop);
    return r < 0 ? EXIT_FAILURE : r;
}

static int flush(void)
{
    int r = daemon_flush();

    if (r < 0)
        log_error("cannot remove the routes: %s", strerror(-r));
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

enum long_option {
    OPTION_VICI = 256,
    OPTION_STATE_DIR,
    OPTION_ALLOW_LEGACY,
    OPTION_COOKIE_THRESHOLD,
    OPTION_FLUSH,
    OPTION_FOREGROUND,
    OPTION_VERSION,
};

static const struct option options[] = {
    {"vici", required_argument, NULL, OPTION_VICI},
    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
    {"allow-legacy", no_argument, NULL, OPTION_ALLOW_LEGACY},
    {"cookie-threshold", required_argument, NULL, OPTION_COOKIE_THRESHOLD},
    {"flush", no_argument, NULL, OPTION_FLUSH},
    {"foreground", no_argument, NULL, OPTION_FOREGROUND},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static int usage_error(const char *what, const char *word)
{
    if (what)
        (void)fprintf(stderr, "rekindle-engine: %s: %s\n", what, word);
    (void)fputs("Try: rekindle-engine --help\n", stderr);
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    struct daemon_config config = {.vici_path = "/run/rekindle/engine.vici", .state_dir = "/var/lib/rekindle"};
    int level = LOG_INFO;
    bool only_flush = false;
    int c;

    while ((c = getopt_long(argc, argv, "vh", options, NULL)) != -1) {
        switch (c) {
        case OPTION_VICI:
            if (!str_starts(optarg, UNIX_PREFIX "/"))
                return usage_error("--vici takes unix:///path", optarg);
            config.vici_path = optarg + strlen(UNIX_PREFIX);
            break;
        case OPTION_STATE_DIR:
            config.state_dir = optarg;
            break;
        case OPTION_ALLOW_LEGACY:
            config.allow_legacy = true;
            break;
        case OPTION_COOKIE_THRESHOLD:
            if (parse_u32(optarg, UINT32_MAX, &config.cookie_threshold) < 0)
                return usage_error("--cookie-threshold takes a number", optarg);
            config.has_cookie_threshold = true;
            break;
        case OPTION_FLUSH:
            only_flush = true;
            break;
        case OPTION_FOREGROUND:
            break;
        case 'v':
            level = LOG_DEBUG;
            break;
        case OPTION_VERSION:
            (void)puts("rekindle-engine " REKINDLE_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            (void)fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            return usage_error(NULL, NULL);
        }
    }
    if (optind < argc)
        return usage_error("unexpected argument", argv[optind]);
    log_open("rekindle-engine", level);
    secret_no_dumps();
    memory_frugal();
    return only_flush ? flush() : run(&config);
}
