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
    "$@" >/dev/null || test_fail "$what"
    test_step "ok: $what"
}

test_fail() {
    printf '%s: FAILED: %s\n' "$TEST_NAME" "$*" >&2
    exit 1
}
