#include "tests/awssim/connection_xml.h"

#include "base/cleanup.h"
#include "base/str.h"
#include "tests/awssim/answer.h"

#include <arpa/inet.h>

#define CONFIGURATION_MAX 32768

/* The endpoint has the first host of the /30. */
static void add_inside_cidr(struct strbuf *out, const char *inside_aws)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr a;

    if (inet_pton(AF_INET, inside_aws, &a) != 1)
        return;
    a.s_addr &= htonl(~UINT32_C(3));
    if (inet_ntop(AF_INET, &a, text, sizeof text))
        strbuf_printf(out, "<tunnelInsideCidr>%s/30</tunnelInsideCidr>\n", text);
}

static void add_options(struct strbuf *out, const struct vpn_tunnel *t)
{
    strbuf_puts(out, "<item>\n");
    answer_element(out, "outsideIpAddress", t->outside);
    add_inside_cidr(out, t->inside_aws);
    answer_element(out, "preSharedKey", secret_text(t->psk));
    if (t->options.dpd_seconds > 0)
        strbuf_printf(out, "<dpdTimeoutSeconds>%u</dpdTimeoutSeconds>\n", t->options.dpd_seconds);
    if (!str_eq(t->options.dpd, VPN_DPD_DEFAULT))
        answer_element(out, "dpdTimeoutAction", t->options.dpd);
    if (!str_eq(t->options.startup, VPN_STARTUP_DEFAULT))
        answer_element(out, "startupAction", t->options.startup);
    strbuf_puts(out, "</item>\n");
}

static void add_telemetry(struct strbuf *out, const struct vpn_tunnel *t)
{
    char when[CLOCK_TEXT_MAX];

    strbuf_puts(out, "<item>\n<acceptedRouteCount>0</acceptedRouteCount>\n");
    answer_element(out, "lastStatusChange", clock_rfc3339(t->changed, when));
    answer_element(out, "outsideIpAddress", t->outside);
    answer_element(out, "status", t->up ? "UP" : "DOWN");
    answer_element(out, "statusMessage", t->up ? "" : "IPSEC IS DOWN");
    strbuf_puts(out, "</item>\n");
}

static void add_end(struct strbuf *out, const char *name, const char *outside, const char *inside)
{
    strbuf_printf(out,
                  "<%s><tunnel_outside_address><ip_address>%s</ip_address></tunnel_outside_address>"
                  "<tunnel_inside_address><ip_address>%s</ip_address><network_mask>255.255.255.252</network_mask>"
                  "<network_cidr>30</network_cidr></tunnel_inside_address></%s>\n",
                  name, outside, inside, name);
}

static void add_ipsec_tunnel(struct strbuf *out, const struct vpn *v, const struct vpn_tunnel *t)
{
    strbuf_puts(out, "<ipsec_tunnel>\n");
    add_end(out, "customer_gateway", v->gateway, t->inside_gateway);
    add_end(out, "vpn_gateway", t->outside, t->inside_aws);
    strbuf_puts(out, "<ike><authentication_protocol>sha1</authentication_protocol>"
                     "<encryption_protocol>aes-128-cbc</encryption_protocol><lifetime>28800</lifetime>"
                     "<perfect_forward_secrecy>group2</perfect_forward_secrecy><mode>main</mode>");
    answer_element(out, "pre_shared_key", secret_text(t->psk));
    strbuf_puts(out, "</ike>\n<ipsec><protocol>esp</protocol><authentication_protocol>hmac-sha1-96"
                     "</authentication_protocol><encryption_protocol>aes-128-cbc</encryption_protocol>"
                     "<lifetime>3600</lifetime><perfect_forward_secrecy>group2</perfect_forward_secrecy>"
                     "<mode>tunnel</mode><clear_df_bit>true</clear_df_bit>"
                     "<fragmentation_before_encryption>true</fragmentation_before_encryption>"
                     "<tcp_mss_adjustment>1379</tcp_mss_adjustment><dead_peer_detection><interval>10</interval>"
                     "<retries>3</retries></dead_peer_detection></ipsec>\n</ipsec_tunnel>\n");
}

static void add_configuration(struct strbuf *out, const struct vpn *v)
{
    cleanup(strbuf_done) struct strbuf document;

    strbuf_init_secret(&document, CONFIGURATION_MAX);
    strbuf_printf(&document, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<vpn_connection id=\"%s\">\n", v->id);
    strbuf_puts(&document, "<customer_gateway_id>cgw-0123456789abcdef0</customer_gateway_id>\n"
                           "<vpn_gateway_id>vgw-0123456789abcdef0</vpn_gateway_id>\n"
                           "<vpn_connection_type>ipsec.1</vpn_connection_type>\n"
                           "<vpn_connection_attributes>NoBGPVPNConnection</vpn_connection_attributes>\n");
    for (size_t i = 0; i < v->n_tunnels; i++)
        add_ipsec_tunnel(&document, v, &v->tunnels[i]);
    strbuf_puts(&document, "</vpn_connection>\n");
    answer_element(out, "customerGatewayConfiguration", strbuf_text(&document));
}

void connection_xml_add(struct strbuf *out, const struct vpn *v)
{
    answer_element(out, "vpnConnectionId", v->id);
    answer_element(out, "state", v->modifying ? "modifying" : "available");
    if (!v->modifying)
        add_configuration(out, v);
    strbuf_puts(out, "<type>ipsec.1</type>\n<category>VPN</category>\n"
                     "<customerGatewayId>cgw-0123456789abcdef0</customerGatewayId>\n"
                     "<vpnGatewayId>vgw-0123456789abcdef0</vpnGatewayId>\n"
                     "<gatewayAssociationState>associated</gatewayAssociationState>\n"
                     "<options>\n<enableAcceleration>false</enableAcceleration>\n"
                     "<staticRoutesOnly>true</staticRoutesOnly>\n"
                     "<localIpv4NetworkCidr>0.0.0.0/0</localIpv4NetworkCidr>\n"
                     "<remoteIpv4NetworkCidr>0.0.0.0/0</remoteIpv4NetworkCidr>\n"
                     "<outsideIpAddressType>PublicIpv4</outsideIpAddressType>\n"
                     "<tunnelInsideIpVersion>ipv4</tunnelInsideIpVersion>\n<tunnelOptionSet>\n");
    for (size_t i = 0; i < v->n_tunnels; i++)
        add_options(out, &v->tunnels[i]);
    strbuf_puts(out,
                "</tunnelOptionSet>\n</options>\n<routes><item>"
                "<destinationCidrBlock>10.9.0.0/24</destinationCidrBlock><state>available</state></item></routes>\n"
                "<tagSet><item><key>Name</key><value>aurora &amp; backup</value></item></tagSet>\n"
                "<vgwTelemetry>\n");
    for (size_t i = v->n_tunnels; i > 0; i--)
        add_telemetry(out, &v->tunnels[i - 1]);
    strbuf_puts(out, "</vgwTelemetry>\n");
}
