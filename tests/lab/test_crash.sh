#!/usr/bin/env bash
# kill -9 of rekindled at any moment of a repair, and a restart: never a second ModifyVpnTunnelOptions.
# ROUNDS=N: how many repairs are interrupted (8).
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

ROUNDS=${ROUNDS:-8}

test_needs
# shellcheck disable=SC2034  # read by lab_up
LAB_AWS=yes LAB_AWSSIM_ARGS=(--modify-time 2s --telemetry-interval 500ms) LAB_MODIFY_SECONDS=1
lab_up
lab_hook_start
lab_agent_conf ike=none more='timing { aws-repair-after = "0s" }'

calls() {
    lab_aws_calls ModifyVpnTunnelOptions
}

intended() {
    grep -q 'event=action .*action=tunnel-options' "$LAB_AGENT_LOG"
}

changed_twice() {
    (($(calls) - before > 1))
}

recovered() {
    lab_wait "the tunnel is back" 60 lab_ping 1 && lab_wait "UP" 15 lab_verdict_is 1 UP
}

begin_round() {
    test_fresh_tunnel 1 clear add
    rm -rf "$LAB_AGENT_DIR/state"
    : >"$LAB_AGENT_LOG"
    before=$(calls)
    lab_agent_start
    lab_wait "UP" 10 lab_verdict_is 1 UP
}

# Killed at the decision, between intention and call, at the call, while AWS modifies, after the end. Where the call was
# not made yet, the next process makes it only when AWS shows for minutes that it was not.
delays=(0 0.01 0.02 0.05 0.1 0.3 0.8 2)
for ((round = 0; round < ROUNDS; round++)); do
    delay=${delays[round % ${#delays[@]}]}
    begin_round
    lab_replace 1 delete 1
    lab_wait "the repair begins" 30 intended
    sleep "$delay" # the moment that this round is about
    lab_agent_stop KILL
    at_kill=$(($(calls) - before))
    lab_agent_start
    if ((at_kill > 0)); then
        recovered || test_fail "round $round, killed after $delay s: not recovered"
    else
        lab_never "a second change" 8 changed_twice
    fi
    test_check "killed $delay s after the decision, $at_kill change made by then: never a second" \
        test $(($(calls) - before)) -le 1
    lab_agent_stop
done

test_step "killed before there is an intention: the next process repairs"
begin_round
lab_sim inject kind=unavailable action=DescribeVpnConnections times=0
lab_replace 1 delete 1
lab_wait "DOWN" 10 lab_verdict_is 1 DOWN
lab_agent_stop KILL
lab_sim inject kind=none
lab_agent_start
recovered || test_fail "not recovered"
test_check "one change" test $(($(calls) - before)) == 1
lab_agent_stop

test_step "an answer that is lost: the change was made, the agent is told 503"
begin_round
lab_sim inject kind=apply-then-503 action=ModifyVpnTunnelOptions times=1
lab_replace 1 delete 1
recovered || test_fail "not recovered"
test_check "one change" test $(($(calls) - before)) == 1
lab_agent_stop
test_step "passed"
