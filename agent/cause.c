#include "agent/cause.h"

#include "base/array.h"

#include <assert.h>

#define YES(f)                                                                                                         \
    {                                                                                                                  \
        FACT_##f, TRUTH_YES                                                                                            \
    }
#define NO(f)                                                                                                          \
    {                                                                                                                  \
        FACT_##f, TRUTH_NO                                                                                             \
    }

/*
 * What explains the most comes first: a host that is offline, then a daemon that cannot be asked, then what a peer or
 * AWS said in so many words, then what silence and missing SAs let one infer. Nothing that the tunnel still does may be
 * explained away, so nearly every row is excluded by a target that answers.
 */
static const struct cause_row rows[] = {
    {
        .cause = CAUSE_EXPECTED_DOWN,
        .severity = CAUSE_INFO,
        .proves = {YES(EXPECTED_DOWN)},
        .excludes = {YES(INNER_ANSWERS), YES(CHILD_SA)},
        .text = "The tunnel is down, as the configuration expects.",
        .fix = "Nothing has to be done. Remove `expected = down` once the gateway terminates this tunnel.",
    },
    {
        .cause = CAUSE_UPLINK_DOWN,
        .severity = CAUSE_CRITICAL,
        .proves = {NO(UPLINK_WORKS)},
        .excludes = {YES(INNER_ANSWERS)},
        .text =
            "The host's uplink is down: nothing outside can be reached, so nothing is wrong with the tunnel itself.",
        .fix = "Look at the uplink: `ip route get OUTSIDE-ADDRESS`, `ip -br link`, `ip neigh`; then ask the provider.",
    },
    {
        .cause = CAUSE_DAEMON_DEAD,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(DAEMON_DEAD)},
        .excludes = {YES(INNER_ANSWERS)},
        .text = "The IKE daemon is not running, so no tunnel can be set up or rekeyed.",
        .fix = "Start it: `systemctl restart strongswan`; why it ended is told by `journalctl -u strongswan`.",
    },
    {
        .cause = CAUSE_DAEMON_HUNG,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(DAEMON_HUNG)},
        .excludes = {YES(INNER_ANSWERS)},
        .text = "The IKE daemon runs but answers no request, so no tunnel can be set up or rekeyed.",
        .fix = "Restart it: `systemctl restart strongswan`. Where that hangs too: `systemctl kill -s KILL strongswan`.",
    },
    {
        .cause = CAUSE_AWS_MODIFYING,
        .severity = CAUSE_WARNING,
        .proves = {YES(AWS_MODIFYING)},
        .excludes = {YES(INNER_ANSWERS)},
        .text = "AWS is modifying the connection, which takes the tunnel down for some minutes.",
        .fix = "Wait. After a quarter of an hour ask whether it is available again: `aws ec2 describe-vpn-connections "
               "--vpn-connection-ids VPN-CONNECTION-ID`.",
    },
    {
        .cause = CAUSE_AUTHENTICATION_FAILED,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(AUTH_FAILED)},
        .excludes = {YES(INNER_ANSWERS), YES(CHILD_SA)},
        .text =
            "The gateway and AWS do not accept each other's authentication: the pre-shared key or an identity differs.",
        .fix = "Compare the key with the one in AWS's configuration file, then `swanctl --load-creds` and "
               "`swanctl --initiate --child CHILD-NAME`.",
    },
    {
        .cause = CAUSE_NO_PROPOSAL_CHOSEN,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(NO_PROPOSAL)},
        .excludes = {YES(INNER_ANSWERS), YES(CHILD_SA)},
        .text = "The gateway and AWS have no cipher proposal in common.",
        .fix = "Compare `proposals` and `esp_proposals` of the connection with the tunnel options in AWS, then "
               "`swanctl --load-conns`.",
    },
    {
        .cause = CAUSE_TS_UNACCEPTABLE,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(TS_UNACCEPTABLE)},
        .excludes = {YES(INNER_ANSWERS), YES(CHILD_SA)},
        .text = "The traffic selectors of the gateway and of AWS do not fit together.",
        .fix = "Compare `local_ts` and `remote_ts` with the local and remote network CIDRs in AWS, then "
               "`swanctl --load-conns`.",
    },
    {
        .cause = CAUSE_IDENTITY_MISMATCH,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(IDENTITY_MISMATCH)},
        .excludes = {YES(INNER_ANSWERS), YES(CHILD_SA)},
        .text = "An IKE identity is not the expected one: the gateway's or the endpoint's.",
        .fix =
            "Set `local.id` to the customer gateway's address and `remote.id` to the endpoint's outside address, then "
            "`swanctl --load-conns`.",
    },
    {
        .cause = CAUSE_CONNECTION_NOT_LOADED,
        .severity = CAUSE_CRITICAL,
        .proves = {NO(LOADED)},
        .excludes = {YES(INNER_ANSWERS), YES(IKE_SA), YES(CHILD_SA)},
        .text = "The IKE daemon runs but has no connection to this endpoint loaded.",
        .fix = "Load it: `swanctl --load-all`, and see what `swanctl --list-conns` prints then.",
    },
    {
        .cause = CAUSE_ENDPOINT_REPLACING,
        .severity = CAUSE_WARNING,
        .proves = {YES(ENDPOINT_KNOWN), NO(ENDPOINT_ANSWERS), NO(ENDPOINT_SILENT_LONG)},
        .excludes = {YES(INNER_ANSWERS)},
        .text = "The endpoint has gone silent, as it does while AWS replaces it.",
        .fix = "Wait for it to come back. After a quarter of an hour look at the AWS Health Dashboard.",
    },
    {
        .cause = CAUSE_ENDPOINT_SILENT,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(ENDPOINT_KNOWN), NO(ENDPOINT_ANSWERS), YES(ENDPOINT_SILENT_LONG)},
        .excludes = {YES(INNER_ANSWERS)},
        .text = "The endpoint is silent for longer than a replacement takes.",
        .fix = "Look at the AWS Health Dashboard and at what filters UDP 500 and 4500 on the way; then replace the "
               "endpoint: `aws ec2 replace-vpn-tunnel --vpn-connection-id VPN-CONNECTION-ID "
               "--vpn-tunnel-outside-ip-address OUTSIDE-ADDRESS`.",
    },
    {
        .cause = CAUSE_STALE_SA,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(IKE_SA), YES(ENDPOINT_CAME_BACK), YES(ENDPOINT_ANSWERS), NO(INNER_ANSWERS)},
        .actions = ACTION_BIT(ACTION_REINITIATE) | ACTION_BIT(ACTION_TUNNEL_OPTIONS),
        .text = "The endpoint came back without the SAs that the gateway still keeps and sends into.",
        .fix = "Set up new ones: `swanctl --terminate --ike IKE-NAME --force` and `swanctl --initiate --child "
               "CHILD-NAME`.",
    },
    {
        .cause = CAUSE_STALE_SA,
        .severity = CAUSE_CRITICAL,
        .proves = {NO(IKE_SA), YES(CONNECTING), YES(ENDPOINT_CAME_BACK), YES(ENDPOINT_ANSWERS)},
        .excludes = {YES(INNER_ANSWERS)},
        .actions = ACTION_BIT(ACTION_REINITIATE) | ACTION_BIT(ACTION_TUNNEL_OPTIONS),
        .text = "The endpoint is back, and the gateway's attempt of the time before still waits to be sent again.",
        .fix = "Begin a new one: `swanctl --terminate --ike IKE-NAME --force` and `swanctl --initiate --child "
               "CHILD-NAME`.",
    },
    {
        .cause = CAUSE_BOTH_SIDES_WAITING,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(ENDPOINT_ANSWERS), YES(DAEMON_ANSWERS), NO(IKE_SA), NO(CONNECTING)},
        .excludes = {YES(INNER_ANSWERS)},
        .actions = ACTION_BIT(ACTION_INITIATE) | ACTION_BIT(ACTION_TUNNEL_OPTIONS),
        .text =
            "The endpoint is there and there is no IKE_SA: the gateway and AWS both wait for the other to initiate.",
        .fix = "Initiate: `swanctl --initiate --child CHILD-NAME`; for good, set StartupAction=start in the tunnel "
               "options.",
    },
    {
        .cause = CAUSE_BOTH_SIDES_WAITING,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(ENDPOINT_ANSWERS), NO(AWS_DIALS), NO(INNER_ANSWERS)},
        .excludes = {YES(AWS_UP), YES(DAEMON_ANSWERS)},
        .actions = ACTION_BIT(ACTION_TUNNEL_OPTIONS),
        .text = "The endpoint is there and AWS does not initiate: it waits for the gateway, which does not either.",
        .fix = "Initiate on the gateway, or let AWS do it: set StartupAction=start and DPDTimeoutAction=restart in the "
               "tunnel options.",
    },
    {
        .cause = CAUSE_BOTH_SIDES_WAITING,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(ENDPOINT_ANSWERS), NO(AWS_DIALS), NO(AWS_UP)},
        .excludes = {YES(INNER_ANSWERS), YES(DAEMON_ANSWERS)},
        .actions = ACTION_BIT(ACTION_TUNNEL_OPTIONS),
        .text =
            "AWS says that the tunnel is down and does not initiate: it waits for the gateway, which does not either.",
        .fix = "Initiate on the gateway, or let AWS do it: set StartupAction=start and DPDTimeoutAction=restart in the "
               "tunnel options.",
    },
    /* An endpoint that never answered a ping may be one that answers none: AWS's own word takes its place. */
    {
        .cause = CAUSE_BOTH_SIDES_WAITING,
        .severity = CAUSE_CRITICAL,
        .proves = {NO(ENDPOINT_KNOWN), NO(AWS_DIALS), NO(AWS_UP)},
        .excludes = {YES(INNER_ANSWERS), YES(DAEMON_ANSWERS)},
        .actions = ACTION_BIT(ACTION_TUNNEL_OPTIONS),
        .text =
            "AWS says that the tunnel is down and does not initiate: it waits for the gateway, which does not either.",
        .fix = "Initiate on the gateway, or let AWS do it: set StartupAction=start and DPDTimeoutAction=restart in the "
               "tunnel options.",
    },
    {
        .cause = CAUSE_ENDPOINT_SILENT,
        .severity = CAUSE_CRITICAL,
        .proves = {NO(ENDPOINT_KNOWN), YES(DAEMON_ANSWERS), NO(IKE_SA), NO(CONNECTING)},
        .excludes = {YES(INNER_ANSWERS)},
        .actions = ACTION_BIT(ACTION_INITIATE) | ACTION_BIT(ACTION_TUNNEL_OPTIONS),
        .text = "There is no IKE_SA, and the endpoint never answered an IKE ping: it is gone, or it answers none. An "
                "attempt "
                "to initiate tells.",
        .fix = "Initiate: `swanctl --initiate --child CHILD-NAME`. Where that gets no answer, look at what filters UDP "
               "500 "
               "on the "
               "way and at the outside address.",
    },
    {
        .cause = CAUSE_ENDPOINT_SILENT,
        .severity = CAUSE_CRITICAL,
        .proves = {NO(ENDPOINT_KNOWN), NO(ENDPOINT_ANSWERS), NO(IKE_SA), YES(CONNECTING)},
        .excludes = {YES(INNER_ANSWERS)},
        .actions = ACTION_BIT(ACTION_TUNNEL_OPTIONS),
        .text = "The endpoint answers neither IKE pings nor the gateway's attempt to initiate.",
        .fix = "Look at what filters UDP 500 and 4500 on the way, and whether the outside address is the tunnel's.",
    },
    {
        .cause = CAUSE_CHILD_MISSING,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(IKE_SA), NO(CHILD_SA), NO(ENDPOINT_CAME_BACK)},
        .excludes = {YES(INNER_ANSWERS)},
        .actions = ACTION_BIT(ACTION_INITIATE) | ACTION_BIT(ACTION_REINITIATE) | ACTION_BIT(ACTION_TUNNEL_OPTIONS),
        .text = "The IKE_SA is established, but its CHILD_SA is missing, so nothing can be sent through the tunnel.",
        .fix = "Create it: `swanctl --initiate --child CHILD-NAME`.",
    },
    /*
     * One way is dead, or the only thing behind the tunnel that is asked: traffic of others tells which. While it is
     * open whether the SAs survived a silence of the endpoint, none of these holds.
     */
    {
        .cause = CAUSE_PROBE_TARGET_DOWN,
        .severity = CAUSE_WARNING,
        .proves = {YES(CHILD_SA), YES(IN_MOVES), NO(INNER_ANSWERS), NO(ENDPOINT_TARGET)},
        .actions = ACTION_BIT(ACTION_RECREATE_PROBE),
        .text =
            "Packets come in through the tunnel, but no probe target answers: the hosts behind it are down or filter.",
        .fix =
            "Look at the targets' hosts and at security groups and route tables of the VPC; add the endpoint's inside "
            "address to `probe`.",
    },
    {
        .cause = CAUSE_OUTBOUND_LOST,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(CHILD_SA), YES(IN_MOVES), NO(INNER_ANSWERS), NO(ENDPOINT_CAME_BACK)},
        .actions = ACTION_BIT(ACTION_RECREATE_PROBE) | ACTION_BIT(ACTION_REINITIATE),
        .text = "Packets come in through the tunnel, but what the gateway sends is not answered: it gets lost on the "
                "way out.",
        .fix =
            "Look for what drops ESP or UDP 4500 going out; new SAs may help: `swanctl --terminate --ike IKE-NAME` and "
            "`swanctl --initiate --child CHILD-NAME`.",
    },
    {
        .cause = CAUSE_INBOUND_LOST,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(CHILD_SA), YES(OUT_MOVES), NO(IN_MOVES), NO(INNER_ANSWERS), NO(ENDPOINT_CAME_BACK)},
        .actions = ACTION_BIT(ACTION_RECREATE_PROBE) | ACTION_BIT(ACTION_REINITIATE),
        .text = "The SAs are up and packets go out, but nothing comes in: the endpoint does not have these SAs, or one "
                "direction is lost on the way.",
        .fix = "Set up new SAs: `swanctl --terminate --ike IKE-NAME` and `swanctl --initiate --child CHILD-NAME`; then "
               "look for "
               "what "
               "drops ESP or UDP 4500.",
    },
    {
        .cause = CAUSE_OUTBOUND_LOST,
        .severity = CAUSE_CRITICAL,
        .proves = {YES(CHILD_SA), YES(OUT_MOVES), NO(IN_MOVES), NO(INNER_ANSWERS), NO(ENDPOINT_CAME_BACK)},
        .actions = ACTION_BIT(ACTION_RECREATE_PROBE) | ACTION_BIT(ACTION_REINITIATE),
        .text = "The SAs are up and packets go out, but nothing comes in: they may get lost on the way out.",
        .fix =
            "Look for what drops ESP or UDP 4500 going out; new SAs may help: `swanctl --terminate --ike IKE-NAME` and "
            "`swanctl --initiate --child CHILD-NAME`.",
    },
    {
        .cause = CAUSE_PROBE_TARGET_DOWN,
        .severity = CAUSE_WARNING,
        .proves = {YES(CHILD_SA), YES(OUT_MOVES), NO(IN_MOVES), NO(INNER_ANSWERS), NO(ENDPOINT_TARGET)},
        .excludes = {NO(AWS_UP), YES(ENDPOINT_CAME_BACK)},
        .actions = ACTION_BIT(ACTION_RECREATE_PROBE),
        .text = "The SAs are up, but no probe target answers: the hosts behind the tunnel may be down.",
        .fix = "Look at the targets' hosts; add the endpoint's inside address to `probe`, which tells a dead tunnel "
               "from a "
               "dead host.",
    },
    {
        .cause = CAUSE_PROBE_TARGET_DOWN,
        .severity = CAUSE_WARNING,
        .proves = {YES(INNER_TARGET_LOST), NO(ENDPOINT_TARGET)},
        .text = "The tunnel passes traffic, but a host behind it does not answer.",
        .fix = "Look at that host, its security group and the route tables of the VPC.",
    },
    {
        .cause = CAUSE_PROBE_TARGET_DOWN,
        .severity = CAUSE_WARNING,
        .proves = {YES(INNER_TARGET_LOST), YES(ENDPOINT_TARGET)},
        .text = "The tunnel passes traffic, but the endpoint's own inside address does not answer.",
        .fix = "See whether `inside-address`, `probe` and the traffic selectors hold the tunnel's inside network.",
    },
    /* What does not hurt yet. */
    {
        .cause = CAUSE_DAEMON_DEAD,
        .severity = CAUSE_WARNING,
        .proves = {YES(DAEMON_DEAD), YES(INNER_ANSWERS)},
        .text = "The IKE daemon is not running: the tunnel passes traffic only until its keys expire.",
        .fix = "Start it: `systemctl restart strongswan`; why it ended is told by `journalctl -u strongswan`.",
    },
    {
        .cause = CAUSE_DAEMON_HUNG,
        .severity = CAUSE_WARNING,
        .proves = {YES(DAEMON_HUNG), YES(INNER_ANSWERS)},
        .text = "The IKE daemon answers no request: the tunnel passes traffic only until its keys expire.",
        .fix = "Restart it: `systemctl restart strongswan`. Where that hangs too: `systemctl kill -s KILL strongswan`.",
    },
};

const struct cause_row *cause_rows(size_t *ret_n)
{
    *ret_n = ARRAY_LEN(rows);
    return rows;
}

const char *cause_name(enum cause c)
{
    static const char *const names[] = {
        [CAUSE_NONE] = "none",
        [CAUSE_UNDETERMINED] = "undetermined",
        [CAUSE_EXPECTED_DOWN] = "expected-down",
        [CAUSE_UPLINK_DOWN] = "uplink-down",
        [CAUSE_DAEMON_DEAD] = "daemon-dead",
        [CAUSE_DAEMON_HUNG] = "daemon-hung",
        [CAUSE_AWS_MODIFYING] = "aws-modifying",
        [CAUSE_AUTHENTICATION_FAILED] = "authentication-failed",
        [CAUSE_NO_PROPOSAL_CHOSEN] = "no-proposal-chosen",
        [CAUSE_TS_UNACCEPTABLE] = "ts-unacceptable",
        [CAUSE_IDENTITY_MISMATCH] = "identity-mismatch",
        [CAUSE_CONNECTION_NOT_LOADED] = "connection-not-loaded",
        [CAUSE_ENDPOINT_REPLACING] = "endpoint-replacing",
        [CAUSE_ENDPOINT_SILENT] = "endpoint-silent",
        [CAUSE_BOTH_SIDES_WAITING] = "both-sides-waiting",
        [CAUSE_CHILD_MISSING] = "child-missing",
        [CAUSE_STALE_SA] = "stale-sa",
        [CAUSE_INBOUND_LOST] = "inbound-lost",
        [CAUSE_OUTBOUND_LOST] = "outbound-lost",
        [CAUSE_PROBE_TARGET_DOWN] = "probe-target-down",
    };

    _Static_assert(ARRAY_LEN(names) == CAUSE_MAX_, "every cause has its name");
    assert((size_t)c < ARRAY_LEN(names));
    return names[c];
}

const char *cause_severity_name(enum cause_severity s)
{
    static const char *const names[] = {
        [CAUSE_FINE] = "fine",
        [CAUSE_INFO] = "info",
        [CAUSE_WARNING] = "warning",
        [CAUSE_CRITICAL] = "critical",
    };

    assert((size_t)s < ARRAY_LEN(names));
    return names[s];
}
