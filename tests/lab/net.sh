# shellcheck shell=bash
# The lab's namespaces, links, addresses and routes, and what serves in the VPC. Sourced by lib.sh.

lab_net_up() {
    lab_namespaces && lab_links && lab_addresses && lab_filters
}

# Datagram ICMP sockets are for everybody, as systemd sets it on Debian.
lab_namespaces() {
    local node
    for node in "${LAB_NODES[@]}"; do
        ip netns add "$LAB_ID-$node" || return
        lab_exec "$node" sysctl -q -w net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 \
            net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.default.disable_ipv6=1 \
            net.ipv4.ping_group_range='0 2147483647' || return
        ip -n "$LAB_ID-$node" link set lo up || return
    done
}

# lab_link NODE DEV PEER PEER_DEV
lab_link() {
    ip -n "$LAB_ID-$1" link add "$2" type veth peer name "$4" netns "$LAB_ID-$3" &&
        ip -n "$LAB_ID-$1" link set "$2" up && ip -n "$LAB_ID-$3" link set "$4" up
}

lab_links() {
    lab_link gw up0 rt gw0 && lab_link ep1 wan0 rt ep1 && lab_link ep2 wan0 rt ep2 &&
        lab_link ep1 vpc0 vpc ep1 && lab_link ep2 vpc0 vpc ep2
}

lab_ip_batch() {
    ip -n "$LAB_ID-$1" -batch -
}

# An endpoint without its charon must not answer for the VPC in clear text: hence the unreachable routes.
lab_endpoint_addresses() {
    local n=$1
    lab_ip_batch "ep$n" <<END
addr add $(lab_var LAB_OUTSIDE "$n")/32 dev wan0
route add 203.0.113.1/32 dev wan0
route add default via 203.0.113.1
addr add 10.0.255.$((n * 4 + 1))/30 dev vpc0
route add 10.0.0.0/16 via 10.0.255.$((n * 4 + 2))
link add inside type bridge
link set inside up
addr add $(lab_var LAB_PEER "$n")/32 dev inside
addr add 10.0.$n.1/32 dev inside
route add unreachable 169.254.0.0/16
route add unreachable 10.9.0.0/16
END
}

lab_addresses() {
    lab_ip_batch gw <<END || return
addr add $LAB_GW_ADDR/24 dev up0
route add default via $LAB_RT_ADDR
link add lan0 type bridge
link set lan0 up
addr add $LAB_LAN_ADDR/24 dev lan0
link add inside type bridge
link set inside up
addr add $LAB_INSIDE_1/32 dev inside
addr add $LAB_INSIDE_2/32 dev inside
END
    lab_ip_batch rt <<END || return
addr add $LAB_RT_ADDR/24 dev gw0
addr add 203.0.113.1/32 dev lo
addr add $LAB_AWS_ADDR/32 dev lo
addr add $LAB_HOOK_ADDR/32 dev lo
route add $LAB_OUTSIDE_1/32 dev ep1
route add $LAB_OUTSIDE_2/32 dev ep2
END
    lab_endpoint_addresses 1 && lab_endpoint_addresses 2 || return
    lab_ip_batch vpc <<END
addr add 10.0.255.6/30 dev ep1
addr add 10.0.255.10/30 dev ep2
addr add $LAB_VPC_HOST_1/32 dev lo
addr add $LAB_VPC_HOST_2/32 dev lo
route add default via 10.0.255.5
route add $LAB_INSIDE_2/32 via 10.0.255.9
END
}

# The router's filter is where faults are injected (fault.sh). An endpoint without a charon is silent: no ICMP error
# tells of the closed port, and its gate is shut until a fresh charon has its configuration.
lab_filters() {
    local n
    lab_exec rt nft -f - <<END || return
table inet lab {
    counter clear { }
    chain cut { }
    chain block { }
    chain loss { }
    chain arriving {
        type filter hook prerouting priority 0
        iifname "gw0" ip daddr { 10.0.0.0/8, 169.254.0.0/16 } counter name clear drop
        iifname { "ep1", "ep2" } ip saddr { 10.0.0.0/8, 169.254.0.0/16 } counter name clear drop
        jump cut
        jump block
        jump loss
    }
}
END
    for n in 1 2; do
        lab_exec "ep$n" nft -f - <<END || return
table inet lab {
    chain gate { }
    chain arriving {
        type filter hook input priority 0
        jump gate
    }
    chain leaving {
        type filter hook output priority 0
        icmp type destination-unreachable oifname "wan0" drop
    }
}
END
    done
}

lab_gate_shut() {
    lab_exec "$1" nft 'flush chain inet lab gate; add rule inet lab gate udp dport { 500, 4500 } drop'
}

lab_gate_open() {
    lab_exec "$1" nft 'flush chain inet lab gate'
}

# The database that is replicated every night, as far as a probe can tell.
lab_service_start() {
    lab_exec vpc setsid /usr/bin/python3 -I "$LAB_HOME/listener.py" "$LAB_VPC_PORT" </dev/null \
        >"$LAB_DIR/listener.log" 2>&1 &
    disown
}
