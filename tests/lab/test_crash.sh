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
    grep -q 'tunnel-options' "$LAB_AGENT_LOG"
}

called() {
    (($(calls) > before))
}

# The moments: before the decision, between intention and call, at the call, while AWS modifies, after the end.
delays=(0 0.02 0.05 0.1 0.3 0.8 1.5 3)
for ((round = 0; round < ROUNDS; round++)); do
    delay=${delays[round % ${#delays[@]}]}
    lab_endpoint_options 1 clear add
    lab_wait "available" 15 eval 'lab_sim state | jq -e ".state == \"available\"" >/dev/null'
    lab_tunnel_up 1 || lab_initiate 1
    rm -rf "$LAB_AGENT_DIR/state"
    : >"$LAB_AGENT_LOG"
    before=$(calls)
    lab_agent_start
    lab_wait "UP" 10 lab_verdict_is 1 UP
    lab_replace 1 delete 1
    if ((round % 2 == 0)); then
        lab_wait "the repair begins" 30 intended
    else
        lab_wait "the call is made" 30 called
    fi
    sleep "$delay" # the moment that this round is about
    lab_agent_stop KILL
    lab_agent_start
    lab_wait "the tunnel is back" 60 lab_ping 1 ||
        { tail -n 40 "$LAB_AGENT_LOG" >&2 && test_fail "round $round, killed after $delay s: not recovered"; }
    lab_wait "UP" 15 lab_verdict_is 1 UP
    test_check "killed $delay s after the $( ((round % 2)) && echo call || echo decision): one change" \
        test $(($(calls) - before)) == 1
    lab_agent_stop
done

test_step "an answer that is lost: the change was made, the agent is told 503"
lab_endpoint_options 1 clear add
lab_wait "available" 15 eval 'lab_sim state | jq -e ".state == \"available\"" >/dev/null'
lab_tunnel_up 1 || lab_initiate 1
rm -rf "$LAB_AGENT_DIR/state"
before=$(calls)
lab_sim inject kind=apply-then-503 action=ModifyVpnTunnelOptions times=1
lab_agent_start
lab_wait "UP" 10 lab_verdict_is 1 UP
lab_replace 1 delete 1
lab_wait "the tunnel is back" 60 eval 'called && lab_ping 1'
lab_wait "UP" 15 lab_verdict_is 1 UP
test_check "one change" test $(($(calls) - before)) == 1
lab_agent_stop
test_step "passed"
