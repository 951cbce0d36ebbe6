#!/usr/bin/env bash
# What the engine does to its host: a route-based tunnel of all addresses leaves the host on the network, unless
# `networks` says otherwise, and then what bears the tunnel still does not go through it; nothing goes into the device
# unasked; privileges that are dropped are gone, and all works without them.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs nc
pair_up

bystander=203.0.113.1 # the router's far address, which only a's default route leads to

reaches() {
    pair_exec "$1" ping -q -n -c 1 -W 1 "$2"
}

# An administrator's connection to a: what is typed comes back, after all of what happens meanwhile.
session_begin() {
    mkfifo "$PAIR_DIR/typed"
    pair_exec a nc -l 198.51.100.2 2222 </dev/null >"$PAIR_DIR/session" 2>&1 &
    pair_until "the server listens" 5 listens
    exec {typed}<>"$PAIR_DIR/typed"
    pair_exec r nc 198.51.100.2 2222 <"$PAIR_DIR/typed" >/dev/null 2>&1 &
    session_lives before
}

listens() {
    pair_exec a ss -Hltn 'sport = 2222' | grep -q 2222
}

session_lives() {
    printf '%s\n' "$1" >&"$typed"
    pair_until "a connection to the host is alive, $1" 10 grep -qx "$1" "$PAIR_DIR/session"
    pair_step "ok: a connection to the host is alive, $1"
}

# The host's own IPv6 packets to its neighbours, which nobody asked for. Those from no address the engine drops.
watch_device() {
    pair_exec a nft -f - <<END
table inet watch {
    counter unasked { }
    chain leaving {
        type filter hook output priority 0
        oifname "rk*" ip6 saddr != :: ip6 daddr ff00::/8 counter name unasked
    }
}
END
}

unasked() {
    pair_exec a nft list counter inet watch unasked | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

not() {
    ! "$@"
}

says() {
    grep -q "$1" "$(pair_log a)"
}

# Of the process and of nothing else: what it may do, has, and can ever get again.
status_is() {
    local got
    got=$(sed -n "s/^$1:[[:space:]]*//p" "/proc/$(pair_pid a)/status")
    [[ $got == "$2" ]] || pair_fail "$1 is $got, not $2"
    pair_step "ok: $1 is $2"
}

# A user of its own, in its own eyes alone.
give_user() {
    cp /etc/passwd "$PAIR_DIR/a/passwd"
    id rekindle-engine >/dev/null 2>&1 ||
        printf 'rekindle-engine:x:64646:64646::/nonexistent:/usr/sbin/nologin\n' >>"$PAIR_DIR/a/passwd"
    user=$(sed -n 's/^rekindle-engine:[^:]*:\([0-9]*\):\([0-9]*\):.*/\1 \2/p' "$PAIR_DIR/a/passwd")
}

four() {
    printf '%s\t%s\t%s\t%s' "$1" "$1" "$1" "$1"
}

echo_through() {
    pair_exec a ping -q -n -c 1 -W 1 "$1"
}

pair_kind a engine && pair_kind b charon
pair_set b local_ts=0.0.0.0/0,::/0 remote_ts=10.1.0.0/24,169.254.9.0/30
inside="inside_addrs = 169.254.9.2/30, fd00:9::2/126"
pair_set a local_ts=0.0.0.0/0,::/0 remote_ts=0.0.0.0/0,::/0 child="$inside"
give_user
pair_start b
pair_load b
pair_start a
watch_device
session_begin

net_admin=0000000000001000
status_is CapEff $net_admin
status_is CapPrm $net_admin
status_is CapInh 0000000000000000
status_is CapAmb 0000000000000000
status_is CapBnd 0000000000000000
status_is NoNewPrivs 1
status_is Uid "$(four "${user% *}")"
status_is Gid "$(four "${user#* }")"
status_is Groups ""

pair_load a
pair_check "the log says that no route was made" says 'no route is made of that; add routes into rk0'
session_lives "with 0.0.0.0/0 loaded"
pair_check "the rest of the network is where it was" reaches a "$bystander"
pair_check "the peer is reached" reaches a 203.0.113.2
pair_check "a tunnel of all addresses" pair_initiate a
session_lives "with 0.0.0.0/0 up"
pair_check "the rest of the network is where it was" reaches a "$bystander"
pair_exec a ip route add 10.2.0.0/24 dev rk0 src 10.1.0.1
pair_check "what is routed into the device goes through" echo_through 10.2.0.1
pair_check "and back" pair_ping b

pair_set a child="$inside
                networks = 0.0.0.0/0, ::/0"
pair_load a
pair_check "networks = 0.0.0.0/0: an echo through the tunnel" echo_through 10.2.0.1
pair_check "networks = 0.0.0.0/0: all goes there" not reaches a "$bystander"
pair_check "networks = 0.0.0.0/0: the IKE_SA is rekeyed" pair_swanctl a --rekey --ike peer
pair_check "networks = 0.0.0.0/0: the CHILD_SA is rekeyed" pair_swanctl a --rekey --child net
pair_check "networks = 0.0.0.0/0: it is ended" pair_swanctl a --terminate --ike peer --timeout 5
pair_check "networks = 0.0.0.0/0: all is refused" not reaches a "$bystander"
pair_check "networks = 0.0.0.0/0: it is made again" pair_initiate a
pair_check "networks = 0.0.0.0/0: an echo" echo_through 10.2.0.1

pair_set a child="$inside
                networks = 10.2.0.0/24"
pair_load a
session_lives "with networks = 10.2.0.0/24"
pair_check "an echo" echo_through 10.2.0.1
pair_check "the rest of the network is back" reaches a "$bystander"
[[ $(unasked) == 0 ]] || pair_fail "$(unasked) packets went into the device unasked"
pair_step "ok: nothing went into the device unasked"
[[ $(pair_clear) == 0 ]] || pair_fail "packets in clear"
