#!/usr/bin/env bash
# Much at once: both endpoints replaced in one go, reloads in the middle of everything, a stopped agent, a restarted
# charon. LAB_BUILD=build/san runs it with the sanitizers.
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

test_needs
# shellcheck disable=SC2034  # read by lab_up
LAB_TUNNELS=2
lab_up
lab_hook_start
lab_agent_conf
lab_agent_start

both_up() {
    lab_verdict_is 1 UP && lab_verdict_is 2 UP
}

both_down() {
    lab_verdict_is 1 DOWN && lab_verdict_is 2 DOWN
}

some_not_up() {
    ! both_up
}

told() {
    lab_hooks_count "$1"
}

# Echoes go through both tunnels; recovered N LIMIT: the first reply after the endpoint's return came in time.
recovered() {
    local n=$1 limit=$2 back took
    LAB_ECHOES=$LAB_DIR/echoes-$n
    lab_wait "the fresh endpoint" 20 lab_is_back "$n"
    back=$(lab_event_time "ep$n" back)
    lab_wait "a reply" 20 lab_first_reply "$back" || test_fail "tunnel $n did not come back: $(lab_status)"
    took=$(lab_seconds_between "$back" "$(lab_first_reply "$back")")
    awk -v t="$took" -v l="$limit" 'BEGIN { exit !(t <= l) }' || test_fail "tunnel $n came back after $took s"
    test_step "ok: tunnel $n, the first reply $took s after the endpoint's return"
}

reload_often() {
    local i
    for ((i = 0; i < $1; i++)); do
        kill -HUP "$(lab_agent_pid)"
        sleep 0.2 # that they come often is what is tested
    done
}

lab_wait "both are UP" 10 both_up
lab_echoes_start 1
lab_echoes_start 2

for how in delete silent; do
    test_step "both endpoints are replaced in one go ($how)"
    lab_replace 1 "$how" 4
    lab_replace 2 "$how" 4
    lab_wait "DOWN is seen" 8 both_down || test_fail "no DOWN"
    recovered 1 2
    recovered 2 2
    lab_wait "UP is seen" 10 both_up
done
test_check "nobody was told of a lost uplink" test "$(told '.type == "uplink.down"')" == 0

test_step "reloads, five in a second"
before=$(told true)
reload_often 20 &
test_check "no verdict changes" lab_never "a tunnel is not UP" 4 some_not_up
wait $!
lab_replace 1 silent 4
reload_often 40 &
lab_wait "DOWN is seen" 8 lab_verdict_is 1 DOWN || test_fail "no DOWN"
recovered 1 2
wait $!
lab_wait "UP is seen" 10 both_up
test_check "one tunnel was told as down" test "$(($(told true) - before))" -le 4

test_step "a reload without tunnel 2, and with it again"
lab_agent_conf tunnels=1
lab_rekindle reload >/dev/null
test_check "one is watched" test "$(lab_status | jq '.tunnels | length')" == 1
lab_agent_conf tunnels=2 probe1="\"$LAB_PEER_1\""
lab_rekindle reload >/dev/null
lab_wait "both are UP" 10 both_up || test_fail "not UP after the reload"

test_step "the agent is stopped for 5 s"
before=$(told true)
kill -STOP "$(lab_agent_pid)"
sleep 5 # as long as the stop shall last
kill -CONT "$(lab_agent_pid)"
test_check "no verdict changes" lab_never "a tunnel is not UP" 3 some_not_up
test_check "nobody was told anything" test "$(told true)" == "$before"

test_step "charon is restarted"
lab_charon_stop gw
lab_charon_start gw
lab_wait "its SAs are read and new ones set up" 60 both_up || test_fail "$(lab_status)"
test_check "nothing was changed in AWS" test "$(lab_aws_calls ModifyVpnTunnelOptions)" == 0

lab_agent_stop
! grep -E 'ERROR: |runtime error|Assertion' "$LAB_AGENT_LOG" || test_fail "the sanitizers, or an assertion"
test_step "passed"
