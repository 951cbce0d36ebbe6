# shellcheck shell=bash
# What runs on a node: rekindle-engine, or a charon with user-space ESP. Sourced by lib.sh.

PAIR_PLUGINS="random nonce openssl pem pkcs1 pkcs8 x509 pubkey constraints revocation kdf counters kernel-libipsec \
kernel-netlink socket-default vici updown curve25519"

declare -A PAIR_KINDS=([a]=${PAIR_A:-engine} [b]=${PAIR_B:-charon}) # a test of these scripts themselves: PAIR_A=charon

# NODE/passwd, where a test wrote one, is the program's /etc/passwd.
# AppArmor's profile for swanctl knows only the files of the host's own daemon. A copy under another path is not meant by
# that profile, and the profile stays as it is.
pair_programs() {
    cp "$(command -v charon-systemd)" "$(command -v swanctl)" "$PAIR_DIR/bin/" || pair_fail "no programs"
}

pair_kind() {
    PAIR_KINDS[$1]=$2
}

pair_log() {
    printf '%s/%s/log' "$PAIR_DIR" "$1"
}

pair_pid() {
    local pid
    pid=$(cat "$PAIR_DIR/$1/pid" 2>/dev/null) && [[ -n $pid && -d /proc/$pid ]] || return 1
    printf '%s\n' "$pid"
}

pair_gone() {
    ! pair_pid "$1" >/dev/null
}

pair_swanctl() {
    local node=$1
    shift
    STRONGSWAN_CONF=$PAIR_DIR/$node/strongswan.conf SWANCTL_DIR=$PAIR_DIR/$node timeout --foreground 20 \
        "$PAIR_DIR/bin/swanctl" "$@" --uri "unix://$PAIR_DIR/$node/vici"
}

# pair_strongswan_conf NODE [LINE...]
pair_strongswan_conf() {
    local node=$1
    shift
    cat <<END
charon-systemd {
    load_modular = no
    load = $PAIR_PLUGINS
$(printf '    %s\n' "$@")
    plugins {
        vici {
            socket = unix://$PAIR_DIR/$node/vici
        }
    }
    filelog {
        log {
            path = $(pair_log "$node")
            append = yes
            flush_line = yes
            time_format = %H:%M:%S
            default = 1
            ike = 2
        }
    }
    journal {
        default = -1
    }
}
swanctl {
    load = random openssl pem pkcs1 pkcs8 x509 pubkey
}
END
}

pair_spawn() {
    local node=$1
    shift
    # shellcheck disable=SC2016
    STRONGSWAN_CONF=$PAIR_DIR/$node/strongswan.conf pair_exec "$node" setsid sh -c \
        'echo $$ >"$1/pid" && mount -t tmpfs tmpfs /run && if [ -e "$1/passwd" ]; then mount --bind "$1/passwd" /etc/passwd; fi && shift && exec "$@"' sh "$PAIR_DIR/$node" "$@" \
        </dev/null >>"$PAIR_DIR/$node/stderr" 2>&1 &
    disown
}

pair_start() {
    local node=$1
    shift
    rm -f "$PAIR_DIR/$node/vici" "$PAIR_DIR/$node/pid"
    case ${PAIR_KINDS[$node]} in
    charon)
        pair_strongswan_conf "$node" "$@" >"$PAIR_DIR/$node/strongswan.conf"
        pair_spawn "$node" "$PAIR_DIR/bin/charon-systemd"
        ;;
    engine)
        pair_strongswan_conf "$node" >"$PAIR_DIR/$node/strongswan.conf"
        ln -sf stderr "$(pair_log "$node")"
        pair_spawn "$node" "$PAIR_BUILD/rekindle-engine" --verbose --vici "unix://$PAIR_DIR/$node/vici" \
            --state-dir "$PAIR_DIR/$node/state" "$@"
        ;;
    esac
    pair_until "$node: the VICI socket" 10 test -S "$PAIR_DIR/$node/vici"
}

# pair_stop NODE [SIGNAL]
pair_stop() {
    local node=$1 pid
    pid=$(pair_pid "$node") || return 0
    kill -"${2:-TERM}" "$pid"
    pair_until "$node ends" "${PAIR_END_SECONDS:-10}" pair_gone "$node"
}

pair_initiate() {
    local node=$1
    shift
    pair_swanctl "$node" --initiate --child net --timeout 15 "$@"
}

pair_ping() {
    local node=$1 other
    shift
    other=$(pair_other "$node")
    pair_exec "$node" ping -q -n -c 1 -W 1 -I "$(pair_inside "$node")" "$@" "$(pair_inside "$other")"
}

pair_ping6() {
    local node=$1 other
    shift
    other=$(pair_other "$node")
    pair_exec "$node" ping -q -n -c 1 -W 1 -I "$(pair_inside6 "$node")" "$@" "$(pair_inside6 "$other")"
}

pair_list() {
    pair_swanctl "$1" --list-sas --noblock --raw
}

pair_has_child() {
    pair_list "$1" | grep -q 'state=INSTALLED'
}

pair_sas() {
    pair_list "$1" | grep -c 'state=ESTABLISHED' || :
}

pair_children() {
    pair_list "$1" | grep -o 'state=INSTALLED' | wc -l
}
