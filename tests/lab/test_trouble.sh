#!/usr/bin/env bash
# What stands in the way of a repair, or of hearing of it: a wrong key, no common proposal, an endpoint that flaps, a
# receiver that hangs, a full disk, the end of the agent in the middle. LAB_BUILD=build/san runs it with the sanitizers.
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

test_needs
# shellcheck disable=SC2034  # read by lab_up
LAB_AWS=yes LAB_AWSSIM_ARGS=(--modify-time 2s --telemetry-interval 500ms) LAB_MODIFY_SECONDS=1 LAB_TRAP=no
trap 'umount -l "$LAB_AGENT_DIR/state" 2>/dev/null || :; lab_down' EXIT
trap 'exit 143' TERM INT HUP
lab_up
lab_hook_start
lab_agent_conf

told() {
    lab_hooks_count "$1"
}

calls() {
    lab_aws_calls ModifyVpnTunnelOptions
}

called() {
    (($(calls) > $1))
}

more_actions() {
    (($(actions) > 1))
}

# Each part begins with a healthy tunnel, and with an agent that remembers nothing.
fresh() {
    test_step "$*"
    lab_agent_stop
    find "$LAB_AGENT_DIR/state" -mindepth 1 -delete 2>/dev/null || :
    lab_ping 1 || test_fresh_tunnel 1 clear add
    lab_agent_start
    lab_wait "UP" 10 lab_verdict_is 1 UP || test_fail "not UP: $(lab_status)"
    before=$(told true)
}

recovered() {
    lab_wait "the fresh endpoint" 20 lab_is_back 1
    lab_wait "the tunnel is back" "$1" lab_ping 1 || test_fail "not back: $(lab_status)"
    lab_wait "UP" 10 lab_verdict_is 1 UP
}

actions() {
    lab_rekindle history --json --limit 1000 |
        jq '[.entries[] | select(.kind == "action" and (.text | startswith("recreate-probe") | not))] | length'
}

# refused CAUSE: DOWN for CAUSE, tried once, told, and left to people.
refused() {
    lab_wait "the cause is seen" 15 lab_verdict_is 1 DOWN "$1" || test_fail "$(lab_status)"
    test_check "it is not tried again" lab_never "another action" 12 more_actions
    test_check "people hear why" lab_hooked 1 ".type == \"action.finished\" and .data.cause == \"$1\""
}

fresh "the endpoint has another key"
cp "$LAB_PSK_FILE_1" "$LAB_DIR/psk-kept"
lab_charon_stop ep1
lab_gate_shut ep1
(umask 077 && lab_random_key >"$LAB_PSK_FILE_1")
lab_charon_start ep1
cat "$LAB_DIR/psk-kept" >"$LAB_PSK_FILE_1"
refused authentication-failed
lab_charon_stop ep1
lab_charon_start ep1
lab_rekindle repair aurora-backup/1 >/dev/null || test_fail "what was mended cannot be repaired by order"
recovered 5

fresh "no proposal in common"
LAB_IKE_PROPOSAL=aes256-sha384-ecp384
lab_charon_stop ep1
lab_charon_start ep1
refused no-proposal-chosen
LAB_IKE_PROPOSAL=aes128-sha256-ecp256
lab_charon_stop ep1
lab_charon_start ep1

fresh "an endpoint goes and comes three times"
for how in silent delete silent; do
    lab_replace 1 "$how" 3
    lab_wait "DOWN" 8 lab_verdict_is 1 DOWN
    recovered 3
done
test_check "it is one incident" test "$(lab_rekindle history --json | jq '[.entries[].incident] | unique | length')" == 1

fresh "the receiver of alerts hangs"
kill -STOP "$(<"$LAB_AGENT_DIR/hook.pid")"
lab_replace 1 delete 2
lab_wait "DOWN" 8 lab_verdict_is 1 DOWN
recovered 3
lab_status | jq -e '.alerts.waiting >= 2' >/dev/null || test_fail "no alert waits"
began=$EPOCHREALTIME
lab_agent_stop
awk -v t="$(lab_seconds_between "$began" "$EPOCHREALTIME")" 'BEGIN { exit !(t < 3) }' || test_fail "it ends late"
kill -CONT "$(<"$LAB_AGENT_DIR/hook.pid")"
lab_agent_start
lab_wait "the alerts come in the end" 20 lab_hooked $((before + 4)) true || test_fail "alerts are missing"
test_check "an end has no cause" test "$(told '.type == "tunnel.up" and .data.cause != null')" == 0

fresh "it recovers while nobody watches"
lab_replace 1 silent 600
lab_wait "people are told" 15 lab_hooked $((before + 1)) true || test_fail "nobody heard DOWN"
before=$(told '.type == "tunnel.up"')
lab_agent_stop KILL
lab_charon_start ep1
test_fresh_tunnel 1 clear add
lab_agent_start
lab_wait "people hear the end" 10 lab_hooked $((before + 1)) '.type == "tunnel.up"' || test_fail "nobody heard UP"

fresh "ended in the middle of a change of AWS"
lab_agent_conf ike=none more='timing { aws-repair-after = "0s" }'
lab_rekindle reload >/dev/null
changes=$(calls)
lab_replace 1 delete 1
lab_wait "the change is made" 30 called "$changes"
lab_agent_stop
lab_agent_start
recovered 30
test_check "it was made once" test "$(calls)" == $((changes + 1))

lab_agent_stop
find "$LAB_AGENT_DIR/state" -mindepth 1 -delete
mount -t tmpfs -o size=400k tmpfs "$LAB_AGENT_DIR/state" || test_skip "may not mount a small disk"
test_fresh_tunnel 1 clear add
lab_agent_conf
fresh "the disk is full"
fill() {
    dd if=/dev/zero of="$LAB_AGENT_DIR/state/filler" bs=4k 2>/dev/null || :
}
fill
changes=$(calls)
downs=$(told '.type == "tunnel.down"')
lab_replace 1 delete 2
lab_wait "DOWN" 8 lab_verdict_is 1 DOWN
recovered 3
test_check "people are told" lab_wait webhook 5 lab_hooked $((downs + 1)) '.type == "tunnel.down"'
lab_agent_conf ike=none more='timing { aws-repair-after = "0s" }'
lab_rekindle reload >/dev/null
lab_replace 1 delete 1
lab_wait "DOWN" 8 lab_verdict_is 1 DOWN
lab_wait "the change is held back" 20 lab_tunnel_is 1 '.decision.reason | contains("guard store")' ||
    test_fail "$(lab_status)"
test_check "nothing is changed in AWS" test "$(calls)" == "$changes"
rm "$LAB_AGENT_DIR/state/filler"
recovered 30
test_check "one change when there is room" test "$(calls)" == $((changes + 1))

lab_agent_stop
! grep -E 'ERROR: |runtime error|Assertion' "$LAB_AGENT_LOG" || test_fail "the sanitizers, or an assertion"
test_step "passed"
