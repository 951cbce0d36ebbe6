#!/usr/bin/env bash
# Debian's aws command against awssim: an independent client signs, asks and reads.
# shellcheck disable=SC2016  # jq's variables
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

test_needs /usr/bin/aws
[[ -x ${LAB_BUILD:-$LAB_ROOT/build}/awssim ]] || test_skip "awssim is not built"

# shellcheck disable=SC2034  # read by lab_up
LAB_AWS=yes LAB_AWSSIM_ARGS=(--modify-time 4s --telemetry-interval 500ms)
lab_up
out=$LAB_DIR/out.json
err=$LAB_DIR/err
export AWS_MAX_ATTEMPTS=1

# Errors are read from the command's standard error: "An error occurred (CODE) when calling ...".
expect_error() {
    local code=$1
    shift
    if lab_aws "$@" >"$out" 2>"$err"; then
        test_fail "$code: the call succeeded"
    fi
    grep -q "($code)" "$err" || test_fail "$code: $(tail -1 "$err")"
    test_step "ok: $code"
}

# expect WHAT FILTER: over the last answer, which holds secrets and is never printed.
expect() {
    test_check "$1" jq -e --arg one "$LAB_OUTSIDE_1" --arg two "$LAB_OUTSIDE_2" --arg id "$LAB_VPN_ID" "$2" "$out"
}

describe() {
    lab_aws ec2 describe-vpn-connections --vpn-connection-ids "$LAB_VPN_ID" >"$out"
}

telemetry_is() {
    describe && jq -e --arg a "$1" --arg s "$2" \
        '.VpnConnections[0].VgwTelemetry[] | select(.OutsideIpAddress == $a) | .Status == $s' "$out"
}

state_is() {
    lab_sim state | jq -e --arg s "$1" '.state == $s'
}

modify=(ec2 modify-vpn-tunnel-options --vpn-connection-id "$LAB_VPN_ID" --vpn-tunnel-outside-ip-address)
both=(--tunnel-options 'DPDTimeoutAction=restart,StartupAction=start')

test_step "reading"
lab_wait "the telemetry follows the endpoint" 10 telemetry_is "$LAB_OUTSIDE_1" UP
expect "one connection, available" '.VpnConnections | length == 1 and .[0].VpnConnectionId == $id and
    .[0].State == "available"'
expect "telemetry in another order than the options" '.VpnConnections[0] |
    ([.Options.TunnelOptions[].OutsideIpAddress] == [$one, $two]) and
    ([.VgwTelemetry[].OutsideIpAddress] == [$two, $one])'
expect "options at their default are left out" '.VpnConnections[0].Options.TunnelOptions | all(.[];
    (has("DpdTimeoutAction") or has("StartupAction") or has("DpdTimeoutSeconds")) | not)'
expect "the tag's value was escaped" '.VpnConnections[0].Tags[0].Value == "aurora & backup"'
jq -r '.VpnConnections[0].CustomerGatewayConfiguration' "$out" >"$LAB_DIR/cgw.xml"
test_check "the gateway's configuration holds the key of each tunnel" \
    grep -qF "<pre_shared_key>$(<"$LAB_PSK_FILE_2")</pre_shared_key>" "$LAB_DIR/cgw.xml"
expect_error InvalidVpnConnectionID.NotFound ec2 describe-vpn-connections --vpn-connection-ids vpn-00000000000000000
expect_error InvalidAction ec2 describe-vpcs

test_step "who asks"
sed -i 's/^aws_secret_access_key = .*/&x/' "$LAB_AWS_CREDENTIALS"
expect_error SignatureDoesNotMatch ec2 describe-vpn-connections
sed -i -e 's/x$//' -e 's/^aws_access_key_id = .*/aws_access_key_id = AKIANOBODY/' "$LAB_AWS_CREDENTIALS"
expect_error AuthFailure ec2 describe-vpn-connections
sed -i "s/^aws_access_key_id = .*/aws_access_key_id = $LAB_AWS_KEY_ID/" "$LAB_AWS_CREDENTIALS"
lab_sim clock skew=-400
expect_error RequestExpired ec2 describe-vpn-connections
lab_sim clock skew=0

test_step "refused changes"
expect_error DryRunOperation "${modify[@]}" "$LAB_OUTSIDE_1" "${both[@]}" --dry-run
expect_error InvalidParameterValue "${modify[@]}" 203.0.113.99 "${both[@]}"
expect_error InvalidParameterValue "${modify[@]}" "$LAB_OUTSIDE_1" --tunnel-options StartupAction=begin
expect_error UnknownParameter "${modify[@]}" "$LAB_OUTSIDE_1" --tunnel-options RekeyFuzzPercentage=50
lab_sim inject kind=denied action=ModifyVpnTunnelOptions times=1
expect_error UnauthorizedOperation "${modify[@]}" "$LAB_OUTSIDE_1" "${both[@]}"
lab_sim inject kind=throttle times=1
expect_error RequestLimitExceeded ec2 describe-vpn-connections
test_check "none of these touched the tunnel" lab_ping 1
test_check "none of these was applied" jq -se 'all(.[]; .applied | not)' "$LAB_AWSSIM_LOG"

test_step "the change"
lab_aws "${modify[@]}" "$LAB_OUTSIDE_1" "${both[@]}" >"$out"
expect "the connection is being modified" '.VpnConnection.State == "modifying"'
lab_wait "the endpoint goes" 3 lab_charon_gone ep1
expect_error IncorrectState "${modify[@]}" "$LAB_OUTSIDE_2" "${both[@]}"
lab_wait "the endpoint dials, nobody else does" 15 lab_ping 1
lab_wait "available again" 15 state_is available
lab_wait "the telemetry follows again" 10 telemetry_is "$LAB_OUTSIDE_1" UP
expect "the new options are told, and only for that tunnel" '.VpnConnections[0].Options.TunnelOptions |
    (.[0].DpdTimeoutAction == "restart" and .[0].StartupAction == "start") and (.[1] | has("StartupAction") | not)'

test_step "503 although it was done"
lab_sim inject kind=apply-then-503 action=ModifyVpnTunnelOptions times=1
expect_error Unavailable "${modify[@]}" "$LAB_OUTSIDE_2" --tunnel-options StartupAction=start
test_check "it was done" state_is modifying
test_check "two changes were applied" jq -se 'map(select(.applied)) | length == 2' "$LAB_AWSSIM_LOG"
for secret in "$(<"$LAB_PSK_FILE_1")" "$(<"$LAB_PSK_FILE_2")" "$(<"$LAB_DIR/aws-secret")"; do
    ! grep -qF "$secret" "$LAB_AWSSIM_LOG" "$LAB_DIR/awssim.log" || test_fail "a secret stands in awssim's logs"
done
test_step "passed"
