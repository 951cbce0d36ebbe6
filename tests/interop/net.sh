# shellcheck shell=bash
# Namespaces, links and the router's filter. Sourced by lib.sh.

pair_outside() {
    case $1 in
    a) printf 198.51.100.2 ;;
    b) printf 203.0.113.2 ;;
    esac
}

pair_outside6() {
    printf '2001:db8:%s::2' "$1"
}

pair_inside() {
    case $1 in
    a) printf 10.1.0.1 ;;
    b) printf 10.2.0.1 ;;
    esac
}

pair_inside6() {
    case $1 in
    a) printf fd00:1::1 ;;
    b) printf fd00:2::1 ;;
    esac
}

pair_other() {
    case $1 in
    a) printf b ;;
    b) printf a ;;
    esac
}

pair_net_up() {
    local node
    for node in a b r; do
        ip netns add "$PAIR_ID-$node" || return
        pair_exec "$node" sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
            net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.all.accept_dad=0 \
            net.ipv6.conf.default.accept_dad=0 || return
        ip -n "$PAIR_ID-$node" link set lo up || return
    done
    pair_node_net a 198.51.100 && pair_node_net b 203.0.113 && pair_filter
}

# pair_node_net NODE PREFIX
pair_node_net() {
    local node=$1
    ip -n "$PAIR_ID-$node" link add wan type veth peer name "$node" netns "$PAIR_ID-r" &&
        ip -n "$PAIR_ID-r" -batch - <<END && ip -n "$PAIR_ID-$node" -batch - <<END2
addr add $2.1/24 dev $node
addr add 2001:db8:$node::1/64 dev $node
link set dev $node up
END
addr add $2.2/24 dev wan
addr add 2001:db8:$node::2/64 dev wan
link set wan up
route add default via $2.1
route add default via 2001:db8:$node::1
link add lan type bridge
link set lan up
addr add $(pair_inside "$node")/24 dev lan
addr add $(pair_inside6 "$node")/64 dev lan
END2
}

# Inner packets must never be seen by the router.
pair_filter() {
    pair_exec r nft -f - <<END
table inet pair {
    counter clear { }
    chain drops { }
    chain arriving {
        type filter hook prerouting priority -300
        ip daddr { 10.1.0.0/16, 10.2.0.0/16 } counter name clear drop
        ip6 daddr { fd00:1::/32, fd00:2::/32 } counter name clear drop
        jump drops
    }
    chain nat {
        type nat hook postrouting priority 100
    }
}
END
}

pair_clear() {
    pair_exec r nft list counter inet pair clear | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

pair_drop() {
    pair_exec r nft add rule inet pair drops "$*" drop
}

pair_drop_none() {
    pair_exec r nft flush chain inet pair drops
}

# Each rebinding moves the ports that a peer sees.
pair_nat() {
    local low=$((20000 + RANDOM % 20000))
    pair_exec r nft flush chain inet pair nat
    [[ $1 == off ]] || pair_exec r nft add rule inet pair nat oifname b ip saddr 198.51.100.0/24 meta l4proto udp \
        masquerade to ":$low-$((low + 1000))"
    [[ $1 == on ]] || pair_exec r conntrack -F >/dev/null 2>&1 || :
}
