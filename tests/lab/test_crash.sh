#!/usr/bin/env bash
# kill -9 of rekindled at any moment of a repair, and a restart: never a second ModifyVpnTunnelOptions.
# ROUNDS=N: how many repairs are interrupted at no special moment (4).
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

ROUNDS=${ROUNDS:-4}

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

aws_is_frozen() {
    [[ $(awk '{ print $3 }' "/proc/$(<"$LAB_DIR/awssim.pid")/stat") == T ]]
}

thaw() {
    kill -CONT "$(<"$LAB_DIR/awssim.pid")"
}

# at FAULT ACTION FIRST: killed while AWS stands still there; then AWS or the next process goes on FIRST.
killed_at() {
    local fault=$1 action=$2 first=$3
    begin_round
    lab_sim inject "kind=$fault" "action=$action" times=1
    lab_replace 1 delete 1
    lab_wait "AWS stands still" 30 aws_is_frozen
    lab_agent_stop KILL
    [[ $first != aws ]] || thaw
    lab_agent_spawn
    [[ $first == aws ]] || { lab_wait "rekindled answers" 10 lab_rekindle_answers && thaw; }
    recovered || { tail -n 40 "$LAB_AGENT_LOG" >&2 && test_fail "$fault $action: not recovered"; }
    test_check "killed at $fault of $action, then $first goes on first: one change" test $(($(calls) - before)) == 1
    lab_agent_stop
}

killed_at freeze-before DescribeVpnConnections agent
killed_at freeze-before ModifyVpnTunnelOptions aws
killed_at freeze-before ModifyVpnTunnelOptions agent
killed_at freeze-after ModifyVpnTunnelOptions agent

# Killed around the call, while AWS modifies, and after the end.
delays=(0 0.01 0.3 2)
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
        # The next process makes it only when AWS shows for minutes that it was not made.
        lab_never "a second change" 8 changed_twice
    fi
    test_check "killed $delay s after the decision, $at_kill change made by then: never a second" \
        test $(($(calls) - before)) -le 1
    lab_agent_stop
done

test_step "AWS shows a change only seconds after it was made"
lab_awssim_stop
lab_awssim_start --modify-time 14s --describe-lag 12s --telemetry-interval 500ms
LAB_MODIFY_SECONDS=8 # the tunnel is down for long enough to want a second change
lab_save
killed_at freeze-after ModifyVpnTunnelOptions aws

test_step "an answer that is lost: the change was made, the agent is told 503"
begin_round
lab_sim inject kind=apply-then-503 action=ModifyVpnTunnelOptions times=1
lab_replace 1 delete 1
recovered || test_fail "not recovered"
test_check "one change" test $(($(calls) - before)) == 1
lab_agent_stop
test_step "passed"
