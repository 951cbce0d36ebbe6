#!/usr/bin/env bash
# Whole lives of an engine with a pre-shared key, a PPK and a private key, which logs all it can: none of them, and no
# key of an SA, as the charon at the other end tells them, is in anything that it writes or answers. In memory a secret
# is where no core dump takes it from, and nothing is left of any of them when they are not needed any more.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs python3 openssl
pair_up

known=$PAIR_DIR/known answers=$PAIR_DIR/answers
lines_of_charon=("filelog {" "keys {" "path = $PAIR_DIR/b/keys" "flush_line = yes" "ike = 4" "chd = 4" "}" "}")

find_secrets() {
    python3 "$(dirname "$0")/find_secrets.py" "$@"
}

know() {
    printf '%s %s\n' "$1" "$(od -An -v -tx1 | tr -d ' \n')" >>"$known"
}

# Of all that went before too.
know_keys() {
    find_secrets keys "$PAIR_DIR/b/keys" >"$PAIR_DIR/keys"
    [[ $(grep -c '^Sk_ei' "$PAIR_DIR/keys") -ge $1 && $(grep -c '^encryption-init' "$PAIR_DIR/keys") -ge $1 ]]
}

# A prime as it stands in a file, and as OpenSSL has it in memory; and a line of the file.
know_private_key() {
    local file=$PAIR_DIR/a/private/a.key prime
    prime=$(openssl pkey -in "$file" -noout -text | sed -n '/^prime1:/,/^[^ ]/p' | grep '^ ' | tr -d ' :\n' | sed 's/^00//')
    printf 'prime %s\nprime-in-memory %s\n' "$prime" "$(fold -w 2 <<<"$prime" | tac | tr -d '\n')" >>"$known"
    sed -n 12p "$file" | tr -d '\n' | know private-key-file
}

ask() {
    printf '== %s\n' "$*" >>"$answers"
    pair_swanctl a "$@" >>"$answers" 2>&1 || pair_fail "swanctl $*: $(tail -n 1 "$answers")"
}

ask_for_everything() {
    local what
    for what in --list-sas --list-conns --list-certs --list-pols --list-algs --list-authorities --list-pools --stats; do
        ask "$what"
        ask "$what" --raw
    done
}

one_of_each() {
    [[ $(pair_sas a) == 1 && $(pair_children a) == 1 ]]
}

# live WHAT LIVES: an IKE_SA with CHILD_SA, both rekeyed once. LIVES of before and this one.
live() {
    local found
    pair_load b
    pair_load a
    cat "$PAIR_DIR/a/load.log" >>"$answers"
    ask --initiate --child net --timeout 15
    ask --rekey --child net
    ask --rekey --ike peer
    pair_until "$1: the keys of both and of what they became" 10 know_keys $((2 * $2))
    pair_until "$1: an echo" 5 pair_ping a
    pair_until "$1: one IKE_SA and CHILD_SA" 10 one_of_each
    [[ $(find_secrets memory "$PAIR_DIR/keys" "$(pair_pid a)") == *Sk_d* ]] || pair_fail "no key in memory: is this test blind?"
    ask_for_everything
    ask --terminate --ike peer --timeout 5
    found=$(find_secrets memory "$PAIR_DIR/keys" "$(pair_pid a)")
    [[ -z $found ]] || pair_fail "$1: left in memory: $found"
    pair_step "ok: $1: established, rekeyed, ended"
}

is_told_nowhere() {
    local found
    local -a written
    sort -u -o "$known" "$known" "$PAIR_DIR/keys"
    cp "/proc/$(pair_pid a)/cmdline" "$PAIR_DIR/cmdline"
    cp "/proc/$(pair_pid a)/environ" "$PAIR_DIR/environ"
    mapfile -t written < <(find "$PAIR_DIR/a/state" -type f)
    found=$(find_secrets files "$known" "$answers" "$PAIR_DIR"/{cmdline,environ,events,logged} "$PAIR_DIR/a/stderr" \
        "${written[@]}")
    [[ -z $found ]] || pair_fail "$1: told: $found"
    pair_step "ok: $1: $(wc -l <"$known") secrets, none in the log, the answers, the events, the state, /proc"
}

in_memory() {
    find_secrets memory "$known" "$(pair_pid a)"
}

in_no_dump() {
    local found
    found=$(in_memory | grep -E '^(psk|ppk) ') || pair_fail "the secrets are not found in memory: is this test blind?"
    [[ $(grep -c ' 0 [1-9]' <<<"$found") == 2 && $(wc -l <<<"$found") == 2 ]] || pair_fail "core dumps take: $found"
    grep -q '^Max core file size *0 *0 ' "/proc/$(pair_pid a)/limits" || pair_fail "core dumps are made"
    pair_step "ok: no core dump takes the pre-shared key and the PPK"
}

forget_all() {
    local found
    rm -r "$PAIR_DIR/a/private"
    : >"$PAIR_DIR/a/swanctl.conf"
    ask --load-creds --clear --noprompt
    found=$(in_memory)
    [[ -z $found ]] || pair_fail "left in memory: $found"
    pair_step "ok: nothing of them is left in memory"
}

psk=key-$(openssl rand -hex 16) ppk=quantum-$(openssl rand -hex 16)
printf %s "$psk" | know psk
printf %s "$ppk" | know ppk
for node in a b; do
    pair_set "$node" secret="$psk" conn=$'ppk_id = ppk.example\n ppk_required = yes' \
        secrets=$'ppk-1 {\n id-1 = ppk.example\n secret = '"$ppk"$'\n }'
done
pair_start a && pair_start b "${lines_of_charon[@]}"
pair_swanctl a --log >"$PAIR_DIR/logged" 2>&1 &
pair_swanctl a --monitor-sa --raw >"$PAIR_DIR/events" 2>&1 &

live "a pre-shared key and a PPK" 1
is_told_nowhere "a pre-shared key and a PPK"
in_no_dump
pair_certs rsa
know_private_key
for node in a b; do
    pair_set "$node" auth=pubkey conn="" secrets=""
done
live "a certificate" 2
is_told_nowhere "a certificate"
forget_all
