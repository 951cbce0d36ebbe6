#include "clients/aws/ec2.h"

#include "base/str.h"
#include "clients/aws/ec2_xml.h"
#include "clients/aws/query.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct aws_service service = {
    .variable = "AWS_ENDPOINT_URL_EC2",
    .section = "ec2",
    .host = "ec2",
    .signing = "ec2",
    .version = "2016-11-15",
};

struct ec2 {
    struct query_client *client; /* owned */
};

struct request {
    ec2_describe_fn described; /* one of the two */
    ec2_modify_fn modified;
    void *data; /* borrowed for the callback */
};

const char *ec2_state_name(enum ec2_state s)
{
    static const char *const names[] = {
        [EC2_STATE_UNKNOWN] = "unknown",     [EC2_STATE_PENDING] = "pending",   [EC2_STATE_AVAILABLE] = "available",
        [EC2_STATE_MODIFYING] = "modifying", [EC2_STATE_DELETING] = "deleting", [EC2_STATE_DELETED] = "deleted",
    };

    return names[s];
}

const char *ec2_dpd_name(enum ec2_dpd a)
{
    static const char *const names[] = {
        [EC2_DPD_CLEAR] = "clear",
        [EC2_DPD_NONE] = "none",
        [EC2_DPD_RESTART] = "restart",
    };

    return names[a];
}

const char *ec2_startup_name(enum ec2_startup a)
{
    static const char *const names[] = {
        [EC2_STARTUP_ADD] = "add",
        [EC2_STARTUP_START] = "start",
    };

    return names[a];
}

int ec2_new(struct loop *l, struct http *h, const char *region, struct ec2 **ret)
{
    cleanup(ec2_freep) struct ec2 *e = NULL;
    char name[AWS_REGION_MAX];
    int r = aws_region_find(region, name);

    if (r < 0)
        return r;
    e = calloc(1, sizeof *e);
    if (!e)
        return -ENOMEM;
    r = query_client_new(l, h, &service, name, &e->client);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(e);
    return 0;
}

struct ec2 *ec2_free(struct ec2 *e)
{
    if (!e)
        return NULL;
    e->client = query_client_free(e->client);
    free(e);
    return NULL;
}

static bool belongs_to(const void *request, const void *data)
{
    return ((const struct request *)request)->data == data;
}

void ec2_cancel(struct ec2 *e, const void *data)
{
    query_cancel(e->client, belongs_to, data);
}

/* Reads BODY into *RET where AWS answered well; else or where it cannot be read F holds the failure. */
static void read_connections(struct aws_failure *f, const char *body, size_t len, struct ec2_connections *ret)
{
    int r;

    if (!body)
        return;
    r = ec2_xml_read(body, len, ret);
    if (r < 0)
        aws_failure_set(f, AWS_PROTOCOL, "AWS's answer cannot be read: %s", strerrordesc_np(-r));
}

static void on_described(void *data, const struct aws_failure *f, const char *body, size_t len)
{
    const struct request *r = data;
    struct ec2_connections c = {0};
    struct aws_failure failure = *f;

    read_connections(&failure, body, len, &c);
    r->described(r->data, &failure, failure.error == AWS_OK ? &c : NULL);
    ec2_xml_done(&c);
}

static void on_modified(void *data, const struct aws_failure *f, const char *body, size_t len)
{
    const struct request *r = data;
    struct ec2_connections c = {0};
    struct aws_failure failure = *f;

    read_connections(&failure, body, len, &c);
    if (body && failure.error == AWS_OK && c.n != 1)
        aws_failure_set(&failure, AWS_PROTOCOL, "AWS's answer holds no connection");
    r->modified(r->data, &failure, c.n == 1 ? c.connections : NULL);
    ec2_xml_done(&c);
}

static int send_form(struct ec2 *e, const char *action, const struct strbuf *form, bool mutating,
                     const struct request *r)
{
    struct request *owned = malloc(sizeof *owned);
    struct query q = {
        .action = action,
        .form = form,
        .answer_max = EC2_ANSWER_MAX,
        .mutating = mutating,
        .fn = r->described ? on_described : on_modified,
        .data = owned,
        .destroy = free,
    };
    int k;

    if (!owned)
        return -ENOMEM;
    *owned = *r;
    k = query_send(e->client, &q);
    if (k < 0)
        free(owned);
    return k;
}

int ec2_describe_vpn_connections(struct ec2 *e, const char *const *ids, size_t n, ec2_describe_fn fn, void *data)
{
    static const char action[] = "DescribeVpnConnections";
    cleanup(strbuf_done) struct strbuf form;

    strbuf_init(&form, QUERY_FORM_MAX);
    query_form_start(&form, &service, action);
    for (size_t i = 0; i < n; i++)
        query_form_add_nth(&form, "VpnConnectionId", i + 1, ids[i]);
    return send_form(e, action, &form, false, &(struct request){.described = fn, .data = data});
}

int ec2_modify_vpn_tunnel_options(struct ec2 *e, const char *connection_id, const struct addr *outside,
                                  const struct ec2_tunnel_change *change, bool dry_run, ec2_modify_fn fn, void *data)
{
    static const char action[] = "ModifyVpnTunnelOptions";
    cleanup(strbuf_done) struct strbuf form;
    char address[ADDR_TEXT_MAX];

    strbuf_init(&form, QUERY_FORM_MAX);
    query_form_start(&form, &service, action);
    query_form_add(&form, "VpnConnectionId", connection_id);
    query_form_add(&form, "VpnTunnelOutsideIpAddress", addr_text(outside, address));
    if (change->set_dpd_action)
        query_form_add(&form, "TunnelOptions.DPDTimeoutAction", ec2_dpd_name(change->dpd_action));
    if (change->set_startup_action)
        query_form_add(&form, "TunnelOptions.StartupAction", ec2_startup_name(change->startup_action));
    if (dry_run)
        query_form_add(&form, "DryRun", "true");
    return send_form(e, action, &form, !dry_run, &(struct request){.modified = fn, .data = data});
}
