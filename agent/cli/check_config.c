#include "agent/cli/cli.h"
#include "base/strbuf.h"
#include "conf/conf.h"

#include <stdio.h>

#define TEXT_MAX (1024 * 1024)

static const char *plural(size_t n)
{
    return n == 1 ? "" : "s";
}

static enum cli_exit print_sample(void)
{
    struct strbuf text cleanup(strbuf_done);

    strbuf_init(&text, TEXT_MAX);
    conf_sample(&text);
    (void)fputs(strbuf_text(&text), stdout);
    return text.bad ? CLI_FAILED : CLI_FINE;
}

static enum cli_exit check(const char *path)
{
    struct strbuf errors cleanup(strbuf_done), warnings cleanup(strbuf_done);
    struct conf *conf cleanup(conf_freep) = NULL;
    size_t tunnels = 0;

    strbuf_init(&errors, TEXT_MAX);
    strbuf_init(&warnings, TEXT_MAX);

    int r = conf_load(path, &conf, &errors, &warnings);

    (void)fputs(strbuf_text(&errors), stderr);
    (void)fputs(strbuf_text(&warnings), stderr);
    if (r < 0)
        return CLI_FAILED;
    for (size_t i = 0; i < conf->n_connections; i++)
        tunnels += conf->connections[i].n_tunnels;
    (void)printf("%s: %zu connection%s, %zu tunnel%s, mode %s: fine\n", path, conf->n_connections,
                 plural(conf->n_connections), tunnels, plural(tunnels), conf_mode_name(conf->mode));
    return CLI_FINE;
}

enum cli_exit cli_check_config(const struct cli *cli)
{
    return cli->sample ? print_sample() : check(cli->operand ? cli->operand : cli->config);
}
