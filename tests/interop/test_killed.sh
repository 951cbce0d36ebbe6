#!/usr/bin/env bash
# Under traffic of both address families the engine is killed, ended, restarted, and its connection loaded anew, changed,
# unloaded, terminated: nothing leaves in clear on any of these ways, and the tunnel comes back.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs
pair_up

traffic() {
    pair_exec a ping -q -n -i 0.005 -I 10.1.0.1 10.2.0.1 >/dev/null 2>&1 &
    pair_exec a ping -q -n -i 0.005 -I fd00:1::1 fd00:2::1 >/dev/null 2>&1 &
    # What a host behind a sends: no program of a's own.
    pair_exec lan ping -q -n -i 0.005 10.2.0.1 >/dev/null 2>&1 &
}

# A host behind a, which forwards for it.
lan_up() {
    ip netns add "$PAIR_ID-lan"
    ip -n "$PAIR_ID-lan" link add eth0 type veth peer name port netns "$PAIR_ID-a"
    ip -n "$PAIR_ID-a" link set port master lan up
    ip -n "$PAIR_ID-lan" addr add 10.1.0.7/24 dev eth0
    ip -n "$PAIR_ID-lan" link set eth0 up
    ip -n "$PAIR_ID-lan" route add default via 10.1.0.1
}

lan_down() {
    local pids
    while pids=$(ip netns pids "$PAIR_ID-lan" 2>/dev/null) && [[ -n $pids ]]; do
        # shellcheck disable=SC2086
        kill -KILL $pids 2>/dev/null
        sleep 0.02
    done
    ip netns del "$PAIR_ID-lan" 2>/dev/null || :
}

both_pass() {
    pair_ping a && pair_ping6 a && pair_exec lan ping -q -n -c 1 -W 1 10.2.0.1
}

is_shut() {
    local routes
    routes=$(pair_exec a ip route show table 4646 && pair_exec a ip -6 route show table 4646)
    grep -q '^unreachable 10.2.0.0/24' <<<"$routes" && grep -q '^unreachable fd00:2::/64' <<<"$routes"
}

refuses() {
    ! pair_ping a && ! pair_ping6 a
}

nothing_in_clear() {
    [[ $(pair_clear) == 0 ]] || pair_fail "$1: $(pair_clear) packets in clear"
    pair_step "ok: $1: nothing in clear"
}

load_quietly() {
    (umask 077 && pair_conf a >"$PAIR_DIR/a/swanctl.conf")
    pair_swanctl a --load-all >/dev/null 2>&1 || :
}

lan_up
trap 'status=$?; lan_down; pair_down || :; exit "$status"' EXIT
for node in a b; do
    pair_set "$node" local_ts="$(pair_inside "$node")/24,$(pair_inside6 "$node")/64" \
        remote_ts="$(pair_inside "$(pair_other "$node")")/24,$(pair_inside6 "$(pair_other "$node")")/64"
done
pair_kind a engine && pair_kind b "${PAIR_B:-charon}"
pair_start a && pair_start b
pair_load b && pair_load a
pair_set a start=start
pair_until "routes" 5 is_shut
traffic
pair_load a
pair_until "the tunnel is up" 10 both_pass
nothing_in_clear "it comes up"

for how in KILL TERM; do
    pair_stop a "$how"
    pair_check "$how: its networks stay unreachable" is_shut
    pair_check "$how: packets are refused" refuses
    pair_start a
    pair_check "$how: packets are refused before it has its configuration" refuses
    pair_load a
    pair_until "$how: the tunnel is back" 20 both_pass
    nothing_in_clear "$how"
done

for _ in 1 2 3 4 5; do
    load_quietly &
    sleep "0.0$((RANDOM % 10))"
    pair_stop a KILL
    wait $! || :
    pair_start a
    pair_load a
done
pair_until "killed while it begins: the tunnel is back" 20 both_pass
nothing_in_clear "killed while it begins"

for mtu in 1300 1310 1320; do
    pair_set a child="mtu = $mtu"
    pair_load a
    pair_until "mtu = $mtu: the tunnel is there" 20 both_pass
done
nothing_in_clear "loaded anew with another device"

for _ in 1 2 3; do
    pair_swanctl a --rekey --child net >/dev/null
    pair_swanctl a --rekey --ike peer >/dev/null
    pair_until "rekeyed" 10 both_pass
    pair_swanctl a --terminate --ike peer --timeout 5 >/dev/null
    pair_check "terminated: packets are refused" refuses
    pair_initiate a >/dev/null
    pair_until "the tunnel is back" 10 both_pass
done
nothing_in_clear "rekeyed, terminated and made again"

printf '' >"$PAIR_DIR/a/swanctl.conf"
pair_swanctl a --load-conns >/dev/null
pair_check "unloaded, but not terminated: it goes on" both_pass
pair_load a
pair_check "loaded again" both_pass
nothing_in_clear "unloaded and loaded again"

# The other way round: the router would have seen it.
pair_stop a
pair_exec a "$PAIR_BUILD/rekindle-engine" --flush
pair_ping a || :
[[ $(pair_clear) != 0 ]] || pair_fail "the router does not see what is in clear"
pair_step "ok: flushed: the networks are the host's again"
