# shellcheck shell=bash
# shellcheck disable=SC2153  # settings come from lib.sh
# One charon on the gateway and on each endpoint. Sourced by lib.sh.

LAB_PLUGINS="random nonce openssl pem pkcs1 pkcs8 x509 pubkey constraints revocation kdf counters kernel-libipsec \
kernel-netlink socket-default vici updown"
LAB_IKE_PROPOSAL=aes128-sha256-ecp256
LAB_ESP_PROPOSAL=aes128gcm16-ecp256

# AWS's dead peer detection: 10 s of silence, then three more tries, given up 40 s after the first.
LAB_EP_RETRANSMIT="retransmit_tries = 3
retransmit_timeout = 10
retransmit_base = 1"

# AppArmor's profile for swanctl knows only the files of the host's own daemon, and the lab's are elsewhere. A copy under
# another path is not meant by that profile, and the profile stays as it is.
lab_programs() {
    mkdir "$LAB_DIR/bin" && cp "$(command -v charon-systemd)" "$(command -v swanctl)" "$LAB_DIR/bin/" || return
    [[ -x $LAB_DIR/bin/swanctl ]] || lab_fail "programs may not run from $LAB_DIR"
}

lab_charon_log() {
    printf '%s/%s/charon.log\n' "$LAB_DIR" "$1"
}

lab_charon_pid() {
    local pid
    pid=$(cat "$LAB_DIR/$1/pid" 2>/dev/null) && [[ -n $pid && -d /proc/$pid ]] || return 1
    printf '%s\n' "$pid"
}

lab_charon_gone() {
    ! lab_charon_pid "$1" >/dev/null
}

lab_swanctl() {
    local node=$1
    shift
    STRONGSWAN_CONF=$LAB_DIR/$node/strongswan.conf SWANCTL_DIR=$LAB_DIR/$node timeout --foreground \
        "${LAB_SWANCTL_LIMIT:-0}" "$LAB_DIR/bin/swanctl" "$@" --uri "unix://$LAB_DIR/$node/vici"
}

# lab_has_child NODE IKE. A charon that was stopped (SIGSTOP) never answers.
lab_has_child() {
    LAB_SWANCTL_LIMIT=2 lab_swanctl "$1" --list-sas --ike "$2" --noblock --raw 2>/dev/null | grep -q 'state=INSTALLED'
}

lab_write_strongswan_conf() {
    local node=$1 retransmit=$LAB_EP_RETRANSMIT
    [[ $node != gw ]] || retransmit=$LAB_GW_RETRANSMIT
    cat >"$LAB_DIR/$node/strongswan.conf" <<END
charon-systemd {
    load_modular = no
    load = $LAB_PLUGINS
    $retransmit
    plugins {
        vici {
            socket = unix://$LAB_DIR/$node/vici
        }
    }
    filelog {
        log {
            path = $(lab_charon_log "$node")
            append = yes
            flush_line = yes
            time_format = %H:%M:%S
            default = 1
        }
    }
    journal {
        default = -1
    }
}
swanctl {
    load = random openssl pem
}
END
}

# lab_write_connection N LOCAL REMOTE LOCAL_TS REMOTE_TS DPD_DELAY DPD_ACTION CLOSE_ACTION START_ACTION KEYINGTRIES
lab_write_connection() {
    cat <<END
connections {
    aws-$1 {
        version = 2
        mobike = no
        local_addrs = $2
        remote_addrs = $3
        proposals = $LAB_IKE_PROPOSAL
        dpd_delay = $6
        keyingtries = ${10}
        local {
            auth = psk
            id = $2
        }
        remote {
            auth = psk
            id = $3
        }
        children {
            aws-$1 {
                local_ts = $4
                remote_ts = $5
                esp_proposals = $LAB_ESP_PROPOSAL
                dpd_action = $7
                close_action = $8
                start_action = $9
            }
        }
    }
}
secrets {
    ike-$1 {
        id-1 = $2
        id-2 = $3
        secret = $(<"$LAB_DIR/psk-$1")
    }
}
END
}

lab_write_gateway() {
    local n ts
    for ((n = 1; n <= LAB_TUNNELS; n++)); do
        ts=$(lab_var LAB_INSIDE "$n")/32
        ((n > 1)) || ts+=,$LAB_LAN_ADDR/32
        lab_write_connection "$n" "$LAB_GW_ADDR" "$(lab_var LAB_OUTSIDE "$n")" "$ts" \
            "$(lab_var LAB_PEER "$n")/32,$(lab_var LAB_NETWORK "$n")" "$LAB_GW_DPD_DELAY" "$LAB_GW_DPD_ACTION" \
            "$LAB_GW_CLOSE_ACTION" "$LAB_GW_START_ACTION" "$LAB_GW_KEYINGTRIES"
    done
}

# lab_write_endpoint N START_ACTION. With StartupAction=start AWS also dials again after a DELETE of its peer.
lab_write_endpoint() {
    local n=$1 start=$2 dpd startup ts close=none delay=10s
    read -r dpd startup <"$LAB_DIR/ep$n/options"
    [[ $startup != start ]] || close=start
    [[ $dpd != none ]] || delay=0s dpd=clear
    ts=$(lab_var LAB_INSIDE "$n")/32
    ((n > 1)) || ts+=,$LAB_LAN_ADDR/32
    lab_write_connection "$n" "$(lab_var LAB_OUTSIDE "$n")" "$LAB_GW_ADDR" \
        "$(lab_var LAB_PEER "$n")/32,$(lab_var LAB_NETWORK "$n")" "$ts" "$delay" "$dpd" "$close" "$start" 0
}

# The secrets' file is readable by root only, as it must be on a real gateway.
lab_load() {
    local node=$1 start=${2:-none}
    (
        umask 077
        case $node in
        gw) lab_write_gateway >"$LAB_DIR/gw/swanctl.conf" ;;
        ep*) lab_write_endpoint "${node#ep}" "$start" >"$LAB_DIR/$node/swanctl.conf" ;;
        esac
    )
    lab_swanctl "$node" --load-all >"$LAB_DIR/$node/load.log" 2>&1 ||
        lab_fail "$node: the configuration does not load: $LAB_DIR/$node/load.log"
}

lab_charon_spawn() {
    local dir=$LAB_DIR/$1
    rm -f "$dir/vici" "$dir/pid"
    lab_write_strongswan_conf "$1"
    # shellcheck disable=SC2016
    STRONGSWAN_CONF=$dir/strongswan.conf lab_exec "$1" setsid sh -c \
        'echo $$ >"$1/pid" && mount -t tmpfs tmpfs /run && exec "$2"' sh "$dir" "$LAB_DIR/bin/charon-systemd" \
        </dev/null >"$dir/stderr.log" 2>&1 &
    disown
}

# An endpoint takes its options before its gate opens; only then does it dial, so that no answer to it is lost.
lab_charon_ready() {
    local node=$1 startup=
    lab_wait "$node: charon's VICI socket" 10 test -S "$LAB_DIR/$node/vici" || return
    lab_load "$node" || return
    if [[ $node != gw ]]; then
        lab_gate_open "$node"
        lab_event "$node" back
        read -r _ startup <"$LAB_DIR/$node/options"
        [[ $startup != start ]] || lab_load "$node" start || return
    else
        lab_event "$node" back
    fi
}

lab_charon_start() {
    [[ $1 == gw ]] || lab_gate_shut "$1"
    lab_charon_spawn "$1"
    lab_charon_ready "$1"
}

# All of them at once, at the start of the lab.
lab_charons_start() {
    local node
    for node in ep1 ep2 gw; do
        lab_charon_spawn "$node" || return
    done
    for node in ep1 ep2 gw; do
        lab_charon_ready "$node" || return
    done
}

lab_charon_stop() {
    local node=$1 how=${2:-delete} pid
    pid=$(lab_charon_pid "$node") || return 0
    case $how in
    delete)
        kill -TERM "$pid"
        lab_wait "$node: charon ends" 5 lab_charon_gone "$node" || kill -KILL "$pid"
        ;;
    silent) kill -KILL "$pid" ;;
    *) lab_fail "stop how? $how" || return ;;
    esac
    lab_wait "$node: charon ends" 5 lab_charon_gone "$node" || return
    lab_event "$node" gone
}

lab_gateway_conf() {
    local setting name
    for setting in "$@"; do
        name=${setting%%=*}
        case $name in
        tunnels) LAB_TUNNELS=${setting#*=} ;;
        dpd_action | close_action | start_action | keyingtries | dpd_delay)
            printf -v "LAB_GW_${name^^}" '%s' "${setting#*=}"
            ;;
        *) lab_fail "no setting of the gateway: $name" || return ;;
        esac
    done
    lab_save
    lab_charon_gone gw || lab_load gw
}

lab_tunnel_up() {
    lab_has_child gw "aws-$1"
}

lab_initiate() {
    lab_swanctl gw --initiate --child "aws-$1" --timeout 5 >"$LAB_DIR/gw/initiate.log" 2>&1
}

lab_ping() {
    lab_exec gw ping -q -n -c 1 -W 1 -I "$(lab_var LAB_INSIDE "$1")" "$(lab_var LAB_PEER "$1")" >/dev/null 2>&1
}

lab_tcp() {
    lab_exec gw timeout 1 nc -z -s "$(lab_var LAB_INSIDE "$1")" "$(lab_var LAB_VPC_HOST "$1")" "$LAB_VPC_PORT" \
        >/dev/null 2>&1
}
