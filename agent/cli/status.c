#include "agent/cli/field.h"
#include "agent/cli/request.h"
#include "agent/cli/status_view.h"
#include "base/cleanup.h"
#include "base/str.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCH_INTERVAL 1 /* seconds */
#define HIDE_CURSOR    "\033[?25l"
#define SHOW_CURSOR    "\033[?25h"
#define CLEAR_SCREEN   "\033[2J"
#define GO_HOME        "\033[H"
#define CLEAR_LINE     "\033[K"
#define CLEAR_BELOW    "\033[J"

static int ask(const struct cli *cli, struct reply *ret, char error[static REQUEST_ERROR_MAX])
{
    char text[FIELD_MAX];
    int r = request_send(cli, "/v1/status", NULL, ret, error);

    if (r < 0 || ret->status == 200)
        return r;
    (void)str_copy(error, REQUEST_ERROR_MAX,
                   field_text(ret->body, "error", "rekindled does not tell its status.", text));
    return -EPROTO;
}

static enum cli_exit show_once(const struct cli *cli)
{
    struct reply reply cleanup(reply_done) = {0};
    struct strbuf text cleanup(strbuf_done);
    char error[REQUEST_ERROR_MAX];
    struct style s = style_of_stdout();

    strbuf_init(&text, STATUS_VIEW_MAX);
    if (ask(cli, &reply, error) < 0) {
        (void)fprintf(stderr, "%s\n", error);
        return CLI_UNKNOWN;
    }
    if (cli->json) {
        (void)printf("%s\n", strbuf_text(&reply.text));
    } else {
        status_view_render(reply.body, &s, &text);
        (void)fputs(strbuf_text(&text), stdout);
    }
    return status_view_exit(reply.body);
}

/* Draws TEXT over what stood there, and no more rows than there are: what scrolls cannot be drawn over. */
static void redraw(const char *text, unsigned height)
{
    (void)fputs(GO_HOME, stdout);
    for (unsigned row = 1; *text != '\0'; row++) {
        size_t len = strcspn(text, "\n");

        if (height > 1 && row + 1 >= height && text[len] != '\0' && text[len + 1] != '\0') {
            (void)fputs("(more: enlarge the terminal)" CLEAR_LINE, stdout);
            break;
        }
        (void)printf("%.*s%s\n", (int)len, text, CLEAR_LINE);
        text = text[len] != '\0' ? &text[len + 1] : &text[len];
    }
    (void)fputs(CLEAR_BELOW, stdout);
}

/* One look of a watch. LAST is the digest of the look before. */
static enum cli_exit look(const struct cli *cli, struct strbuf *last)
{
    struct reply reply cleanup(reply_done) = {0};
    struct strbuf text cleanup(strbuf_done), digest cleanup(strbuf_done);
    char error[REQUEST_ERROR_MAX];
    struct style s = style_of_stdout();
    enum cli_exit result = CLI_UNKNOWN;
    int r;

    strbuf_init(&text, STATUS_VIEW_MAX);
    strbuf_init(&digest, STATUS_VIEW_MAX);
    r = ask(cli, &reply, error);
    if (r == -EINTR) /* the watch ends, and what it showed last stays */
        return result;
    if (r < 0) {
        strbuf_printf(&text, "%s\n", error);
        strbuf_puts(&digest, error);
    } else {
        status_view_render(reply.body, &s, &text);
        status_view_digest(reply.body, &digest);
        result = status_view_exit(reply.body);
    }
    if (isatty(STDOUT_FILENO)) {
        redraw(strbuf_text(&text), s.height);
    } else if (!str_eq(strbuf_text(&digest), strbuf_text(last))) {
        (void)printf("%s%s", last->len > 0 ? "\n" : "", strbuf_text(&text));
        strbuf_reset(last);
        strbuf_puts(last, strbuf_text(&digest));
    }
    (void)fflush(stdout);
    return result;
}

/* Until a signal says that it is enough. Signals are blocked and awaited, so that the cursor is always given back. */
static enum cli_exit watch(const struct cli *cli)
{
    static const struct timespec interval = {.tv_sec = WATCH_INTERVAL};
    struct strbuf last cleanup(strbuf_done);
    bool terminal = isatty(STDOUT_FILENO);
    enum cli_exit result;
    sigset_t ends;
    int got;

    strbuf_init(&last, STATUS_VIEW_MAX);
    (void)sigemptyset(&ends);
    (void)sigaddset(&ends, SIGINT);
    (void)sigaddset(&ends, SIGTERM);
    (void)sigaddset(&ends, SIGHUP);
    (void)sigaddset(&ends, SIGWINCH);
    (void)sigprocmask(SIG_BLOCK, &ends, NULL);
    if (terminal)
        (void)fputs(HIDE_CURSOR CLEAR_SCREEN, stdout);
    do {
        result = look(cli, &last);
        got = sigtimedwait(&ends, NULL, &interval);
        if (got == SIGWINCH)
            (void)fputs(terminal ? CLEAR_SCREEN : "", stdout);
    } while ((got < 0 || got == SIGWINCH) && !ferror(stdout));
    if (terminal)
        (void)fputs(SHOW_CURSOR "\n", stdout);
    return result;
}

enum cli_exit cli_status(const struct cli *cli)
{
    if (cli->watch && cli->json) {
        (void)fputs("rekindle status: --json prints one document; it cannot be combined with --watch\n", stderr);
        return CLI_USAGE;
    }
    return cli->watch ? watch(cli) : show_once(cli);
}
