/* EC2's answers: faithful ones, and those that nobody should send. */
#include "clients/aws/ec2_xml.h"

#include "base/array.h"
#include "base/cleanup.h"
#include "base/str.h"
#include "base/strbuf.h"
#include "clients/aws/xml.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HEAD                                                                                                           \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"                                                                     \
    "<DescribeVpnConnectionsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">\n"                            \
    "    <requestId>f9ae2f1e-0000-4000-8000-000000000000</requestId>\n    <vpnConnectionSet>\n"
#define TAIL "    </vpnConnectionSet>\n</DescribeVpnConnectionsResponse>\n"

/* Telemetry stands in another order than the options; the first tunnel's options are at their defaults. */
static const char described[] = HEAD
    "<item><vpnConnectionId>vpn-0123456789abcdef0</vpnConnectionId><state>available</state>"
    "<customerGatewayConfiguration>&lt;?xml version=\"1.0\"?&gt;\n&lt;vpn_connection id=\"vpn-0123456789abcdef0\"&gt;"
    "&lt;pre_shared_key&gt;hush&lt;/pre_shared_key&gt;&lt;/vpn_connection&gt;</customerGatewayConfiguration>"
    "<type>ipsec.1</type><customerGatewayId>cgw-0e11f167</customerGatewayId><vpnGatewayId>vgw-9a4cacf3</vpnGatewayId>"
    "<category>VPN</category><newElement><state>pending</state></newElement>"
    "<options><enableAcceleration>false</enableAcceleration><staticRoutesOnly>true</staticRoutesOnly><tunnelOptionSet>"
    "<item><outsideIpAddress>203.0.113.10</outsideIpAddress><tunnelInsideCidr>169.254.10.0/30</tunnelInsideCidr>"
    "<preSharedKey>hush</preSharedKey></item>"
    "<item><startupAction>start</startupAction><dpdTimeoutAction>restart</dpdTimeoutAction>"
    "<dpdTimeoutSeconds>45</dpdTimeoutSeconds><ikeVersionSet><item><value>ikev1</value></item></ikeVersionSet>"
    "<outsideIpAddress>203.0.113.20</outsideIpAddress><tunnelInsideCidr>169.254.20.0/30</tunnelInsideCidr></item>"
    "</tunnelOptionSet></options>"
    "<routes><item><destinationCidrBlock>192.168.0.0/16</destinationCidrBlock><state>available</state></item></routes>"
    "<tagSet><item><key>Name</key><value>backup</value></item></tagSet>"
    "<vgwTelemetry>"
    "<item><outsideIpAddress>203.0.113.20</outsideIpAddress><status>UP</status>"
    "<lastStatusChange>2024-01-02T03:04:05.000Z</lastStatusChange><statusMessage>2 BGP ROUTES</statusMessage>"
    "<acceptedRouteCount>2</acceptedRouteCount></item>"
    "<item><acceptedRouteCount>0</acceptedRouteCount><outsideIpAddress>203.0.113.10</outsideIpAddress>"
    "<status>DOWN</status><statusMessage>IPSEC IS DOWN</statusMessage></item>"
    "</vgwTelemetry></item>" TAIL;

static int read_text(const char *text, struct ec2_connections *ret)
{
    return ec2_xml_read(text, strlen(text), ret);
}

static void assert_refused(const char *text, int error)
{
    struct ec2_connections c = {.n = 77};

    assert_int_equal(read_text(text, &c), error);
    assert_int_equal(c.n, 77);
    assert_null(c.connections);
}

static void test_connection_with_its_tunnels(void **state)
{
    struct ec2_connections all;
    const struct ec2_connection *c;
    char text[ADDR_TEXT_MAX];

    (void)state;
    assert_int_equal(read_text(described, &all), 0);
    assert_int_equal(all.n, 1);
    c = &all.connections[0];
    assert_string_equal(c->id, "vpn-0123456789abcdef0");
    assert_int_equal(c->state, EC2_STATE_AVAILABLE);
    assert_string_equal(c->customer_gateway_id, "cgw-0e11f167");
    assert_true(c->static_routes_only);
    assert_int_equal(c->n_tunnels, 2);
    assert_string_equal(addr_text(&c->tunnels[0].outside, text), "203.0.113.10");
    assert_string_equal(c->tunnels[0].inside_cidr, "169.254.10.0/30");
    assert_string_equal(addr_text(&c->tunnels[1].outside, text), "203.0.113.20");
    ec2_xml_done(&all);
}

static struct ec2_telemetry telemetry_of(const char *parts)
{
    cleanup(strbuf_done) struct strbuf b;
    struct ec2_connections all;
    struct ec2_telemetry t;

    strbuf_init(&b, 4096);
    strbuf_printf(&b,
                  HEAD "<item><options><tunnelOptionSet><item><outsideIpAddress>203.0.113.10</outsideIpAddress></item>"
                       "</tunnelOptionSet></options><vgwTelemetry><item><outsideIpAddress>203.0.113.10"
                       "</outsideIpAddress>%s</item></vgwTelemetry></item>" TAIL,
                  parts);
    assert_int_equal(read_text(strbuf_text(&b), &all), 0);
    assert_int_equal(all.connections[0].n_tunnels, 1);
    t = all.connections[0].tunnels[0].telemetry;
    ec2_xml_done(&all);
    return t;
}

static void test_telemetry_without_a_status_is_none(void **state)
{
    (void)state;
    assert_false(telemetry_of("").known);
    assert_false(telemetry_of("<status></status>").known);
    assert_false(telemetry_of("<status>PENDING</status>").known);
    assert_true(telemetry_of("<status>DOWN</status>").known);
    assert_true(telemetry_of("<status>UP</status>").known);
}

static void test_telemetry_tells_ipsec_from_bgp(void **state)
{
    (void)state;
    assert_true(telemetry_of("<status>UP</status>").ipsec_up);
    assert_true(telemetry_of("<statusMessage>IPSEC IS UP</statusMessage><status>DOWN</status>").ipsec_up);
    assert_true(telemetry_of("<status>DOWN</status><statusMessage>IPSEC IS UP</statusMessage>").ipsec_up);
    assert_false(telemetry_of("<status>DOWN</status><statusMessage>IPSEC IS UP</statusMessage>").up);
    assert_false(telemetry_of("<status>DOWN</status><statusMessage>IPSEC IS DOWN</statusMessage>").ipsec_up);
    assert_false(telemetry_of("<status>DOWN</status>").ipsec_up);
}

static void test_telemetry_is_joined_by_address(void **state)
{
    struct ec2_connections all;
    const struct ec2_tunnel *t;

    (void)state;
    assert_int_equal(read_text(described, &all), 0);
    t = all.connections[0].tunnels;
    assert_true(t[0].telemetry.known);
    assert_false(t[0].telemetry.up);
    assert_string_equal(t[0].telemetry.message, "IPSEC IS DOWN");
    assert_true(t[0].telemetry.last_change == 0);
    assert_true(t[1].telemetry.up);
    assert_string_equal(t[1].telemetry.message, "2 BGP ROUTES");
    assert_int_equal(t[1].telemetry.accepted_routes, 2);
    assert_true(t[1].telemetry.last_change == UINT64_C(1704164645) * USEC_PER_SEC);
    ec2_xml_done(&all);
}

static void test_omitted_options_stand_at_their_defaults(void **state)
{
    struct ec2_connections all;
    const struct ec2_tunnel *t;

    (void)state;
    assert_int_equal(read_text(described, &all), 0);
    t = all.connections[0].tunnels;
    assert_int_equal(t[0].dpd_action, EC2_DPD_CLEAR);
    assert_int_equal(t[0].startup_action, EC2_STARTUP_ADD);
    assert_int_equal(t[0].dpd_timeout, 0);
    assert_true(t[0].ikev2_allowed);
    assert_int_equal(t[1].dpd_action, EC2_DPD_RESTART);
    assert_int_equal(t[1].startup_action, EC2_STARTUP_START);
    assert_int_equal(t[1].dpd_timeout, 45);
    assert_false(t[1].ikev2_allowed);
    ec2_xml_done(&all);
}

static void test_no_secret_is_kept(void **state)
{
    struct ec2_connections all;

    (void)state;
    assert_int_equal(read_text(described, &all), 0);
    assert_null(memmem(all.connections, all.n * sizeof *all.connections, "hush", 4));
    ec2_xml_done(&all);
}

static void test_answer_to_a_change_is_modifying(void **state)
{
    struct ec2_connections all;

    (void)state;
    assert_int_equal(
        read_text(
            "<ModifyVpnTunnelOptionsResponse "
            "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>r</requestId>"
            "<vpnConnection><vpnConnectionId>vpn-1</vpnConnectionId><state>modifying</state><options><tunnelOptionSet>"
            "<item><outsideIpAddress>2001:db8::1</outsideIpAddress><dpdTimeoutAction>none</dpdTimeoutAction></item>"
            "</tunnelOptionSet></options></vpnConnection></ModifyVpnTunnelOptionsResponse>",
            &all),
        0);
    assert_int_equal(all.n, 1);
    assert_int_equal(all.connections[0].state, EC2_STATE_MODIFYING);
    assert_int_equal(all.connections[0].n_tunnels, 1);
    assert_int_equal(all.connections[0].tunnels[0].dpd_action, EC2_DPD_NONE);
    assert_false(all.connections[0].tunnels[0].telemetry.known);
    ec2_xml_done(&all);
}

static void test_tunnel_with_an_unknown_option_is_left_out(void **state)
{
    struct ec2_connections all;

    (void)state;
    assert_int_equal(read_text(HEAD "<item><state>frozen</state><options><tunnelOptionSet>"
                                    "<item><outsideIpAddress>203.0.113.1</outsideIpAddress>"
                                    "<dpdTimeoutAction>hold</dpdTimeoutAction></item>"
                                    "<item><outsideIpAddress>203.0.113.2</outsideIpAddress></item>"
                                    "<!-- and no more --></tunnelOptionSet></options></item>" TAIL,
                               &all),
                     0);
    assert_int_equal(all.connections[0].state, EC2_STATE_UNKNOWN);
    assert_int_equal(all.connections[0].n_tunnels, 1);
    ec2_xml_done(&all);
}

static void test_no_connections(void **state)
{
    struct ec2_connections all;

    (void)state;
    assert_int_equal(read_text(HEAD TAIL, &all), 0);
    assert_int_equal(all.n, 0);
    ec2_xml_done(&all);
}

static void test_truncated_anywhere_is_refused(void **state)
{
    struct ec2_connections c;

    (void)state;
    for (size_t len = 0; len < strlen(described) - 1; len++)
        assert_int_equal(ec2_xml_read(described, len, &c), -EBADMSG);
}

static void test_doctype_and_entities_are_refused(void **state)
{
    (void)state;
    assert_refused(
        "<!DOCTYPE x [<!ENTITY a \"b\">]><DescribeVpnConnectionsResponse>&a;</DescribeVpnConnectionsResponse>",
        -EBADMSG);
    assert_refused("<!DOCTYPE x SYSTEM \"file:///etc/passwd\"><DescribeVpnConnectionsResponse/>", -EBADMSG);
    assert_refused("<DescribeVpnConnectionsResponse>&a;</DescribeVpnConnectionsResponse>", -EBADMSG);
}

static void test_other_documents_are_refused(void **state)
{
    (void)state;
    assert_refused("<html><body>captive portal</body></html>", -ENOMSG);
    assert_refused("", -EBADMSG);
    assert_refused("{\"json\": true}", -EBADMSG);
}

static void repeat(struct strbuf *b, const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        strbuf_puts(b, text);
}

static void test_more_than_the_maxima_is_refused(void **state)
{
    cleanup(strbuf_done) struct strbuf b;

    (void)state;
    strbuf_init(&b, 1 << 20);
    strbuf_puts(&b, HEAD);
    repeat(&b, "<deep>", XML_DEPTH_MAX);
    assert_refused(strbuf_text(&b), -E2BIG);

    strbuf_reset(&b);
    strbuf_puts(&b, HEAD);
    repeat(&b, "<item/>", EC2_CONNECTIONS_MAX + 1);
    strbuf_puts(&b, TAIL);
    assert_refused(strbuf_text(&b), -E2BIG);

    strbuf_reset(&b);
    strbuf_puts(&b, HEAD "<item><vpnConnectionId>");
    repeat(&b, "x", XML_TEXT_MAX + 1);
    strbuf_puts(&b, "</vpnConnectionId></item>" TAIL);
    assert_refused(strbuf_text(&b), -E2BIG);

    assert_refused(HEAD "<item><options><tunnelOptionSet><item/><item/><item/></tunnelOptionSet></options></item>" TAIL,
                   -E2BIG);
    assert_refused(HEAD "<item><vgwTelemetry><item/><item/><item/></vgwTelemetry></item>" TAIL, -E2BIG);
}

static void read_failure(const char *body, long status, struct aws_failure *ret)
{
    aws_failure_read(body, strlen(body), status, "ec2:ModifyVpnTunnelOptions", ret);
}

static void test_errors_of_ec2(void **state)
{
    struct aws_failure f;

    (void)state;
    read_failure("<Response><Errors><Error><Code>InvalidVpnConnectionID.NotFound</Code><Message>The vpnConnection ID "
                 "'vpn-1' does not exist</Message></Error></Errors><RequestID>r</RequestID></Response>",
                 400, &f);
    assert_int_equal(f.error, AWS_NOT_FOUND);
    assert_string_equal(f.code, "InvalidVpnConnectionID.NotFound");
    assert_non_null(strstr(f.text, "'vpn-1' does not exist"));

    read_failure(
        "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>You are not authorized to perform "
        "this operation. Encoded authorization failure message: aGVsbG8gd29ybGQ</Message></Error></Errors></Response>",
        403, &f);
    assert_int_equal(f.error, AWS_PERMISSION);
    assert_non_null(strstr(f.text, "ec2:ModifyVpnTunnelOptions"));
    assert_null(strstr(f.text, "aGVsbG8"));
}

static void test_errors_of_other_services(void **state)
{
    struct aws_failure f;

    (void)state;
    read_failure(
        "<ErrorResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><Error><Type>Sender</Type>"
        "<Code>Throttling</Code><Message>Rate exceeded</Message></Error><RequestId>r</RequestId></ErrorResponse>",
        400, &f);
    assert_int_equal(f.error, AWS_THROTTLED);
}

static void test_rejected_signature_does_not_show_the_token(void **state)
{
    struct aws_failure f;

    (void)state;
    read_failure(
        "<Response><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>The Canonical String should have been "
        "x-amz-security-token:hush</Message></Error></Errors></Response>",
        403, &f);
    assert_int_equal(f.error, AWS_CREDENTIALS);
    assert_null(strstr(f.text, "hush"));
    assert_true(aws_error_may_be_skew(f.code));
}

static void test_long_message_does_not_hide_the_code(void **state)
{
    static const char *const codes[] = {"UnauthorizedOperation", "SignatureDoesNotMatch"};
    static const enum aws_error errors[] = {AWS_PERMISSION, AWS_CREDENTIALS};
    cleanup(strbuf_done) struct strbuf b;
    struct aws_failure f;

    (void)state;
    strbuf_init(&b, 65536);
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        strbuf_reset(&b);
        strbuf_printf(&b, "<Response><Errors><Error><Code>%s</Code><Message>No. ", codes[i]);
        for (int k = 0; k < 300; k++)
            strbuf_puts(&b, "&amp;0123456789\n"); /* expat hands it over in pieces */
        strbuf_puts(&b, "</Message></Error></Errors><RequestID>r</RequestID></Response>");
        read_failure(strbuf_text(&b), 403, &f);
        assert_int_equal(f.error, errors[i]);
        assert_string_equal(f.code, codes[i]);
    }
}

static void test_errors_without_a_document(void **state)
{
    struct aws_failure f;

    (void)state;
    read_failure("", 503, &f);
    assert_int_equal(f.error, AWS_UNAVAILABLE);
    assert_string_equal(f.code, "");
    read_failure("<html>proxy</html>", 407, &f);
    assert_int_equal(f.error, AWS_PROTOCOL);
    read_failure("slow down", 429, &f);
    assert_int_equal(f.error, AWS_THROTTLED);
    read_failure("<Response><Errors><Error><Code>SomethingNew</Code></Error></Errors></Response>", 400, &f);
    assert_int_equal(f.error, AWS_INVALID);
    assert_string_equal(f.code, "SomethingNew");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connection_with_its_tunnels),
        cmocka_unit_test(test_telemetry_is_joined_by_address),
        cmocka_unit_test(test_telemetry_without_a_status_is_none),
        cmocka_unit_test(test_telemetry_tells_ipsec_from_bgp),
        cmocka_unit_test(test_omitted_options_stand_at_their_defaults),
        cmocka_unit_test(test_no_secret_is_kept),
        cmocka_unit_test(test_answer_to_a_change_is_modifying),
        cmocka_unit_test(test_tunnel_with_an_unknown_option_is_left_out),
        cmocka_unit_test(test_no_connections),
        cmocka_unit_test(test_truncated_anywhere_is_refused),
        cmocka_unit_test(test_doctype_and_entities_are_refused),
        cmocka_unit_test(test_other_documents_are_refused),
        cmocka_unit_test(test_more_than_the_maxima_is_refused),
        cmocka_unit_test(test_errors_of_ec2),
        cmocka_unit_test(test_errors_of_other_services),
        cmocka_unit_test(test_rejected_signature_does_not_show_the_token),
        cmocka_unit_test(test_long_message_does_not_hide_the_code),
        cmocka_unit_test(test_errors_without_a_document),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
