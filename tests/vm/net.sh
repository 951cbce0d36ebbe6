# shellcheck shell=bash
# The namespaces and links of the virtual machine. Sourced by lib.sh.

VM_MODULES="esp4 xfrm_user af_key tun veth dummy nf_tables nft_objref aesni-intel ghash-clmulni-intel cbc ctr gcm hmac md5 sha1_generic \
sha256_generic sha512_generic authenc seqiv echainiv drbg"

# All that is needed, and then no more: PF_KEY asks for every cipher ever used with ESP, for ten seconds in emulation.
vm_modules() {
    local module
    for module in $VM_MODULES; do
        modprobe "$module" || vm_fail "no module $module" || return
    done
    echo >/proc/sys/kernel/modprobe
}

# vm_side NODE DEVICE ADDRESS/LENGTH GATEWAY INSIDE
vm_side() {
    ip -n "$1" link add "$2" type veth peer name "$1" netns router &&
        ip -n router link set "$1" up &&
        ip -n router address add "$4/24" dev "$1" &&
        ip -n "$1" -batch - <<END
link set lo up
link set $2 up
address add $3 dev $2
route add default via $4
link add lan0 type dummy
link set lan0 up
address add $5/32 dev lan0
END
}

vm_net_up() {
    local node
    for node in engine router peer; do
        ip netns add "$node" && vm_exec "$node" sysctl -q -w net.ipv4.conf.all.rp_filter=0 \
            net.ipv4.conf.default.rp_filter=0 net.ipv4.ip_forward=1 || return
    done
    vm_side engine up0 "$VM_ENGINE_ADDR/24" 198.51.100.1 "$VM_ENGINE_INSIDE" &&
        vm_side peer wan0 "$VM_PEER_ADDR/24" 203.0.113.1 "$VM_PEER_INSIDE" &&
        vm_exec router nft -f - <<'END'
table ip vm {
    counter clear { }
    chain forward {
        type filter hook prerouting priority 0
        ip saddr 10.0.0.0/8 counter name clear drop
        ip daddr 10.0.0.0/8 counter name clear drop
    }
}
END
}

vm_clear_packets() {
    vm_exec router nft -j list counter ip vm clear | jq '[.nftables[].counter // empty | .packets] | add'
}

# vm_ping NODE
vm_ping() {
    local from=$VM_ENGINE_INSIDE to=$VM_PEER_INSIDE
    [[ $1 == engine ]] || { from=$VM_PEER_INSIDE && to=$VM_ENGINE_INSIDE; }
    vm_exec "$1" ping -q -n -c 1 -W 2 -I "$from" "$to"
}
