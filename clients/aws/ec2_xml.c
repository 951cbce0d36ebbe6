#include "clients/aws/ec2_xml.h"

#include "base/array.h"
#include "base/parse.h"
#include "base/str.h"
#include "clients/aws/xml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROW 8 /* connections allocated at a time */

enum element {
    DESCRIBED = 1,
    CONNECTIONS,
    CONNECTION,
    CONNECTION_ID,
    STATE,
    CUSTOMER_GATEWAY,
    OPTIONS,
    STATIC_ROUTES_ONLY,
    TUNNELS,
    TUNNEL,
    TUNNEL_OUTSIDE,
    TUNNEL_INSIDE,
    DPD_ACTION,
    DPD_SECONDS,
    STARTUP_ACTION,
    IKE_VERSIONS,
    IKE_VERSION,
    IKE_VALUE,
    TELEMETRIES,
    TELEMETRY,
    TELEMETRY_OUTSIDE,
    TELEMETRY_STATUS,
    TELEMETRY_MESSAGE,
    TELEMETRY_CHANGE,
    TELEMETRY_ROUTES,
    MODIFIED,
};

static const struct xml_rule rules[] = {
    {XML_TOP, "DescribeVpnConnectionsResponse", DESCRIBED, XML_NO_TEXT},
    {DESCRIBED, "vpnConnectionSet", CONNECTIONS, XML_NO_TEXT},
    {CONNECTIONS, "item", CONNECTION, XML_NO_TEXT},
    {XML_TOP, "ModifyVpnTunnelOptionsResponse", MODIFIED, XML_NO_TEXT},
    {MODIFIED, "vpnConnection", CONNECTION, XML_NO_TEXT},
    {CONNECTION, "vpnConnectionId", CONNECTION_ID, XML_TEXT},
    {CONNECTION, "state", STATE, XML_TEXT},
    {CONNECTION, "customerGatewayId", CUSTOMER_GATEWAY, XML_TEXT},
    {CONNECTION, "options", OPTIONS, XML_NO_TEXT},
    {OPTIONS, "staticRoutesOnly", STATIC_ROUTES_ONLY, XML_TEXT},
    {OPTIONS, "tunnelOptionSet", TUNNELS, XML_NO_TEXT},
    {TUNNELS, "item", TUNNEL, XML_NO_TEXT},
    {TUNNEL, "outsideIpAddress", TUNNEL_OUTSIDE, XML_TEXT},
    {TUNNEL, "tunnelInsideCidr", TUNNEL_INSIDE, XML_TEXT},
    {TUNNEL, "dpdTimeoutAction", DPD_ACTION, XML_TEXT},
    {TUNNEL, "dpdTimeoutSeconds", DPD_SECONDS, XML_TEXT},
    {TUNNEL, "startupAction", STARTUP_ACTION, XML_TEXT},
    {TUNNEL, "ikeVersionSet", IKE_VERSIONS, XML_NO_TEXT},
    {IKE_VERSIONS, "item", IKE_VERSION, XML_NO_TEXT},
    {IKE_VERSION, "value", IKE_VALUE, XML_TEXT},
    {CONNECTION, "vgwTelemetry", TELEMETRIES, XML_NO_TEXT},
    {TELEMETRIES, "item", TELEMETRY, XML_NO_TEXT},
    {TELEMETRY, "outsideIpAddress", TELEMETRY_OUTSIDE, XML_TEXT},
    {TELEMETRY, "status", TELEMETRY_STATUS, XML_TEXT},
    {TELEMETRY, "statusMessage", TELEMETRY_MESSAGE, XML_TEXT},
    {TELEMETRY, "lastStatusChange", TELEMETRY_CHANGE, XML_TEXT},
    {TELEMETRY, "acceptedRouteCount", TELEMETRY_ROUTES, XML_TEXT},
};

struct tunnel {
    struct ec2_tunnel t;
    bool unreadable;
    bool any_ike_version;
    bool ikev2;
};

struct telemetry {
    struct addr outside;
    struct ec2_telemetry t;
};

/* The connection and its tunnels as they come in; joined when the connection ends. */
struct builder {
    struct ec2_connections all; /* owned */
    size_t room;
    struct ec2_connection connection;
    struct tunnel tunnels[EC2_TUNNELS_MAX];
    size_t n_tunnels;
    struct telemetry telemetries[EC2_TUNNELS_MAX];
    size_t n_telemetries;
};

static enum ec2_state state_of(const char *text)
{
    static const enum ec2_state states[] = {
        EC2_STATE_PENDING, EC2_STATE_AVAILABLE, EC2_STATE_MODIFYING, EC2_STATE_DELETING, EC2_STATE_DELETED,
    };

    for (size_t i = 0; i < ARRAY_LEN(states); i++)
        if (str_eq(text, ec2_state_name(states[i])))
            return states[i];
    return EC2_STATE_UNKNOWN;
}

static bool read_dpd_action(const char *text, enum ec2_dpd *ret)
{
    static const enum ec2_dpd actions[] = {EC2_DPD_CLEAR, EC2_DPD_NONE, EC2_DPD_RESTART};

    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (str_eq(text, ec2_dpd_name(actions[i]))) {
            *ret = actions[i];
            return true;
        }
    return text[0] == '\0';
}

static bool read_startup_action(const char *text, enum ec2_startup *ret)
{
    static const enum ec2_startup actions[] = {EC2_STARTUP_ADD, EC2_STARTUP_START};

    for (size_t i = 0; i < ARRAY_LEN(actions); i++)
        if (str_eq(text, ec2_startup_name(actions[i]))) {
            *ret = actions[i];
            return true;
        }
    return text[0] == '\0';
}

static int open_element(void *data, int element)
{
    struct builder *b = data;

    if (element == CONNECTION) {
        b->connection = (struct ec2_connection){0};
        b->n_tunnels = b->n_telemetries = 0;
    } else if (element == TUNNEL) {
        if (b->n_tunnels == EC2_TUNNELS_MAX)
            return -E2BIG;
        b->tunnels[b->n_tunnels++] = (struct tunnel){0};
    } else if (element == TELEMETRY) {
        if (b->n_telemetries == EC2_TUNNELS_MAX)
            return -E2BIG;
        b->telemetries[b->n_telemetries++] = (struct telemetry){0};
    }
    return 0;
}

static void close_tunnel_option(struct tunnel *t, enum element e, const char *text)
{
    if (e == TUNNEL_OUTSIDE)
        (void)addr_parse(text, &t->t.outside);
    else if (e == TUNNEL_INSIDE)
        str_printable(t->t.inside_cidr, sizeof t->t.inside_cidr, text, strlen(text));
    else if (e == DPD_ACTION)
        t->unreadable |= !read_dpd_action(text, &t->t.dpd_action);
    else if (e == STARTUP_ACTION)
        t->unreadable |= !read_startup_action(text, &t->t.startup_action);
    else if (e == DPD_SECONDS)
        (void)parse_u32(text, UINT32_MAX, &t->t.dpd_timeout);
    else if (e == IKE_VALUE) {
        t->any_ike_version = true;
        t->ikev2 |= str_eq(text, "ikev2");
    }
}

static void close_telemetry_part(struct telemetry *t, enum element e, const char *text)
{
    if (e == TELEMETRY_OUTSIDE)
        (void)addr_parse(text, &t->outside);
    else if (e == TELEMETRY_STATUS) {
        t->t.up = str_eq(text, "UP");
        t->t.known = t->t.up || str_eq(text, "DOWN");
    } else if (e == TELEMETRY_MESSAGE)
        str_printable(t->t.message, sizeof t->t.message, text, strlen(text));
    else if (e == TELEMETRY_CHANGE)
        (void)parse_rfc3339(text, &t->t.last_change);
    else if (e == TELEMETRY_ROUTES)
        (void)parse_u32(text, UINT32_MAX, &t->t.accepted_routes);
}

/* "IPSEC IS UP" beside the status DOWN: what is down is BGP. */
static void close_telemetry(struct telemetry *t)
{
    t->t.ipsec_up = t->t.up || str_starts(t->t.message, "IPSEC IS UP");
}

static void close_connection_part(struct ec2_connection *c, enum element e, const char *text)
{
    if (e == CONNECTION_ID)
        str_printable(c->id, sizeof c->id, text, strlen(text));
    else if (e == STATE)
        c->state = state_of(text);
    else if (e == CUSTOMER_GATEWAY)
        str_printable(c->customer_gateway_id, sizeof c->customer_gateway_id, text, strlen(text));
    else if (e == STATIC_ROUTES_ONLY)
        (void)parse_bool(text, &c->static_routes_only);
}

/* The order of the telemetry is not the order of the options: only the outside address tells which belongs to which. */
static void join(struct builder *b)
{
    struct ec2_connection *c = &b->connection;

    for (size_t i = 0; i < b->n_tunnels; i++) {
        struct tunnel *t = &b->tunnels[i];
        if (t->unreadable || !addr_is_set(&t->t.outside))
            continue;
        t->t.ikev2_allowed = !t->any_ike_version || t->ikev2;
        for (size_t k = 0; k < b->n_telemetries; k++)
            if (addr_equal(&t->t.outside, &b->telemetries[k].outside))
                t->t.telemetry = b->telemetries[k].t;
        c->tunnels[c->n_tunnels++] = t->t;
    }
}

static int add_connection(struct builder *b)
{
    if (b->all.n == EC2_CONNECTIONS_MAX)
        return -E2BIG;
    if (b->all.n == b->room) {
        struct ec2_connection *more = reallocarray(b->all.connections, b->room + GROW, sizeof *more);
        if (!more)
            return -ENOMEM;
        b->all.connections = more;
        b->room += GROW;
    }
    join(b);
    b->all.connections[b->all.n++] = b->connection;
    return 0;
}

static int close_element(void *data, int element, const char *text)
{
    struct builder *b = data;
    enum element e = (enum element)element;

    if (e == CONNECTION)
        return add_connection(b);
    if (e == TELEMETRY)
        close_telemetry(&b->telemetries[b->n_telemetries - 1]);
    else if (e > TUNNEL && e <= IKE_VALUE && b->n_tunnels > 0)
        close_tunnel_option(&b->tunnels[b->n_tunnels - 1], e, text);
    else if (e > TELEMETRY && e <= TELEMETRY_ROUTES && b->n_telemetries > 0)
        close_telemetry_part(&b->telemetries[b->n_telemetries - 1], e, text);
    else if (e > CONNECTION && e < TUNNELS)
        close_connection_part(&b->connection, e, text);
    return 0;
}

int ec2_xml_read(const char *doc, size_t len, struct ec2_connections *ret)
{
    const struct xml_handler handler = {rules, ARRAY_LEN(rules), open_element, close_element};
    struct builder b = {0};
    int r = xml_read(doc, len, &handler, &b);

    if (r < 0) {
        ec2_xml_done(&b.all);
        return r;
    }
    *ret = b.all;
    return 0;
}

void ec2_xml_done(struct ec2_connections *c)
{
    free(c->connections);
    *c = (struct ec2_connections){0};
}
