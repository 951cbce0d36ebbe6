#!/usr/bin/env bash
# rekindled as a service manager meets it: what it notifies (ready, status, reload, watchdog, stopping), how it ends, what
# it says where it cannot start, and that it leaves no core dump, no secret and no socket behind.
set -euo pipefail

# shellcheck source=tests/lab/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/lab/test.sh
. "$LAB_HOME/test.sh"

test_needs setpriv
LAB_AWS=no lab_up
lab_write_credentials

NOTIFY=$LAB_DIR/notify
NOTIFIED=$LAB_DIR/notified.jsonl

manager_start() {
    setsid /usr/bin/python3 -I "$LAB_HOME/notify.py" "$NOTIFY" "$NOTIFIED" </dev/null >"$LAB_DIR/notify.log" 2>&1 &
    MANAGER=$!
    disown
    trap 'kill "$MANAGER" 2>/dev/null; lab_down' EXIT
    lab_wait "the service manager listens" 10 test -S "$NOTIFY"
}

# notified N FILTER: whether N messages or more came for which jq's FILTER holds.
notified() {
    jq -se "map(select($2)) | length >= $1" "$NOTIFIED"
}

count() {
    jq -s "map(select($1)) | length" "$NOTIFIED"
}

# service_start: as systemd starts a unit with Type=notify and WatchdogSec=1, on a host that was suspended for a day: the
# clock that systemd goes by stood still then. SERVICE is its process.
service_start() {
    : >"$NOTIFIED"
    (
        export NOTIFY_SOCKET=$NOTIFY WATCHDOG_USEC=1000000
        lab_aws_export
        exec ip netns exec "$LAB_ID-gw" "${suspended[@]}" "$LAB_BUILD/rekindled" --config "$LAB_AGENT_CONF" \
            --state-dir "$LAB_AGENT_DIR/state" --runtime-dir "$LAB_AGENT_DIR/run" </dev/null >>"$LAB_AGENT_LOG" 2>&1
    ) &
    SERVICE=$!
    lab_wait "rekindled answers" 10 lab_rekindle_answers || { tail -n 20 "$LAB_AGENT_LOG" >&2 && return 1; }
}

service_gone() {
    [[ ! -e /proc/$SERVICE/fd/1 ]] # a zombie has none
}

# ends_with STATUS PHRASE [ARGS...]: rekindled with these arguments, which make it end by itself.
ends_with() {
    local wanted=$1 phrase=$2 status=0
    shift 2
    lab_exec gw timeout 10 "$LAB_BUILD/rekindled" --config "$LAB_AGENT_CONF" --state-dir "$LAB_AGENT_DIR/state" \
        --runtime-dir "$LAB_AGENT_DIR/run" "$@" >"$LAB_DIR/said.txt" 2>&1 || status=$?
    cat "$LAB_DIR/said.txt"
    [[ $status == "$wanted" ]] || { echo "status $status" && return 1; }
    grep -qE -- "$phrase" "$LAB_DIR/said.txt"
}

suspended=(unshare --time --boottime 86400)
"${suspended[@]}" true 2>/dev/null || suspended=()

manager_start
lab_hook_start
lab_agent_conf aws=no mode=observe

test_step "start and status"
service_start
pid=$SERVICE
test_check "READY=1" lab_wait "READY" 5 notified 1 '.READY == "1"'
test_check "the status tells of a tunnel that is up" lab_wait STATUS 10 notified 1 '.STATUS // "" | test("^1 tunnel: 1 UP")'
test_check "the watchdog is fed twice in its time" lab_wait WATCHDOG 5 notified 4 '.WATCHDOG == "1"'
lab_replace 1 silent 600
test_check "the status tells of a tunnel that is down, and why" lab_wait STATUS 15 notified 1 \
    '.STATUS // "" | test("1 DOWN.*\\(endpoint-replacing\\)")'
test_check "the status is told when it changes" test "$(count .STATUS)" -lt 10

test_step "reload"
kill -HUP "$pid"
test_check "RELOADING=1 with the time" lab_wait RELOADING 5 notified 1 \
    '.RELOADING == "1" and .at - (.MONOTONIC_USEC | tonumber / 1e6) < 10 and (.MONOTONIC_USEC | tonumber / 1e6) <= .at'
test_check "READY=1 again" lab_wait READY 5 notified 2 '.READY == "1"'
cp "$LAB_AGENT_CONF" "$LAB_AGENT_DIR/good.conf"
echo 'mood = good' >>"$LAB_AGENT_CONF"
kill -HUP "$pid"
test_check "READY=1 also after a reload that failed" lab_wait READY 5 notified 3 '.READY == "1"'
test_check "which is logged with file and line" grep -qE 'rekindle.conf:[0-9]+: unknown option "mood"' "$LAB_AGENT_LOG"
test_check "the process is the same" lab_rekindle_answers
cp "$LAB_AGENT_DIR/good.conf" "$LAB_AGENT_CONF"

test_step "the watchdog"
kill -STOP "$pid"
sleep 0.1 # what was on its way
before=$(count '.WATCHDOG == "1"')
sleep 1.5
test_check "a process that hangs does not feed it" test "$(count '.WATCHDOG == "1"')" == "$before"
kill -CONT "$pid"
test_check "one that goes on does" lab_wait WATCHDOG 5 notified $((before + 2)) '.WATCHDOG == "1"'

test_step "what others can see of it"
test_check "no core dump" grep -qE '^Max core file size +0 +0 ' "/proc/$pid/limits"
for secret in "$(lab_hook_token)" "$(<"$LAB_DIR/aws-secret")" "$(<"$LAB_PSK_FILE_1")"; do
    ! grep -qaF "$secret" "/proc/$pid/cmdline" "/proc/$pid/environ" || test_fail "a secret in the arguments or the environment"
    ! grep -qaF "$secret" "$NOTIFIED" || test_fail "a secret in what the service manager is told"
done
test_check "its state is for itself" test "$(stat -c %a "$LAB_AGENT_DIR/state")" == 700
test_check "its socket is not for all" test "$(stat -c %a "$LAB_AGENT_DIR/run/rekindle.sock")" == 660

# Whose the files in /proc/PID are tells whether others of its own user may look into it, and whether it may be dumped.
test_step "as an ordinary user"
nobody=$LAB_DIR/nobody
chmod 711 "$LAB_DIR"
install -d -o nobody "$nobody"
install -m 755 "$LAB_BUILD/rekindled" "$nobody/rekindled"
printf 'ike "none" { type = none }\nconnection "a" { ike = "none"\n tunnel "1" { outside-address = "%s" } }\n' \
    "$LAB_OUTSIDE_1" >"$nobody/rekindle.conf"
(exec ip netns exec "$LAB_ID-gw" setpriv --reuid nobody --clear-groups --inh-caps=-all "$nobody/rekindled" \
    --config "$nobody/rekindle.conf" --state-dir "$nobody/state" --runtime-dir "$nobody/run" \
    </dev/null >"$LAB_DIR/nobody.log" 2>&1) &
ordinary=$!
test_check "it starts without privileges" lab_wait "a socket" 5 test -S "$nobody/run/rekindle.sock"
test_check "as that user" test "$(stat -c %U "/proc/$ordinary")" == nobody
test_check "and its memory is not that user's" test "$(stat -c %U "/proc/$ordinary/mem")" == root
kill "$ordinary"
wait "$ordinary" || test_fail "it does not end well: $(tail -n 3 "$LAB_DIR/nobody.log")"

test_step "the end"
for signal in TERM INT; do
    [[ $signal == TERM ]] || service_start
    kill "-$signal" "$SERVICE"
    test_check "it ends on SIG$signal" lab_wait "the end" 5 service_gone
    test_check "with status 0" wait "$SERVICE"
    test_check "after STOPPING=1" notified 1 '.STOPPING == "1"'
    test_check "and removes its socket" test ! -e "$LAB_AGENT_DIR/run/rekindle.sock"
done

test_step "what it says where it cannot start"
test_check "usage: an option" ends_with 64 "unrecognized option '--colour'" --colour
test_check "usage: an argument" ends_with 64 'unexpected argument: now' now
echo 'mood = good' >>"$LAB_AGENT_CONF"
test_check "a bad configuration" ends_with 2 'rekindle.conf:[0-9]+: unknown option "mood"'
test_check "no configuration" ends_with 2 'none.conf: cannot read it: No such file' --config "$LAB_DIR/none.conf"
cp "$LAB_AGENT_DIR/good.conf" "$LAB_AGENT_CONF"
: >"$LAB_DIR/file"
test_check "no state directory" ends_with 1 "the state directory $LAB_DIR/file/state cannot be used: Not a directory" \
    --state-dir "$LAB_DIR/file/state"
test_check "no runtime directory" ends_with 1 "cannot listen at $LAB_DIR/file/run/rekindle.sock: Not a directory" \
    --runtime-dir "$LAB_DIR/file/run"
test_check "nothing was left" test ! -e "$LAB_AGENT_DIR/run/rekindle.sock"
test_step "passed"
