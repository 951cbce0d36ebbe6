# shellcheck shell=bash
# shellcheck disable=SC2034  # most variables are for those who source this file
# Two IKE peers, each rekindle-engine or a real charon (user-space ESP), with a router between them, each a network
# namespace. Source this file, as root.
#
#   a   198.51.100.2, 2001:db8:a::2     behind it 10.1.0.1 and fd00:1::1
#   b   203.0.113.2, 2001:db8:b::2      behind it 10.2.0.1 and fd00:2::1
#   r   198.51.100.1, 203.0.113.1       the router between them, which may translate a's addresses
#
# Several may run at once: everything is named after PAIR_ID. Nothing is changed outside of its namespaces.
#
# Settings (defaults in parentheses): PAIR_KEEP (no), "yes" leaves PAIR_DIR with its logs; PAIR_BUILD (build);
# PAIR_SECONDS, how long test_rekey.sh lasts; PAIR_END_SECONDS (10), how long a daemon may take to end.
#
#   pair_up, pair_down               namespaces and links; all is taken away, may be called twice
#   pair_exec NODE CMD...
#   pair_kind NODE engine|charon     what runs there from the next start on
#   pair_start NODE [LINE...]        LINEs for charon's strongswan.conf, arguments for the engine
#   pair_stop NODE [TERM|KILL]
#   pair_pid NODE, pair_log NODE
#   pair_set NODE KEY=VALUE...       settings of its connection (pair_defaults); kept until changed
#   pair_load NODE                   writes and loads swanctl.conf
#   pair_swanctl NODE ARGS...        Debian's swanctl, 20 s at most
#   pair_initiate NODE [ARGS...]     the child "net", waits at most 15 s
#   pair_ping FROM [ARGS...]         one echo through the tunnel; pair_ping6
#   pair_has_child NODE, pair_sas NODE, pair_children NODE    INSTALLED CHILD_SA; how many IKE_SAs and CHILD_SAs
#   pair_until WHAT SECONDS CMD...   until CMD is true; fails with WHAT
#   pair_nat on|off|rebind           the router masquerades a; rebind: its mappings are forgotten and ports change
#   pair_drop MATCH...               the router drops what nftables matches, e.g. udp dport 500; pair_drop_none
#   pair_clear                       inner packets that the router saw in clear
#   pair_certs rsa|ecdsa             a CA, and keys and certificates of a and b

PAIR_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
PAIR_ROOT=$(cd "$PAIR_HOME/../.." && pwd)
PAIR_BUILD=${PAIR_BUILD:-$PAIR_ROOT/build}

# shellcheck source=tests/interop/net.sh
. "$PAIR_HOME/net.sh"
# shellcheck source=tests/interop/node.sh
. "$PAIR_HOME/node.sh"
# shellcheck source=tests/interop/conf.sh
. "$PAIR_HOME/conf.sh"

TEST_NAME=$(basename "$0" .sh)

pair_fail() {
    printf '%s: FAILED: %s\n' "$TEST_NAME" "$*" >&2
    exit 1
}

pair_step() {
    printf '%s: %s\n' "$TEST_NAME" "$*"
}

# Exit status 77 is a skipped test; the reason is its last line.
pair_needs() {
    local tool
    for tool in ip nft ping openssl charon-systemd swanctl "$@"; do
        command -v "$tool" >/dev/null || pair_skip "$tool is not installed"
    done
    [[ $EUID == 0 ]] || pair_skip "needs root"
    [[ -c /dev/net/tun ]] || pair_skip "needs /dev/net/tun"
    unshare --net true 2>/dev/null || pair_skip "may not make network namespaces"
}

pair_skip() {
    printf '%s: skipped: %s\n' "$TEST_NAME" "$*"
    exit 77
}

pair_until() {
    local what=$1 limit=$2 deadline
    shift 2
    deadline=$((${EPOCHREALTIME/[.,]/} + limit * 1000000))
    until "$@" >/dev/null 2>&1; do
        ((${EPOCHREALTIME/[.,]/} < deadline)) || pair_fail "$what: not within $limit s"
        sleep 0.05
    done
}

# pair_check WHAT CMD...
pair_check() {
    local what=$1
    shift
    "$@" >"$PAIR_DIR/check.out" 2>&1 || { cat "$PAIR_DIR/check.out" && pair_fail "$what"; }
    pair_step "ok: $what"
}

pair_up() {
    PAIR_DIR=$(mktemp -d "/tmp/rp${BASHPID}XXX") || pair_fail "no directory"
    PAIR_ID=${PAIR_DIR##*/}
    trap pair_down EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    mkdir "$PAIR_DIR/a" "$PAIR_DIR/b" "$PAIR_DIR/bin"
    pair_programs
    pair_net_up || pair_fail "no network"
    (umask 077 && printf 'k%s' "$(od -An -N15 -tx1 /dev/urandom | tr -d ' \n')" >"$PAIR_DIR/psk")
    pair_defaults
}

# Whatever runs in the namespaces was started here.
pair_down() {
    local node pids status=$?
    [[ -n ${PAIR_DIR:-} && -d $PAIR_DIR ]] || return "$status"
    for node in a b r; do
        [[ -e /run/netns/$PAIR_ID-$node ]] || continue
        while pids=$(ip netns pids "$PAIR_ID-$node" 2>/dev/null) && [[ -n $pids ]]; do
            # shellcheck disable=SC2086
            kill -KILL $pids 2>/dev/null
            sleep 0.02
        done
        ip netns del "$PAIR_ID-$node"
    done
    if [[ ${PAIR_KEEP:-no} == yes ]]; then
        printf 'logs are in %s\n' "$PAIR_DIR" >&2
    else
        rm -rf "$PAIR_DIR"
    fi
    PAIR_DIR=
    return "$status"
}

pair_exec() {
    local node=$1
    shift
    ip netns exec "$PAIR_ID-$node" "$@"
}
