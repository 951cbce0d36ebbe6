#!/usr/bin/env bash
# What must cause no repair: random loss, a cut uplink, a daemon that hangs or is gone, a probe target that is away.
# LOSS_SECONDS=N: how long packets are lost at random (60).
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

LOSS_SECONDS=${LOSS_SECONDS:-60}

test_needs
lab_up
lab_hook_start
lab_agent_conf
lab_agent_start
lab_wait "UP is seen" 10 lab_verdict_is 1 UP

# New probe sockets are no action on anything.
no_action() {
    lab_rekindle history --json --limit 1000 >"$LAB_DIR/history.json"
    ! jq -r '.entries[] | select(.kind == "action" and (.text | startswith("recreate-probe") | not)) | .text' \
        "$LAB_DIR/history.json" | grep .
}

told() {
    lab_hooks_count "$1"
}

answers_quickly() {
    timeout 1 env true && lab_exec gw timeout 1 "$LAB_BUILD/rekindle" --runtime-dir "$LAB_AGENT_DIR/run" status --json \
        >/dev/null 2>&1
    (($? < 3))
}

was_down() {
    lab_rekindle history --json --limit 1000 | jq -e '.entries[] | select(.kind == "verdict" and (.text | startswith("DOWN")))'
}

test_step "20 % of the packets are lost, for $LOSS_SECONDS s"
lab_loss 20 out
lab_never "DOWN or an action" "$LOSS_SECONDS" lab_verdict_is 1 DOWN || test_fail "loss made it DOWN"
lab_loss 0
test_check "no action" no_action
lab_wait "UP again" 60 lab_verdict_is 1 UP
test_check "never told as down" test "$(told '.type == "tunnel.down"')" == 0

for how in ${HOWS:-link silent}; do
    test_step "the uplink is cut ($how)"
    before=$(told 'true')
    lab_uplink_cut "$how"
    lab_wait "the cause is seen" 30 lab_tunnel_is 1 '.cause == "uplink-down" and .verdict != "UP"' ||
        test_fail "$how: $(lab_status | jq -c '.tunnels[0] | [.verdict, .cause]')"
    sleep 5 # long enough for anything wrong to happen
    lab_uplink_restore
    # A link that was down takes charon's addresses and routes with it, not its SAs.
    lab_wait "UP again" 40 lab_verdict_is 1 UP || test_fail "$how: not UP after the uplink came back"
    test_check "no action" no_action
    lab_wait "the alert" 20 lab_hooked 1 '.type == "uplink.down"' || test_fail "nobody was told"
    test_check "one alert that it went and one that it came" test "$(($(told 'true') - before))" -le 2
    test_check "no alert of a tunnel" test "$(told '.type == "tunnel.down"')" == 0
done

test_step "a stopped charon"
pid=$(lab_charon_pid gw)
kill -STOP "$pid"
# Its user-space ESP stands still with it: the tunnel is down, and the daemon cannot be asked.
lab_wait "the cause is seen" 15 lab_verdict_is 1 DOWN daemon-hung || {
    kill -CONT "$pid"
    test_fail "not seen as hung: $(lab_status | jq -c '.tunnels[0] | [.verdict, .cause]')"
}
for _ in 1 2 3; do
    answers_quickly || test_fail "rekindled does not answer while charon is stopped"
done
test_step "ok: rekindled answers"
kill -CONT "$pid"
lab_wait "UP again" 20 lab_verdict_is 1 UP
test_check "no action" no_action

test_step "the database is away, the tunnel is not"
lab_exec vpc nft add table inet away
lab_exec vpc nft 'add chain inet away in { type filter hook input priority 0; }; add rule inet away in tcp dport 3306 drop'
lab_wait "the cause is seen" 40 lab_verdict_is 1 DEGRADED probe-target-down || test_fail "$(lab_status)"
lab_exec vpc nft delete table inet away
lab_wait "UP again" 60 lab_verdict_is 1 UP
test_check "no action" no_action

test_step "a dead charon"
lab_charon_stop gw silent
lab_wait "the cause is seen" 15 lab_verdict_is 1 DOWN daemon-dead || test_fail "$(lab_status)"
test_check "no action" no_action
lab_charon_start gw
lab_wait "repaired when the daemon is back" 20 lab_verdict_is 1 UP
test_check "nothing was changed in AWS" test "$(lab_aws_calls ModifyVpnTunnelOptions)" == 0
lab_agent_stop
test_step "passed"
