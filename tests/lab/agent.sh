# shellcheck shell=bash
# rekindled in the lab: on the gateway, with its own configuration, state and a receiver of its webhooks. Sourced by lib.sh.

LAB_AGENT_DIR_NAME=agent
LAB_HOOK_PORT=8088

lab_agent_paths() {
    LAB_AGENT_DIR=$LAB_DIR/$LAB_AGENT_DIR_NAME
    LAB_AGENT_LOG=$LAB_AGENT_DIR/log
    LAB_AGENT_CONF=$LAB_AGENT_DIR/rekindle.conf
    LAB_HOOKS=$LAB_AGENT_DIR/hooks.jsonl
    LAB_HOOK_BROKEN=$LAB_AGENT_DIR/hook-broken
}

lab_hook_start() {
    # shellcheck disable=SC2016
    lab_exec rt setsid sh -c 'echo $$ >"$0" && exec "$@"' "$LAB_AGENT_DIR/hook.pid" /usr/bin/python3 -I \
        "$LAB_HOME/webhook.py" "$LAB_HOOK_ADDR" "$LAB_HOOK_PORT" "$LAB_HOOKS" "$LAB_HOOK_BROKEN" </dev/null \
        >"$LAB_AGENT_DIR/hook.log" 2>&1 &
    disown
    lab_wait "the webhook receiver listens" 10 lab_exec rt nc -z "$LAB_HOOK_ADDR" "$LAB_HOOK_PORT"
}

# lab_agent_conf [NAME=VALUE...]: mode (repair), ike (vici | none), aws (yes | no), tunnels (LAB_TUNNELS), probe1, probe2
# (a list as in the file), more (text for the end of the file, e.g. a timing section).
lab_agent_conf() {
    local pair n
    local -A o=([mode]=repair [ike]=vici [aws]=yes [tunnels]=$LAB_TUNNELS [more]="")
    for n in 1 2; do
        o[probe$n]="\"$(lab_var LAB_PEER "$n")\", \"tcp:$(lab_var LAB_VPC_HOST "$n"):$LAB_VPC_PORT\""
    done
    for pair in "$@"; do
        o[${pair%%=*}]=${pair#*=}
    done
    mkdir -p "$LAB_AGENT_DIR"
    # The path stands for the token of a real webhook.
    (umask 077 && printf 'http://%s:%s/%s\n' "$LAB_HOOK_ADDR" "$LAB_HOOK_PORT" "$(lab_hook_token)" \
        >"$LAB_AGENT_DIR/ops.url")
    {
        printf 'mode = %s\n' "${o[mode]}"
        [[ ${o[aws]} != yes ]] || printf 'aws { region = "%s" }\n' "$LAB_AWS_REGION"
        if [[ ${o[ike]} == vici ]]; then
            printf 'ike "gateway" { type = vici\n    socket = "%s" }\n' "$LAB_GW_VICI"
        else
            printf 'ike "gateway" { type = none }\n'
        fi
        printf 'connection "aurora-backup" {\n    ike = "gateway"\n'
        [[ ${o[aws]} != yes ]] || printf '    vpn-connection-id = "%s"\n' "$LAB_VPN_ID"
        for ((n = 1; n <= o[tunnels]; n++)); do
            printf '    tunnel "%s" {\n        outside-address = "%s"\n        inside-address = "%s"\n        probe = {%s}\n    }\n' \
                "$n" "$(lab_var LAB_OUTSIDE "$n")" "$(lab_var LAB_INSIDE "$n")" "${o[probe$n]}"
        done
        printf '}\nalert "ops" { type = webhook\n    url-file = "%s" }\n' "$LAB_AGENT_DIR/ops.url"
        printf '%s\n' "${o[more]}"
    } >"$LAB_AGENT_CONF"
}

lab_hook_token() {
    [[ -r $LAB_AGENT_DIR/token ]] || (umask 077 && lab_random_key >"$LAB_AGENT_DIR/token")
    cat "$LAB_AGENT_DIR/token"
}

lab_agent_spawn() {
    # shellcheck disable=SC2016
    (
        lab_aws_export
        lab_exec gw setsid sh -c 'echo $$ >"$0" && exec "$@"' "$LAB_AGENT_DIR/pid" "$LAB_BUILD/rekindled" \
            --config "$LAB_AGENT_CONF" --state-dir "$LAB_AGENT_DIR/state" --runtime-dir "$LAB_AGENT_DIR/run" "$@" \
            </dev/null >>"$LAB_AGENT_LOG" 2>&1 &
    )
}

lab_agent_start() {
    rm -f "$LAB_AGENT_DIR/pid"
    lab_agent_spawn "$@"
    lab_wait "rekindled answers" 10 lab_rekindle_answers ||
        { tail -n 20 "$LAB_AGENT_LOG" >&2 && return 1; }
}

# `rekindle status` tells by its exit status how things stand: 3 and more is no answer.
lab_rekindle_answers() {
    lab_rekindle status --json >/dev/null 2>&1
    (($? < 3))
}

lab_agent_pid() {
    local pid
    pid=$(cat "$LAB_AGENT_DIR/pid" 2>/dev/null) && [[ -n $pid && -d /proc/$pid ]] || return 1
    printf '%s\n' "$pid"
}

lab_agent_gone() {
    ! lab_agent_pid >/dev/null
}

# lab_agent_stop [SIGNAL]
lab_agent_stop() {
    local pid
    pid=$(lab_agent_pid) || return 0
    kill "-${1:-TERM}" "$pid"
    lab_wait "rekindled ends" 10 lab_agent_gone
}

lab_rekindle() {
    lab_exec gw "$LAB_BUILD/rekindle" --config "$LAB_AGENT_CONF" --runtime-dir "$LAB_AGENT_DIR/run" "$@"
}

# The status as JSON, whatever it says: the exit status of `rekindle status` tells of the tunnels.
lab_status() {
    lab_rekindle status --json 2>/dev/null || :
}

# lab_tunnel_is N FILTER: whether jq's FILTER holds for the tunnel as the agent shows it.
lab_tunnel_is() {
    lab_status | jq -e --arg a "$(lab_var LAB_OUTSIDE "$1")" \
        ".tunnels[] | select(.outside_address == \$a) | $2" >/dev/null
}

# lab_verdict_is N VERDICT [CAUSE]
lab_verdict_is() {
    lab_tunnel_is "$1" ".verdict == \"$2\" and (\"${3:-}\" == \"\" or .cause == \"${3:-}\")"
}

# lab_hooks_count FILTER: delivered webhooks for whose body jq's FILTER holds, each id once.
lab_hooks_count() {
    [[ -e $LAB_HOOKS ]] || { echo 0 && return; }
    jq -s "map(select(.status == 200) | .body | select($1)) | unique_by(.data.event_id) | length" "$LAB_HOOKS"
}

# lab_hooked N FILTER: whether so many came.
lab_hooked() {
    (($(lab_hooks_count "$2") >= $1))
}

# An echo to the tunnel's far end each 50 ms, with the time of each reply; lab_echoes_stop ends it.
lab_echoes_start() {
    LAB_ECHOES=$LAB_DIR/echoes-$1
    lab_exec gw setsid ping -n -D -i 0.05 -W 1 -I "$(lab_var LAB_INSIDE "$1")" "$(lab_var LAB_PEER "$1")" </dev/null \
        >"$LAB_ECHOES" 2>/dev/null &
    LAB_ECHOES_PID=$!
    disown
}

lab_echoes_stop() {
    kill "$LAB_ECHOES_PID" 2>/dev/null || :
}

# lab_first_reply AFTER: the time of the first reply after AFTER (both in seconds since 1970); fails where there is none.
lab_first_reply() {
    awk -v after="$1" -F '[][]' '/bytes from/ && $2 > after { print $2; found = 1; exit } END { exit !found }' "$LAB_ECHOES"
}

# lab_event_time NODE gone|back: when that last happened.
lab_event_time() {
    awk -v node="$1" -v what="$2" '$2 == node && $3 == what { at = $1 } END { print at }' "$LAB_EVENTS"
}

# lab_seconds_between A B
lab_seconds_between() {
    awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", b - a }'
}
