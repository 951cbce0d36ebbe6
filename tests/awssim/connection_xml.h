/*
 * A VPN connection as EC2 tells it, with its traps: an option at its default is left out, the telemetry comes in
 * another order than the options, and the configuration of the customer gateway is a document of its own, escaped.
 * https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpnConnection.html
 */
#pragma once

#include "base/strbuf.h"
#include "tests/awssim/vpn.h"

/* Appends the elements of one connection, without what surrounds them. */
void connection_xml_add(struct strbuf *out, const struct vpn *v);
