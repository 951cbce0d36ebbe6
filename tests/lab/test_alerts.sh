#!/usr/bin/env bash
# Alerts over a receiver that is away, a restart and a reload: each is delivered, with a stable id, and the URL is never
# told. A configuration that cannot be read leaves the running one in force.
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

test_needs
lab_up
lab_hook_start
lab_agent_conf mode=observe
touch "$LAB_HOOK_BROKEN"
lab_agent_start
lab_wait "UP" 10 lab_verdict_is 1 UP

refused() {
    jq -se 'map(select(.status == 503 and .body.type == "tunnel.down")) | length >= 2' "$LAB_HOOKS"
}

test_step "the receiver is away"
lab_replace 1 delete 600
lab_wait "DOWN" 10 lab_verdict_is 1 DOWN
lab_wait "it is tried again and again" 20 refused
test_check "status tells what waits" lab_tunnel_is 1 'true'
lab_status | jq -e '.alerts.waiting >= 1' >/dev/null || test_fail "nothing waits"
lab_agent_stop KILL
rm "$LAB_HOOK_BROKEN"
lab_agent_start
lab_wait "delivered after the restart" 20 lab_hooked 1 '.type == "tunnel.down"'
test_check "under the same id" jq -se 'map(select(.body.type == "tunnel.down") | .headers["webhook-id"]) | unique | length == 1' \
    "$LAB_HOOKS"
test_check "it is told once over the restart" lab_never "again" 4 lab_hooked 2 '.type == "tunnel.down"'

test_step "the URL"
! grep -qF "$(lab_hook_token)" "$LAB_AGENT_LOG" || test_fail "the log tells the URL"
! grep -qaF "$(lab_hook_token)" "/proc/$(lab_agent_pid)/cmdline" || test_fail "the arguments tell the URL"
! lab_status | grep -qF "$(lab_hook_token)" || test_fail "the API tells the URL"

test_step "a bad reload"
cp "$LAB_AGENT_CONF" "$LAB_AGENT_DIR/good.conf"
sed -i 's/^mode = .*/mode = reparieren/' "$LAB_AGENT_CONF"
! lab_rekindle check-config "$LAB_AGENT_CONF" >"$LAB_DIR/check.txt" 2>&1 || test_fail "check-config takes it"
test_check "check-config tells file and line" grep -q "rekindle.conf:1: " "$LAB_DIR/check.txt"
! lab_rekindle reload >"$LAB_DIR/reload.txt" 2>&1 || test_fail "the reload is taken"
test_check "the reload tells file and line" grep -q "rekindle.conf:1: " "$LAB_DIR/reload.txt"
kill -HUP "$(lab_agent_pid)"
lab_wait "the running configuration stays in force" 5 grep -q "stays in force" "$LAB_AGENT_LOG"
test_check "and is" lab_tunnel_is 1 '.verdict == "DOWN"'
cp "$LAB_AGENT_DIR/good.conf" "$LAB_AGENT_CONF"
lab_rekindle reload >/dev/null || test_fail "the good file is not taken"
test_check "the verdict was kept over the reload" lab_verdict_is 1 DOWN

test_step "pause and test"
lab_rekindle pause --for 10m >/dev/null || test_fail "pause"
grep -q 'paused until' <(lab_rekindle status) || test_fail "status does not tell the pause"
lab_agent_stop
lab_agent_start
grep -q 'paused until' <(lab_rekindle status) || test_fail "the pause did not outlive the restart"
lab_rekindle resume >/dev/null || test_fail "resume"
lab_rekindle test-alert >/dev/null || test_fail "test-alert"
test_check "the test alert comes, with this host's name" lab_wait webhook 10 lab_hooked 1 \
    ".type == \"test\" and .data.host == \"$(uname -n)\""

test_step "a second daemon beside it"
lab_exec gw "$LAB_BUILD/rekindled" --config "$LAB_AGENT_CONF" --state-dir "$LAB_AGENT_DIR/state2" \
    --runtime-dir "$LAB_AGENT_DIR/run" >"$LAB_DIR/second.txt" 2>&1 && test_fail "two daemons share a socket"
test_check "it says why" grep -q "another rekindled" "$LAB_DIR/second.txt"
lab_agent_stop
test_step "passed"
