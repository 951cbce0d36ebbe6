# shellcheck shell=bash
# What goes wrong in the lab: replaced endpoints, a cut uplink, lost and blocked packets. Sourced by lib.sh.

lab_replace() {
    local n=$1 how=$2 seconds=$3
    lab_charon_stop "ep$n" "$how" || return
    lab_gate_shut "ep$n"
    LAB_DIR=$LAB_DIR lab_exec "ep$n" setsid "$LAB_HOME/endpoint_hook" return "$(lab_var LAB_OUTSIDE "$n")" "$seconds" \
        </dev/null >>"$LAB_DIR/ep$n/hook.log" 2>&1 &
    disown
}

lab_is_back() {
    [[ $(awk -v node="ep$1" '$2 == node { state = $3 } END { print state }' "$LAB_EVENTS") == back ]]
}

lab_endpoint_options() {
    local n=$1 dpd=$2 startup=$3
    [[ $dpd =~ ^(clear|none|restart)$ && $startup =~ ^(add|start)$ ]] ||
        lab_fail "tunnel options? $dpd $startup" || return
    printf '%s %s\n' "$dpd" "$startup" >"$LAB_DIR/ep$n/options"
    if lab_awssim_runs; then
        lab_sim options "tunnel=$(lab_var LAB_OUTSIDE "$n")" "dpd=$dpd" "startup=$startup" || return
    fi
    lab_charon_gone "ep$n" && return 0
    lab_charon_stop "ep$n" silent && lab_charon_start "ep$n"
}

lab_uplink_cut() {
    case ${1:-link} in
    link) ip -n "$LAB_ID-rt" link set gw0 down ;;
    silent)
        lab_exec rt nft "flush chain inet lab cut; add rule inet lab cut iifname gw0 drop;
            add rule inet lab cut ip daddr $LAB_GW_ADDR drop"
        ;;
    *) lab_fail "cut how? $1" ;;
    esac
}

lab_uplink_restore() {
    lab_exec rt nft 'flush chain inet lab cut'
    ip -n "$LAB_ID-rt" link set gw0 up
}

# lab_matches DIRECTION TUNNEL: one nft match a line, seen from the gateway.
lab_matches() {
    local n
    for n in 1 2; do
        [[ $2 == all || $2 == "$n" ]] || continue
        [[ $1 == in ]] || printf 'ip saddr %s ip daddr %s\n' "$LAB_GW_ADDR" "$(lab_var LAB_OUTSIDE "$n")"
        [[ $1 == out ]] || printf 'ip saddr %s ip daddr %s\n' "$(lab_var LAB_OUTSIDE "$n")" "$LAB_GW_ADDR"
    done
}

# On port 4500 four zero bytes before an IKE message tell it from ESP (RFC 3948 section 2.2).
LAB_MATCH_ESP='udp dport 4500 @th,64,32 != 0'
LAB_MATCH_IKE_500='udp dport 500'
LAB_MATCH_IKE_4500='udp dport 4500 @th,64,32 0'

lab_loss() {
    local percent=$1 match chance="numgen random mod 100 < $1"
    ((percent < 100)) || chance=
    {
        echo 'flush chain inet lab loss'
        ((percent == 0)) || lab_matches "${2:-both}" "${3:-all}" | while read -r match; do
            echo "add rule inet lab loss $match $LAB_MATCH_ESP $chance drop"
        done
    } | lab_exec rt nft -f -
}

lab_block() {
    local what=$1 match packet packets=()
    case $what in
    ike) packets=("$LAB_MATCH_IKE_500" "$LAB_MATCH_IKE_4500") ;;
    esp) packets=("$LAB_MATCH_ESP") ;;
    all) packets=('udp dport { 500, 4500 }') ;;
    aws)
        lab_exec rt nft "add rule inet lab block ip saddr $LAB_GW_ADDR ip daddr $LAB_AWS_ADDR drop"
        return
        ;;
    *) lab_fail "block what? $what" || return ;;
    esac
    lab_matches "${2:-both}" "${3:-all}" | while read -r match; do
        for packet in "${packets[@]}"; do
            echo "add rule inet lab block $match $packet drop"
        done
    done | lab_exec rt nft -f -
}

lab_unblock() {
    lab_exec rt nft 'flush chain inet lab block'
}

lab_clear_packets() {
    lab_exec rt nft list counter inet lab clear | awk '/packets/ { print $2 }'
}
