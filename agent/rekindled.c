/*
 * rekindled, the daemon: stays in the foreground, tells systemd when it is ready, reloads on SIGHUP and ends with
 * status 0 on SIGTERM and SIGINT.
 */
#include "agent/agent.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/version.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <time.h>

#define EXIT_USAGE      64
#define EXIT_CONFIG     2
#define STATUS_INTERVAL (1 * USEC_PER_SEC)
#define TRIM_FIRST      (3 * USEC_PER_SEC) /* after the start */
#define TRIM_INTERVAL   (1 * USEC_PER_MIN)
#define TEXT_MAX        512

struct daemon_state {
    struct loop *loop;
    struct agent *agent;
    struct loop_timer *status_timer;
    struct loop_timer *trim_timer;
    char status[TEXT_MAX];
};

static const char usage[] = "Usage: rekindled [OPTION]...\n"
                            "Watches AWS Site-to-Site VPN tunnels and brings them back. Stays in the foreground.\n"
                            "\n"
                            "  -c, --config FILE      configuration (default /etc/rekindle/rekindle.conf)\n"
                            "      --state-dir DIR    store (default /var/lib/rekindle)\n"
                            "      --runtime-dir DIR  control socket (default /run/rekindle)\n"
                            "      --foreground       accepted; it always stays there\n"
                            "  -v, --verbose          log for debugging\n"
                            "      --version          print the version and end\n"
                            "  -h, --help             print this and end\n"
                            "\n"
                            "SIGHUP reads the configuration again; SIGTERM ends it.\n";

static void on_end(void *data, int signo)
{
    struct daemon_state *d = data;

    log_info("%s: ending", signo == SIGTERM ? "SIGTERM" : "SIGINT");
    (void)sd_notify(0, "STOPPING=1");
    loop_stop(d->loop, 0);
}

static void on_reload(void *data, int signo)
{
    struct daemon_state *d = data;
    char error[TEXT_MAX];
    uint64_t monotonic = 0;

    (void)signo;
    /* systemd 253 and later want the time, of a clock that nothing else here goes by; earlier ones ignore it. */
    (void)sd_event_now(loop_event(d->loop), CLOCK_MONOTONIC, &monotonic);
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, monotonic);
    if (agent_reload(d->agent, error, sizeof(error)) < 0)
        log_error("the reload failed; the running configuration stays in force");
    (void)sd_notify(0, "READY=1");
}

static void on_status(void *data, usec_t now)
{
    struct daemon_state *d = data;
    char text[TEXT_MAX];

    (void)now;
    agent_describe(d->agent, text, sizeof(text));
    if (!str_eq(text, d->status)) {
        (void)str_copy(d->status, sizeof(d->status), text);
        (void)sd_notifyf(0, "STATUS=%s", text);
    }
    loop_timer_in(d->status_timer, STATUS_INTERVAL);
}

static void on_trim(void *data, usec_t now)
{
    struct daemon_state *d = data;

    (void)now;
    memory_trim();
    loop_timer_in(d->trim_timer, TRIM_INTERVAL);
}

static int run(const struct agent_args *args)
{
    cleanup(loop_freep) struct loop *loop = NULL;
    cleanup(agent_freep) struct agent *agent = NULL;
    cleanup(loop_timer_freep) struct loop_timer *status = NULL, *trim = NULL;
    cleanup(loop_signal_freep) struct loop_signal *term = NULL, *interrupt = NULL, *hangup = NULL;
    struct daemon_state d = {0};
    int r = loop_new(&loop);

    if (r < 0) {
        log_error("cannot make an event loop: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    d.loop = loop;
    if (loop_signal_new(loop, SIGTERM, on_end, &d, &term) < 0 ||
        loop_signal_new(loop, SIGINT, on_end, &d, &interrupt) < 0 ||
        loop_signal_new(loop, SIGHUP, on_reload, &d, &hangup) < 0 || loop_timer_new(loop, on_status, &d, &status) < 0 ||
        loop_timer_new(loop, on_trim, &d, &trim) < 0) {
        log_error("cannot set up signals");
        return EXIT_FAILURE;
    }
    r = agent_new(loop, args, &agent);
    if (r < 0)
        return r == -EINVAL || r == -ENOENT || r == -EACCES ? EXIT_CONFIG : EXIT_FAILURE;
    d.agent = agent;
    d.status_timer = status;
    d.trim_timer = trim;
    r = loop_watchdog(loop);
    if (r < 0)
        log_warning("systemd's watchdog cannot be fed: %s", strerror(-r));
    loop_timer_in(status, 0);
    loop_timer_in(trim, TRIM_FIRST);
    (void)sd_notify(0, "READY=1");
    log_info("rekindled %s watches", REKINDLE_VERSION);
    r = loop_run(loop);
    return r < 0 ? EXIT_FAILURE : r;
}

enum long_option {
    OPTION_STATE_DIR = 256,
    OPTION_RUNTIME_DIR,
    OPTION_FOREGROUND,
    OPTION_VERSION,
};

static const struct option options[] = {
    {"config", required_argument, NULL, 'c'},
    {"state-dir", required_argument, NULL, OPTION_STATE_DIR},
    {"runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR},
    {"foreground", no_argument, NULL, OPTION_FOREGROUND},
    {"verbose", no_argument, NULL, 'v'},
    {"version", no_argument, NULL, OPTION_VERSION},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

int main(int argc, char **argv)
{
    struct agent_args args = {"/etc/rekindle/rekindle.conf", "/var/lib/rekindle", "/run/rekindle"};
    int level = LOG_INFO;
    int c;

    while ((c = getopt_long(argc, argv, "c:vh", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            args.config_path = optarg;
            break;
        case OPTION_STATE_DIR:
            args.state_dir = optarg;
            break;
        case OPTION_RUNTIME_DIR:
            args.runtime_dir = optarg;
            break;
        case OPTION_FOREGROUND:
            break;
        case 'v':
            level = LOG_DEBUG;
            break;
        case OPTION_VERSION:
            (void)printf("rekindled %s\n", REKINDLE_VERSION);
            return EXIT_SUCCESS;
        case 'h':
            (void)fputs(usage, stdout);
            return EXIT_SUCCESS;
        default:
            (void)fputs("Try: rekindled --help\n", stderr);
            return EXIT_USAGE;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "rekindled: unexpected argument: %s\nTry: rekindled --help\n", argv[optind]);
        return EXIT_USAGE;
    }
    log_open("rekindled", level);
    secret_no_dumps();
    memory_frugal();
    return run(&args);
}
