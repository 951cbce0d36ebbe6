#!/usr/bin/env bash
# Rekindle's agent watches the engine over VICI as it watches a charon, and initiates what the peer has ended.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

agent_conf() {
    cat <<END
mode = repair
ike "engine" {
    type = vici
    socket = "$PAIR_DIR/a/vici"
}
connection "office" {
    ike = "engine"
    tunnel "1" {
        outside-address = "$(pair_outside b)"
        inside-address = "$(pair_inside a)"
        probe = {"$(pair_inside b)"}
    }
}
END
}

says() {
    "$PAIR_BUILD/rekindle" --runtime-dir "$PAIR_DIR/run" status >"$PAIR_DIR/status" 2>&1 || :
    grep -Eq "$1" "$PAIR_DIR/status"
}

pair_needs
pair_up
pair_start a && pair_start b
pair_load b && pair_load a
pair_check "a begins" pair_initiate a
agent_conf >"$PAIR_DIR/rekindle.conf"
pair_exec a "$PAIR_BUILD/rekindled" --config "$PAIR_DIR/rekindle.conf" --state-dir "$PAIR_DIR/state" \
    --runtime-dir "$PAIR_DIR/run" >"$PAIR_DIR/agent.log" 2>&1 &
pair_until "the agent sees the engine" 20 says '^IKE daemon engine \(rekindle-engine .*: ok'
pair_until "the agent sees the tunnel" 20 says '^office/1 .* UP '
pair_step "ok: the agent sees the tunnel"
pair_check "b ends it" pair_swanctl b --terminate --ike peer --force
pair_until "the agent initiates" 60 grep -q 'action=initiate' "$PAIR_DIR/agent.log"
pair_until "the tunnel is back" 20 pair_ping a
pair_until "the agent sees that" 20 says '^office/1 .* UP '
pair_step "ok: the agent has brought it back"
[[ $(pair_clear) == 0 ]] || pair_fail "packets in clear"
