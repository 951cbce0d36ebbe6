# shellcheck shell=bash
# awssim, the simulator of the EC2 Query API, in the router's namespace. Sourced by lib.sh.

LAB_AWS_KEY_ID=AKIALAB0000000000000

lab_awssim_answers() {
    lab_sim ping
}

lab_write_credentials() {
    local key
    key=$(lab_random_key)
    (
        umask 077
        printf '%s\n' "$key" >"$LAB_DIR/aws-secret"
        printf '[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n' "$LAB_AWS_KEY_ID" "$key" \
            >"$LAB_AWS_CREDENTIALS"
    )
}

lab_awssim_start() {
    local dir=$LAB_DIR
    [[ -r $LAB_AWS_CREDENTIALS ]] || lab_write_credentials
    # shellcheck disable=SC2016
    LAB_DIR=$LAB_DIR lab_exec rt setsid sh -c 'echo $$ >"$0" && exec "$@"' "$dir/awssim.pid" "$LAB_BUILD/awssim" \
        --listen "$LAB_AWS_ADDR:8080" --key-id "$LAB_AWS_KEY_ID" --secret-file "$dir/aws-secret" \
        --region "$LAB_AWS_REGION" --vpn "$LAB_VPN_ID" --gateway "$LAB_GW_ADDR" \
        --tunnel "$LAB_OUTSIDE_1,$LAB_PEER_1,$LAB_INSIDE_1,$LAB_PSK_FILE_1" \
        --tunnel "$LAB_OUTSIDE_2,$LAB_PEER_2,$LAB_INSIDE_2,$LAB_PSK_FILE_2" \
        --options "$(tr ' ' , <"$dir/ep1/options")" --options "$(tr ' ' , <"$dir/ep2/options")" \
        --hook "$LAB_HOME/endpoint_hook" --log "$LAB_AWSSIM_LOG" "$@" </dev/null >"$dir/awssim.log" 2>&1 &
    disown
    lab_wait "awssim answers" 10 lab_awssim_answers
}

lab_awssim_gone() {
    [[ ! -d /proc/$1 ]]
}

lab_awssim_runs() {
    local pid
    pid=$(cat "$LAB_DIR/awssim.pid" 2>/dev/null) && [[ -n $pid ]] && ! lab_awssim_gone "$pid"
}

lab_awssim_stop() {
    local pid
    pid=$(cat "$LAB_DIR/awssim.pid" 2>/dev/null) || return 0
    kill -TERM "$pid" 2>/dev/null
    lab_wait "awssim ends" 5 lab_awssim_gone "$pid"
}

# lab_sim PATH [NAME=VALUE...]
lab_sim() {
    local path=$1 args=() pair
    shift
    for pair in "$@"; do
        args+=(--data-urlencode "$pair")
    done
    lab_exec rt curl -sS --fail-with-body --max-time 5 -X POST ${args[@]+"${args[@]}"} "$LAB_AWS_URL/sim/$path"
}

lab_aws_export() {
    export AWS_SHARED_CREDENTIALS_FILE=$LAB_AWS_CREDENTIALS AWS_CONFIG_FILE=/dev/null AWS_REGION=$LAB_AWS_REGION \
        AWS_DEFAULT_REGION=$LAB_AWS_REGION AWS_ENDPOINT_URL_EC2=$LAB_AWS_URL AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
    unset AWS_PROFILE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_ENDPOINT_URL
}

lab_aws() {
    (
        lab_aws_export
        lab_exec gw /usr/bin/aws --endpoint-url "$LAB_AWS_URL" --output json "$@"
    )
}

lab_aws_calls() {
    jq -s --arg action "$1" 'map(select(.action == $action and (.dry_run | not))) | length' "$LAB_AWSSIM_LOG"
}
