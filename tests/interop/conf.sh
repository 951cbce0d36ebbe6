# shellcheck shell=bash
# The swanctl.conf of a node, from settings. Sourced by lib.sh.

declare -A PAIR_SET

# Of both nodes: ike, esp (proposals), auth (psk or pubkey...), secret, start, close, dpd (actions), local_ts, remote_ts, and lines for
# the sections of the connection (conn), the child (child) and the secrets (secrets).
pair_defaults() {
    local node
    for node in a b; do
        pair_set "$node" ike=aes128gcm16-prfsha256-ecp256 esp=aes128gcm16 auth=psk start=none close=none dpd=clear \
            secret="$(<"$PAIR_DIR/psk")" conn= child= secrets= local="$(pair_outside "$node")" remote="$(pair_outside "$(pair_other "$node")")" \
            local_ts="$(pair_inside "$node")/24" remote_ts="$(pair_inside "$(pair_other "$node")")/24" \
            id="$node.example" remote_id="$(pair_other "$node").example"
    done
}

pair_set() {
    local node=$1 setting
    shift
    for setting in "$@"; do
        PAIR_SET[$node.${setting%%=*}]=${setting#*=}
    done
}

pair_get() {
    printf '%s' "${PAIR_SET[$1.$2]}"
}

pair_conf() {
    local node=$1 cert=
    [[ $(pair_get "$node" auth) == psk ]] || cert="certs = $node.pem"
    cat <<END
connections {
    peer {
        version = 2
        local_addrs = $(pair_get "$node" local)
        remote_addrs = $(pair_get "$node" remote)
        proposals = $(pair_get "$node" ike)
        $(pair_get "$node" conn)
        local {
            auth = $(pair_get "$node" auth)
            id = $(pair_get "$node" id)
            $cert
        }
        remote {
            auth = $(pair_get "$node" auth)
            id = $(pair_get "$node" remote_id)
        }
        children {
            net {
                local_ts = $(pair_get "$node" local_ts)
                remote_ts = $(pair_get "$node" remote_ts)
                esp_proposals = $(pair_get "$node" esp)
                start_action = $(pair_get "$node" start)
                close_action = $(pair_get "$node" close)
                dpd_action = $(pair_get "$node" dpd)
                $(pair_get "$node" child)
            }
        }
    }
}
secrets {
    ike-1 {
        id-1 = a.example
        id-2 = b.example
        secret = $(pair_get "$node" secret)
    }
    $(pair_get "$node" secrets)
}
END
}

pair_load() {
    local node=$1
    (umask 077 && pair_conf "$node" >"$PAIR_DIR/$node/swanctl.conf")
    pair_swanctl "$node" --load-all >"$PAIR_DIR/$node/load.log" 2>&1 ||
        { cat "$PAIR_DIR/$node/load.log" && pair_fail "$node: the configuration does not load"; }
}

# pair_certs KIND: rsa or ecdsa
pair_certs() {
    local kind=$1 node dir=$PAIR_DIR/ca key
    case $kind in
    rsa) key=(-newkey rsa:3072) ;;
    ecdsa) key=(-newkey ec -pkeyopt ec_paramgen_curve:P-256) ;;
    esac
    rm -rf "$dir" && mkdir "$dir"
    openssl req -x509 "${key[@]}" -nodes -keyout "$dir/ca.key" -out "$dir/ca.pem" -days 2 -subj "/O=Test/CN=Test CA" \
        >"$dir/log" 2>&1 || pair_fail "no CA"
    for node in a b; do
        mkdir -p "$PAIR_DIR/$node"/{x509,x509ca,private}
        (
            umask 077
            openssl req "${key[@]}" -nodes -keyout "$PAIR_DIR/$node/private/$node.key" -out "$dir/$node.csr" \
                -subj "/O=Test/CN=$node.example" &&
                openssl x509 -req -in "$dir/$node.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 1 \
                    -extfile <(printf 'subjectAltName=DNS:%s.example\n' "$node") -out "$PAIR_DIR/$node/x509/$node.pem"
        ) >>"$dir/log" 2>&1 || pair_fail "no certificate of $node"
        cp "$dir/ca.pem" "$PAIR_DIR/$node/x509ca/"
    done
}
