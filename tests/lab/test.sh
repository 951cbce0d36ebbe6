# shellcheck shell=bash
# What the lab's tests share: skipping, checks, the last line. Sourced after lib.sh.

TEST_NAME=$(basename "$0" .sh)

# Exit status 77 is a skipped test; the reason is its last line.
test_skip() {
    printf '%s: skipped: %s\n' "$TEST_NAME" "$*"
    exit 77
}

test_needs() {
    local tool
    [[ $EUID == 0 ]] || test_skip "needs root"
    [[ -c /dev/net/tun ]] || test_skip "needs /dev/net/tun"
    for tool in ip nft nc jq ping curl charon-systemd swanctl /usr/bin/python3 "$@"; do
        command -v "$tool" >/dev/null || test_skip "$tool is not installed"
    done
    unshare --net true 2>/dev/null || test_skip "may not make network namespaces"
}

test_step() {
    printf '%s: %s\n' "$TEST_NAME" "$*"
}

# test_check WHAT CMD...: the command must succeed.
test_check() {
    local what=$1
    shift
    "$@" >"$LAB_DIR/check.out" || { cat "$LAB_DIR/check.out" && test_fail "$what"; }
    test_step "ok: $what"
}

test_fail() {
    printf '%s: FAILED: %s\n' "$TEST_NAME" "$*" >&2
    exit 1
}

# test_fresh_tunnel N DPD STARTUP: an endpoint with these options, and the tunnel up between it and the gateway.
test_fresh_tunnel() {
    lab_endpoint_options "$1" "$2" "$3"
    lab_wait "AWS is not modifying" 15 test_aws_is_available
    lab_swanctl gw --terminate --ike "aws-$1" --force --timeout 1 >/dev/null 2>&1 || :
    lab_initiate "$1" && lab_wait "tunnel $1 is up" 10 lab_ping "$1"
}

test_aws_is_available() {
    ! lab_awssim_runs || lab_sim state | jq -e '.state == "available"'
}
