#include "conf/options.h"

#include "base/array.h"

#include <assert.h>
#include <stddef.h>

#define FIELD(type, field) offsetof(struct type, field)

#define TIMING(key_, field_, def_, min_, max_, doc_)                                                                   \
    {                                                                                                                  \
        .section = CONF_SECTION_TIMING, .key = key_, .parse = conf_value_duration,                                     \
        .offset = FIELD(conf, timing.field_), .def = def_, .min = min_, .max = max_, .doc = doc_                       \
    }

#define LIMIT(key_, field_, def_, max_, doc_)                                                                          \
    {                                                                                                                  \
        .section = CONF_SECTION_LIMITS, .key = key_, .parse = conf_value_number, .offset = FIELD(conf, limits.field_), \
        .def = def_, .min = 1, .max = max_, .doc = doc_                                                                \
    }

static const struct conf_section_info sections[CONF_SECTION_MAX_] = {
    [CONF_SECTION_ROOT] = {"", CONF_SECTION_ROOT, NULL, "the file"},
    [CONF_SECTION_AWS] = {"aws", CONF_SECTION_ROOT, NULL,
                          "Ask the AWS API about the tunnels, and let it change their options. Credentials come from "
                          "the AWS_* environment or the ~/.aws files."},
    [CONF_SECTION_IKE] = {"ike", CONF_SECTION_ROOT, "strongswan", "The IKE daemon of this gateway."},
    [CONF_SECTION_CONNECTION] = {"connection", CONF_SECTION_ROOT, "aurora-backup",
                                 "An AWS VPN connection with its one or two tunnels."},
    [CONF_SECTION_TUNNEL] = {"tunnel", CONF_SECTION_CONNECTION, "1", "A tunnel, known by its outside address."},
    [CONF_SECTION_ALERT] = {"alert", CONF_SECTION_ROOT, "ops", "Where changes and actions are told."},
    [CONF_SECTION_TIMING] = {"timing", CONF_SECTION_ROOT, NULL, "How often to look and how long to wait."},
    [CONF_SECTION_LIMITS] = {"limits", CONF_SECTION_ROOT, NULL, "Where repairing stops."},
};

static const struct conf_option options[] = {
    {.section = CONF_SECTION_ROOT,
     .key = "mode",
     .parse = conf_value_mode,
     .offset = FIELD(conf, mode),
     .def = "observe",
     .doc = "observe: watch and tell. approve: repair when a person agrees. repair: repair within the guards."},
    {.section = CONF_SECTION_ROOT,
     .key = "listen",
     .parse = conf_value_listen,
     .offset = FIELD(conf, listen),
     .example = "\"127.0.0.1:9469\"",
     .doc =
         "Also answer questions about the status on this loopback address, over HTTP. Nothing can be changed there."},

    {.section = CONF_SECTION_AWS,
     .key = "region",
     .parse = conf_value_region,
     .offset = FIELD(conf, aws_region),
     .example = "\"eu-west-1\"",
     .doc = "The region of the VPN connections. Left out: the environment or ~/.aws/config tells it."},

    {.section = CONF_SECTION_IKE,
     .key = "type",
     .parse = conf_value_ike_type,
     .offset = FIELD(conf_ike, type),
     .required = true,
     .sampled = true,
     .example = "vici",
     .doc = "vici: strongSwan's control protocol. none: the gateway can be neither asked nor touched."},
    {.section = CONF_SECTION_IKE,
     .key = "socket",
     .parse = conf_value_path,
     .offset = FIELD(conf_ike, socket),
     .def = "/run/charon.vici",
     .doc = "The VICI socket."},

    {.section = CONF_SECTION_CONNECTION,
     .key = "vpn-connection-id",
     .parse = conf_value_vpn_id,
     .offset = FIELD(conf_connection, vpn_connection_id),
     .example = "\"vpn-0123456789abcdef0\"",
     .doc = "The connection's id in AWS. Without it AWS is not asked about this connection."},
    {.section = CONF_SECTION_CONNECTION,
     .key = "ike",
     .parse = conf_value_name,
     .offset = CONF_NO_FIELD,
     .example = "\"strongswan\"",
     .doc = "The ike section of the daemon that runs this connection."},
    {.section = CONF_SECTION_CONNECTION,
     .key = "fallback",
     .parse = conf_value_fallback,
     .offset = CONF_NO_FIELD,
     .def = "none",
     .doc = "What takes over where the daemon cannot be used: none, or engine. Take-over is not in this "
            "version yet: engine only warns."},
    {.section = CONF_SECTION_CONNECTION,
     .key = "networks",
     .parse = conf_value_network,
     .offset = CONF_NO_FIELD,
     .list = true,
     .max = CONF_NETWORKS_MAX,
     .example = "{\"10.0.0.0/16\"}",
     .doc = "The networks behind AWS."},

    {.section = CONF_SECTION_TUNNEL,
     .key = "outside-address",
     .parse = conf_value_address,
     .offset = FIELD(conf_tunnel, outside),
     .sampled = true,
     .example = "\"203.0.113.10\"",
     .doc = "AWS's address of the tunnel. Needed unless the tunnel is expected to be down."},
    {.section = CONF_SECTION_TUNNEL,
     .key = "inside-address",
     .parse = conf_value_address,
     .offset = FIELD(conf_tunnel, inside),
     .example = "\"169.254.10.2\"",
     .doc = "Our address inside the tunnel: probes leave from here. Left out: the route chooses."},
    {.section = CONF_SECTION_TUNNEL,
     .key = "probe",
     .parse = conf_value_target,
     .offset = CONF_NO_FIELD,
     .list = true,
     .max = CONF_TARGETS_MAX,
     .example = "{\"169.254.10.1\", \"tcp:10.0.1.25:3306\"}",
     .doc = "What must answer through the tunnel: an address for ICMP echo, tcp:HOST:PORT for the application."},
    {.section = CONF_SECTION_TUNNEL,
     .key = "ike-connection",
     .parse = conf_value_name,
     .offset = FIELD(conf_tunnel, ike_connection),
     .example = "\"aws-1\"",
     .doc = "The connection's name in the IKE daemon. Left out: it is found by the outside address."},
    {.section = CONF_SECTION_TUNNEL,
     .key = "ike-child",
     .parse = conf_value_name,
     .offset = FIELD(conf_tunnel, ike_child),
     .example = "\"aws-1\"",
     .doc = "The child's name in the IKE daemon. Left out: found likewise."},
    {.section = CONF_SECTION_TUNNEL,
     .key = "psk-file",
     .parse = conf_value_psk_file,
     .offset = FIELD(conf_tunnel, psk_file),
     .example = "\"/etc/rekindle/aurora-1.psk\"",
     .doc = "The tunnel's pre-shared key, in a file that others cannot read."},
    {.section = CONF_SECTION_TUNNEL,
     .key = "expected",
     .parse = conf_value_expected,
     .offset = FIELD(conf_tunnel, expected_down),
     .example = "down",
     .doc = "down: this gateway does not terminate the tunnel; it is shown, never repaired, never alerted."},

    {.section = CONF_SECTION_ALERT,
     .key = "type",
     .parse = conf_value_alert_type,
     .offset = CONF_NO_FIELD,
     .def = "webhook",
     .doc = "webhook: a JSON document by POST."},
    {.section = CONF_SECTION_ALERT,
     .key = "url",
     .parse = conf_value_url,
     .offset = FIELD(conf_alert, url),
     .sampled = true,
     .example = "\"https://ops.example.net/rekindle\"",
     .doc = "Where to send. It is a secret; url-file keeps it out of this file."},
    {.section = CONF_SECTION_ALERT,
     .key = "url-file",
     .parse = conf_value_url_file,
     .offset = FIELD(conf_alert, url),
     .example = "\"/etc/rekindle/ops.url\"",
     .doc = "A file with the URL, which others cannot read."},
    {.section = CONF_SECTION_ALERT,
     .key = "source",
     .parse = conf_value_source,
     .offset = FIELD(conf_alert, source),
     .example = "\"eth0\"",
     .doc = "The address or interface to send from, so that no alert leaves through the tunnel that is down."},

    TIMING("probe-interval", probe_interval, "500ms", 50 * USEC_PER_MSEC, USEC_PER_MIN,
           "Between echoes of a healthy tunnel."),
    TIMING("suspect-interval", suspect_interval, "100ms", 20 * USEC_PER_MSEC, 10 * USEC_PER_SEC,
           "Between echoes of a suspect or down tunnel."),
    TIMING("ike-ping-interval", ike_ping_interval, "1s", USEC_PER_SEC, 5 * USEC_PER_MIN,
           "Between IKE pings of the outside address while the tunnel is suspect or down."),
    TIMING("ike-ping-calibration", ike_ping_calibration, "10m", USEC_PER_MIN, 24 * USEC_PER_HOUR,
           "Between IKE pings while the tunnel is up, to learn whether this endpoint answers them at all."),
    TIMING("ike-poll-interval", ike_poll_interval, "10s", USEC_PER_SEC, USEC_PER_HOUR,
           "Between questions to a healthy IKE daemon. Its events arrive at once anyway."),
    TIMING("aws-poll-interval", aws_poll_interval, "5m", 30 * USEC_PER_SEC, 24 * USEC_PER_HOUR,
           "Between questions to AWS while all is well."),
    TIMING("aws-down-interval", aws_down_interval, "10s", 5 * USEC_PER_SEC, 10 * USEC_PER_MIN,
           "Between questions to AWS while a tunnel is down."),
    TIMING("aws-repair-after", aws_repair_after, "30s", 0, USEC_PER_HOUR,
           "How long a tunnel is down before its options in AWS are changed."),
    TIMING("settle", settle, "10s", USEC_PER_SEC, 10 * USEC_PER_MIN,
           "How long an action is given to work before the next one."),
    TIMING("healthy-after", healthy_after, "5m", 10 * USEC_PER_SEC, 24 * USEC_PER_HOUR,
           "How long a tunnel is up before its incident is closed for good."),
    TIMING("hold", hold, "60s", 0, USEC_PER_HOUR, "Between actions on the two tunnels of one connection."),

    LIMIT("actions-per-incident", actions_per_incident, "10", 100, "Actions on one tunnel before people are called."),
    LIMIT("actions-per-hour", actions_per_hour, "30", 1000, "Actions on all connections together."),
};

const struct conf_option *conf_options(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(options);
    return options;
}

const struct conf_section_info *conf_section_info(enum conf_section s)
{
    assert(s < CONF_SECTION_MAX_);
    return &sections[s];
}
