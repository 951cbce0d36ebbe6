# shellcheck shell=bash
# shellcheck disable=SC2034  # most variables are for those who source this file
# The network laboratory: a customer gateway, an internet router, two AWS endpoints and a VPC host, each a network
# namespace, with a real charon (user-space ESP) on the gateway and on each endpoint. Source this file, as root.
#
#   gw   198.51.100.2       customer gateway; LAN 10.9.0.1; inside 169.254.10.2 (tunnel 1) and 169.254.20.2 (tunnel 2)
#   rt   198.51.100.1       the internet; 192.0.2.10 is the EC2 API (awssim), 192.0.2.20 is free for webhook receivers
#   ep1  203.0.113.10       AWS endpoint of tunnel 1, inside 169.254.10.1; its tunnel carries 10.0.0.0/16
#   ep2  203.0.113.20       AWS endpoint of tunnel 2, inside 169.254.20.1; its tunnel carries 10.0.2.0/24
#   vpc  10.0.1.25          host in the VPC, TCP 3306; 10.0.2.25 is the same host through tunnel 2
#
# Two labs may run at once: everything is named after LAB_ID. Nothing is changed outside of the lab's namespaces.
#
# Settings, read by lab_up (defaults in parentheses):
#   LAB_TUNNELS (1)              tunnels that the gateway terminates: 1 or 2
#   LAB_GW_DPD_ACTION (clear) LAB_GW_CLOSE_ACTION (none) LAB_GW_START_ACTION (none) LAB_GW_KEYINGTRIES (0)
#   LAB_GW_DPD_DELAY (10s) LAB_GW_RETRANSMIT ("")   lines for the gateway's strongswan.conf, e.g. "retransmit_tries = 2"
#   LAB_EP_DPD (clear) LAB_EP_STARTUP (add)         tunnel options of both endpoints: clear|none|restart, add|start
#   LAB_AWS (auto)               run awssim: yes, no, auto (where build/awssim exists)
#   LAB_MODIFY_SECONDS (3)       how long an endpoint is away when ModifyVpnTunnelOptions replaces it
#   LAB_AWSSIM_ARGS ()           array: more arguments for awssim
#   LAB_TRAP (yes)               lab_up sets traps so that the lab goes with the shell; "no": call lab_down yourself
#   LAB_KEEP (no)                "yes": lab_down leaves LAB_DIR with its logs
#   LAB_BUILD (build)            where the programs are
#
# Variables, set by lab_up and lab_attach:
#   LAB_DIR                      the lab's directory        LAB_ID           prefix of its namespaces
#   LAB_GW_VICI                  path of the gateway's VICI socket, reachable from every namespace
#   LAB_EP1_VICI LAB_EP2_VICI    the same for the endpoints
#   LAB_PSK_FILE_1 LAB_PSK_FILE_2   files with the pre-shared keys
#   LAB_AWS_URL                  http://192.0.2.10:8080, reachable from gw
#   LAB_AWSSIM_LOG               one JSON line for each call of the EC2 API
#   LAB_AWS_CREDENTIALS          shared credentials file for it; LAB_AWS_REGION, LAB_VPN_ID: what to ask for
#   LAB_EVENTS                   lines "SECONDS.MICROSECONDS NODE gone|back" for each charon stopped and started
#   LAB_OUTSIDE_1 _2, LAB_INSIDE_1 _2 (ours), LAB_PEER_1 _2 (theirs), LAB_VPC_HOST_1 _2, LAB_HOOK_ADDR: addresses
#
# Functions (NODE: gw rt ep1 ep2 vpc; N: tunnel 1 or 2):
#   lab_up, lab_down                       bring up (tunnels established); tear down, may be called twice
#   lab_attach DIR                         use a lab that another shell brought up
#   lab_exec NODE CMD...                   run in the node's namespace
#   lab_charon_start NODE                  a fresh charon without SAs, loaded, answering
#   lab_charon_stop NODE [delete|silent]   with a DELETE to its peers (default) or without
#   lab_charon_pid NODE                    its process id (for SIGSTOP and the like)
#   lab_charon_log NODE                    path of its log
#   lab_swanctl NODE ARGS...               LAB_SWANCTL_LIMIT=SECONDS before it bounds the time (a stopped charon is silent)
#   lab_gateway_conf [KEY=VALUE...]        write and load the gateway's settings: dpd_action close_action start_action
#                                          keyingtries dpd_delay tunnels; what is not named keeps its value
#   lab_endpoint_options N DPD STARTUP     set an endpoint's tunnel options; a running one is replaced, as AWS does
#   lab_replace N delete|silent SECONDS    the endpoint goes now, a fresh one comes SECONDS later, in the background
#   lab_is_back N                          whether the endpoint is there again
#   lab_tunnel_up N                        whether the gateway has the CHILD_SA
#   lab_initiate N                         the gateway initiates, once, waiting at most 5 s
#   lab_ping N                             one echo through the tunnel from the gateway (1 s)
#   lab_tcp N                              one TCP connection to the VPC host, port 3306 (1 s)
#   lab_wait WHAT SECONDS CMD...           until CMD is true, polled; says what was not reached
#   lab_never WHAT SECONDS CMD...          the opposite: fails as soon as CMD is true
#   lab_uplink_cut [link|silent]           no carrier on the gateway, or packets vanish in the router; lab_uplink_restore
#   lab_loss PERCENT [out|in|both] [N|all] random loss of ESP-in-UDP, seen from the gateway; 0 ends it;
#                                          both (default): in each direction, so 20 loses 36 % of echoes
#   lab_block ike|esp|all|aws [out|in|both] [N|all], lab_unblock
#   lab_clear_packets                      inner packets seen in clear text by the router
#   lab_awssim_start [ARGS...], lab_awssim_stop
#   lab_aws ARGS...                        Debian's aws command, from gw, against awssim
#   lab_aws_export                         exports the AWS_* environment for awssim
#   lab_aws_calls ACTION                   how often it was called, dry runs not counted
#   lab_sim PATH [FORM...]                 awssim's control API: lab_sim inject kind=throttle times=2 (README.md)
#   lab_agent_conf [NAME=VALUE...]         writes rekindled's configuration: mode ike aws tunnels probe1 probe2 more
#   lab_hook_start                         a receiver of webhooks; LAB_HOOKS holds a JSON line for each delivery;
#                                          it answers 503 while the file LAB_HOOK_BROKEN exists
#   lab_agent_start [ARGS...], lab_agent_stop [SIGNAL], lab_agent_pid    rekindled on the gateway, logging to LAB_AGENT_LOG
#   lab_rekindle ARGS...                   the rekindle command beside it
#   lab_status                             the status as JSON
#   lab_tunnel_is N FILTER                 whether the FILTER of jq holds for the tunnel in it
#   lab_verdict_is N VERDICT [CAUSE]
#   lab_hooks_count FILTER, lab_hooked N FILTER    webhooks delivered for whose body FILTER holds: how many, at least N
#   lab_echoes_start N, lab_echoes_stop    echoes through tunnel N; lab_first_reply AFTER: when one was answered
#   lab_event_time NODE gone|back          when that last happened, as in LAB_EVENTS

LAB_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB_ROOT=$(cd "$LAB_HOME/../.." && pwd)

LAB_NODES=(gw rt ep1 ep2 vpc)
LAB_GW_ADDR=198.51.100.2
LAB_RT_ADDR=198.51.100.1
LAB_LAN_ADDR=10.9.0.1
LAB_OUTSIDE_1=203.0.113.10 LAB_OUTSIDE_2=203.0.113.20
LAB_INSIDE_1=169.254.10.2 LAB_INSIDE_2=169.254.20.2
LAB_PEER_1=169.254.10.1 LAB_PEER_2=169.254.20.1
LAB_NETWORK_1=10.0.0.0/16 LAB_NETWORK_2=10.0.2.0/24
LAB_VPC_HOST_1=10.0.1.25 LAB_VPC_HOST_2=10.0.2.25
LAB_VPC_PORT=3306
LAB_AWS_ADDR=192.0.2.10
LAB_HOOK_ADDR=192.0.2.20
LAB_AWS_URL=http://$LAB_AWS_ADDR:8080
LAB_AWS_REGION=eu-west-1
LAB_VPN_ID=vpn-0123456789abcdef0

# shellcheck source=tests/lab/net.sh
. "$LAB_HOME/net.sh"
# shellcheck source=tests/lab/charon.sh
. "$LAB_HOME/charon.sh"
# shellcheck source=tests/lab/fault.sh
. "$LAB_HOME/fault.sh"
# shellcheck source=tests/lab/aws.sh
. "$LAB_HOME/aws.sh"
# shellcheck source=tests/lab/agent.sh
. "$LAB_HOME/agent.sh"

lab_fail() {
    printf 'lab: %s\n' "$*" >&2
    return 1
}

# lab_var NAME N: the value of NAME_N.
lab_var() {
    local name=$1_$2
    printf '%s' "${!name}"
}

lab_exec() {
    local node=$1
    shift
    ip netns exec "$LAB_ID-$node" "$@"
}

# lab_wait WHAT SECONDS CMD...
lab_wait() {
    local what=$1 limit=$2 deadline
    shift 2
    deadline=$((${EPOCHREALTIME/[.,]/} + limit * 1000000))
    until "$@" >/dev/null 2>&1; do
        if ((${EPOCHREALTIME/[.,]/} > deadline)); then
            lab_fail "$what: not within $limit s"
            return 1
        fi
        sleep 0.05
    done
}

# lab_never WHAT SECONDS CMD...
lab_never() {
    local what=$1 limit=$2 deadline
    shift 2
    deadline=$((${EPOCHREALTIME/[.,]/} + limit * 1000000))
    while ((${EPOCHREALTIME/[.,]/} < deadline)); do
        if "$@" >/dev/null 2>&1; then
            lab_fail "$what: happened"
            return 1
        fi
        sleep 0.2
    done
}

lab_event() {
    printf '%s %s %s\n' "${EPOCHREALTIME/,/.}" "$1" "$2" >>"$LAB_EVENTS"
}

lab_paths() {
    LAB_ID=${LAB_DIR##*/}
    LAB_GW_VICI=$LAB_DIR/gw/vici
    LAB_EP1_VICI=$LAB_DIR/ep1/vici
    LAB_EP2_VICI=$LAB_DIR/ep2/vici
    LAB_PSK_FILE_1=$LAB_DIR/psk-1
    LAB_PSK_FILE_2=$LAB_DIR/psk-2
    LAB_EVENTS=$LAB_DIR/events
    LAB_AWSSIM_LOG=$LAB_DIR/awssim.jsonl
    LAB_AWS_CREDENTIALS=$LAB_DIR/credentials
    LAB_BUILD=${LAB_BUILD:-$LAB_ROOT/build}
    lab_agent_paths
}

lab_defaults() {
    LAB_TUNNELS=${LAB_TUNNELS:-1}
    LAB_GW_DPD_ACTION=${LAB_GW_DPD_ACTION:-clear}
    LAB_GW_CLOSE_ACTION=${LAB_GW_CLOSE_ACTION:-none}
    LAB_GW_START_ACTION=${LAB_GW_START_ACTION:-none}
    LAB_GW_KEYINGTRIES=${LAB_GW_KEYINGTRIES:-0}
    LAB_GW_DPD_DELAY=${LAB_GW_DPD_DELAY:-10s}
    LAB_GW_RETRANSMIT=${LAB_GW_RETRANSMIT:-}
    LAB_MODIFY_SECONDS=${LAB_MODIFY_SECONDS:-3}
    LAB_EP_DPD=${LAB_EP_DPD:-clear}
    LAB_EP_STARTUP=${LAB_EP_STARTUP:-add}
}

# What another shell (lab_attach, endpoint_hook) must know, beside the names that follow from LAB_DIR.
lab_save() {
    declare -p LAB_BUILD LAB_TUNNELS LAB_GW_DPD_ACTION LAB_GW_CLOSE_ACTION LAB_GW_START_ACTION LAB_GW_KEYINGTRIES \
        LAB_GW_DPD_DELAY LAB_GW_RETRANSMIT LAB_MODIFY_SECONDS | sed 's/^declare --/declare -g/' >"$LAB_DIR/settings.new"
    mv "$LAB_DIR/settings.new" "$LAB_DIR/settings"
}

lab_attach() {
    LAB_DIR=$1
    [[ -r $LAB_DIR/settings ]] || lab_fail "no lab in $LAB_DIR" || return
    lab_paths
    # shellcheck disable=SC1091
    . "$LAB_DIR/settings"
}

lab_random_key() {
    printf 'k%s' "$(od -An -N15 -tx1 /dev/urandom | tr -d ' \n')"
}

lab_traps() {
    [[ ${LAB_TRAP:-yes} == yes ]] || return 0
    trap lab_down EXIT
    # A person's shell must survive Ctrl-C.
    [[ $- == *i* ]] && return 0
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

lab_up() {
    local n
    [[ $EUID == 0 ]] || lab_fail "needs root" || return
    [[ -z ${LAB_DIR:-} ]] || lab_fail "there is a lab already: $LAB_DIR" || return
    LAB_DIR=$(mktemp -d "/tmp/rk${BASHPID}XXX") || return
    lab_paths
    lab_defaults
    lab_traps
    lab_save
    : >"$LAB_EVENTS"
    : >"$LAB_AWSSIM_LOG"
    for n in 1 2; do
        (umask 077 && lab_random_key >"$LAB_DIR/psk-$n")
    done
    lab_programs && lab_net_up && lab_service_start || return
    for n in 1 2; do
        mkdir -p "$LAB_AGENT_DIR" "$LAB_DIR/ep$n" && printf '%s %s\n' "$LAB_EP_DPD" "$LAB_EP_STARTUP" >"$LAB_DIR/ep$n/options" || return
    done
    mkdir "$LAB_DIR/gw"
    lab_charons_start || return
    for ((n = 1; n <= LAB_TUNNELS; n++)); do
        lab_tunnel_up "$n" || lab_initiate "$n" || lab_fail "tunnel $n did not come up" || return
    done
    case ${LAB_AWS:-auto} in
    no) ;;
    auto) [[ ! -x $LAB_BUILD/awssim ]] || lab_awssim_start ${LAB_AWSSIM_ARGS[@]+"${LAB_AWSSIM_ARGS[@]}"} ;;
    *) lab_awssim_start ${LAB_AWSSIM_ARGS[@]+"${LAB_AWSSIM_ARGS[@]}"} ;;
    esac
}

# Whatever runs in the lab's namespaces was started by or in the lab.
lab_kill_all() {
    local node pids
    for node in "${LAB_NODES[@]}"; do
        [[ -e /run/netns/$LAB_ID-$node ]] || continue
        while pids=$(ip netns pids "$LAB_ID-$node" 2>/dev/null) && [[ -n $pids ]]; do
            # shellcheck disable=SC2086
            kill -KILL $pids 2>/dev/null
            sleep 0.02
        done
    done
}

lab_down() {
    local node
    [[ -n ${LAB_DIR:-} && -d $LAB_DIR ]] || return 0
    lab_kill_all
    for node in "${LAB_NODES[@]}"; do
        [[ ! -e /run/netns/$LAB_ID-$node ]] || ip netns del "$LAB_ID-$node"
    done
    if [[ ${LAB_KEEP:-no} == yes ]]; then
        printf 'lab: logs are in %s\n' "$LAB_DIR" >&2
    else
        rm -rf "$LAB_DIR"
    fi
    LAB_DIR=
}
