#!/usr/bin/env bash
# Every algorithm that AWS offers, and those of modern peers, each in swanctl.conf's words, with a charon: handshake,
# packets, a rekeying of the CHILD_SA with the same group, in both roles.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs
pair_up

ciphers=(
    aes128-sha1 aes128-sha256 aes128-sha384 aes128-sha512 aes256-sha1 aes256-sha256 aes256-sha384 aes256-sha512
    aes128gcm16 aes256gcm16 chacha20poly1305
)
prfs=(prfsha1 prfsha256 prfsha384 prfsha512)
groups=(
    modp1024 modp1536 modp2048 modp3072 modp4096 modp6144 modp8192 modp1024s160 modp2048s224 modp2048s256
    ecp256 ecp384 ecp521 curve25519 curve448 x25519 x448
)

# ike_of CIPHER GROUP [PRF]: without integrity there is no PRF that goes with it.
ike_of() {
    local prf=${3:-}
    [[ $1 == *-* || -n $prf ]] || prf=prfsha256
    printf '%s-%s%s' "$1" "${prf:+$prf-}" "$2"
}

# agrees CIPHER GROUP INITIATOR [PRF]
agrees() {
    local cipher=$1 group=$2 node=$3 prf=${4:-} n
    for n in a b; do
        pair_set "$n" ike="$(ike_of "$cipher" "$group" "$prf")" esp="$cipher-$group"
        pair_load "$n"
    done
    pair_initiate "$node" >"$PAIR_DIR/out" 2>&1 || { cat "$PAIR_DIR/out" && pair_fail "$node: $cipher $group"; }
    pair_ping a >"$PAIR_DIR/out" || pair_fail "$node: $cipher $group: no echo"
    pair_swanctl "$node" --rekey --child net >"$PAIR_DIR/out" 2>&1 || pair_fail "$node: $cipher $group: no rekeying"
    pair_until "$node: $cipher $group: one CHILD_SA after the rekeying" 10 rekeyed "$node"
    pair_ping b >"$PAIR_DIR/out" || pair_fail "$node: $cipher $group: no echo after the rekeying"
    pair_swanctl "$node" --terminate --ike peer --timeout 5 >"$PAIR_DIR/out" 2>&1 || pair_fail "$node: no end"
}

# The one that was asked for has a group of its own, which the first CHILD_SA of an IKE_SA has not.
rekeyed() {
    [[ $(pair_children a) == 1 && $(pair_children b) == 1 ]] && pair_list "$1" | grep -q 'state=INSTALLED.*dh-group'
}

extra=()
[[ ${PAIR_KINDS[a]} == charon ]] || extra=(--allow-legacy)
pair_start a "${extra[@]}"
pair_start b
for node in a b; do
    for cipher in "${ciphers[@]}"; do
        agrees "$cipher" ecp256 "$node"
    done
    pair_step "ok: $node begins: ${ciphers[*]}"
    for prf in "${prfs[@]}"; do
        agrees aes256gcm16 ecp384 "$node" "$prf"
        agrees aes128-sha256 ecp384 "$node" "$prf"
    done
    pair_step "ok: $node begins: ${prfs[*]}"
    for group in "${groups[@]}"; do
        agrees aes128gcm16 "$group" "$node"
    done
    pair_step "ok: $node begins: ${groups[*]}"
done
[[ $(pair_clear) == 0 ]] || pair_fail "packets in clear"
