/* Commands that hand the daemon one order and print its sentence. */
#include "agent/cli/request.h"

#include "base/clock.h"

static void add_text(struct json_object *o, const char *key, const char *text)
{
    (void)json_object_object_add(o, key, text ? json_object_new_string(text) : NULL);
}

enum cli_exit cli_repair(const struct cli *cli)
{
    static const struct request_words would = {"Would be begun: ", "Nothing would be done: "};
    static const struct request_words does = {"Begun: ", "Nothing is done: "};
    struct json_object *body = json_object_new_object();

    add_text(body, "tunnel", cli->operand);
    add_text(body, "action", cli->action);
    (void)json_object_object_add(body, "dry_run", json_object_new_boolean(cli->dry_run));
    return request_order(cli, "/v1/repair", body, cli->dry_run ? &would : &does);
}

enum cli_exit cli_pause(const struct cli *cli)
{
    struct json_object *body = json_object_new_object();

    if (cli->span > 0) /* else the daemon's own default */
        (void)json_object_object_add(body, "for_seconds", json_object_new_int64((int64_t)(cli->span / USEC_PER_SEC)));
    add_text(body, "scope", cli->operand);
    return request_order(cli, "/v1/pause", body, NULL);
}

enum cli_exit cli_resume(const struct cli *cli)
{
    struct json_object *body = json_object_new_object();

    add_text(body, "scope", cli->operand);
    return request_order(cli, "/v1/resume", body, NULL);
}

enum cli_exit cli_approve(const struct cli *cli)
{
    struct json_object *body = json_object_new_object();

    add_text(body, "id", cli->operand);
    return request_order(cli, "/v1/approve", body, NULL);
}

enum cli_exit cli_reload(const struct cli *cli)
{
    return request_order(cli, "/v1/reload", json_object_new_object(), NULL);
}

enum cli_exit cli_test_alert(const struct cli *cli)
{
    return request_order(cli, "/v1/test-alert", json_object_new_object(), NULL);
}
