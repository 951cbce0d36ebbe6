#!/usr/bin/env bash
# A responder that is under attack asks for a COOKIE, one that wants another group says so, and one does both; with loss.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs
pair_up

# An attempt whose IKE_AUTH never arrives leaves a half-open IKE_SA with the responder.
half_open() {
    pair_drop udp dport 4500
    pair_swanctl "$1" --initiate --child net --timeout 1 >/dev/null 2>&1 || :
    pair_swanctl "$1" --terminate --ike peer --force --timeout 1 >/dev/null 2>&1 || :
    pair_drop_none
}

# asks INITIATOR IKE_A IKE_B WHAT PATTERN...
asks() {
    local node=$1 other pattern
    other=$(pair_other "$1")
    pair_set a ike="$2" && pair_set b ike="$3"
    # One half-open IKE_SA is enough.
    pair_start "$node"
    case ${PAIR_KINDS[$other]} in
    charon) pair_start "$other" 'cookie_threshold = 1' ;;
    engine) pair_start "$other" --cookie-threshold 1 ;;
    esac
    pair_load b && pair_load a
    [[ $4 != *COOKIE* ]] || half_open "$node"
    pair_check "$node begins: $4" pair_initiate "$node"
    pair_check "an echo" pair_ping a
    shift 4
    for pattern in "$@"; do
        grep -q "$pattern" "$(pair_log "$node")" || pair_fail "$node never saw $pattern"
    done
    pair_stop a && pair_stop b
    rm -f "$(pair_log a)" "$(pair_log b)"
}

one=aes128gcm16-prfsha256-ecp256
for node in a b; do
    asks "$node" "$one" "$one" COOKIE COOKIE
    if [[ $node == a ]]; then
        asks a "$one-ecp384" aes128gcm16-prfsha256-ecp384 "another group" ECP_384
        asks a "$one-ecp384" aes128gcm16-prfsha256-ecp384 "COOKIE and another group" COOKIE ECP_384
    else
        asks b aes128gcm16-prfsha256-ecp384 "$one-ecp384" "another group" ECP_384
        asks b aes128gcm16-prfsha256-ecp384 "$one-ecp384" "COOKIE and another group" COOKIE ECP_384
    fi
done
