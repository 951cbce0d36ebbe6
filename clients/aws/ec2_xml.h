/*
 * EC2's answers about VPN connections, read with clients/aws/xml.h. customerGatewayConfiguration, which holds the PSKs,
 * is skipped as it streams. An option that is absent stands at its default. A tunnel whose options have values that we
 * do not know is left out, so that nobody changes what he does not understand.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpnConnection.html
 */
#pragma once

#include "clients/aws/ec2.h"

#include <stddef.h>

/*
 * Reads DescribeVpnConnectionsResponse, or the one connection of ModifyVpnTunnelOptionsResponse. *RET is the caller's:
 * ec2_xml_done(). -EBADMSG, -ENOMSG, -E2BIG (also over EC2_CONNECTIONS_MAX, or over EC2_TUNNELS_MAX in a connection),
 * -ENOMEM as xml_read().
 */
int ec2_xml_read(const char *doc, size_t len, struct ec2_connections *ret);
void ec2_xml_done(struct ec2_connections *c);
