# shellcheck shell=bash
# charon: as the peer with the kernel's ESP, and the swanctl.conf that it shares with the engine. Sourced by lib.sh.

VM_IKE_PROPOSAL=aes128-sha256-ecp256
VM_ESP_PROPOSAL=aes128gcm16-ecp256,aes128-sha384-ecp256
VM_PLUGINS="random nonce openssl pem pkcs1 pkcs8 x509 pubkey constraints revocation kdf counters kernel-netlink \
socket-default vici updown"

# vm_strongswan_conf NODE PLUGIN...: one that loads these besides. It gives a silent peer up within 6 s, and keeps a CHILD_SA
# that was rekeyed for 1 s instead of 5.
vm_strongswan_conf() {
    local dir=$VM_DIR/$1
    shift
    cat >"$dir/strongswan.conf" <<END
charon-systemd {
    load_modular = no
    load = $* $VM_PLUGINS
    retransmit_tries = 3
    retransmit_timeout = 1
    retransmit_base = 1
    delete_rekeyed_delay = 1
    plugins {
        vici {
            socket = unix://$dir/vici
        }
    }
    filelog {
        log {
            path = $dir/charon.log
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
    load = random openssl pem pkcs1 pkcs8 x509
}
END
}

# vm_swanctl_auth NODE ADDRESS: one side's section.
vm_swanctl_auth() {
    if [[ $VM_AUTH == cert ]]; then
        printf 'auth = pubkey\nid = %s\n' "$2"
        [[ $3 == remote ]] || printf 'certs = %s\n' "$VM_DIR/pki/$1.pem"
    else
        printf 'auth = psk\nid = %s\n' "$2"
    fi
}

# vm_swanctl_conf NODE: an ordinary swanctl.conf; charon and the engine load the same one, from either side.
vm_swanctl_conf() {
    local node=$1 other=peer here=$VM_ENGINE_ADDR there=$VM_PEER_ADDR
    local here_ts=$VM_ENGINE_INSIDE/32 there_ts=$VM_PEER_INSIDE/32 dir=$VM_DIR/$1
    [[ $node == engine ]] || { other=engine && here=$VM_PEER_ADDR && there=$VM_ENGINE_ADDR; }
    [[ $node == engine ]] || { here_ts=$VM_PEER_INSIDE/32 && there_ts=$VM_ENGINE_INSIDE/32; }
    if [[ $VM_AUTH == cert ]]; then
        mkdir -p "$dir"/{x509,x509ca,private}
        cp "$VM_DIR/pki/ca.pem" "$dir/x509ca/"
        cp "$VM_DIR/pki/$node.key" "$dir/private/"
    fi
    cat >"$dir/swanctl.conf" <<END
connections {
    tunnel {
        version = 2
        mobike = no
        local_addrs = $here
        remote_addrs = $there
        proposals = $VM_IKE_PROPOSAL
        encap = yes
        dpd_delay = 2s
        dpd_timeout = 6s
        local {
            $(vm_swanctl_auth "$node" "$here" local)
        }
        remote {
            $(vm_swanctl_auth "$other" "$there" remote)
        }
        children {
            tunnel {
                local_ts = $here_ts
                remote_ts = $there_ts
                esp_proposals = $VM_ESP_PROPOSAL
                dpd_action = clear
                start_action = none
            }
        }
    }
}
secrets {
    $([[ $VM_AUTH == cert ]] || printf 'ike-tunnel {\nid-1 = %s\nid-2 = %s\nsecret = %s\n}\n' "$here" "$there" \
        "$(<"$VM_DIR/psk")")
}
END
}

# vm_swanctl NODE ARGS...
vm_swanctl() {
    local dir=$VM_DIR/$1
    shift
    STRONGSWAN_CONF=$dir/strongswan.conf SWANCTL_DIR=$dir timeout 30 swanctl "$@" --uri "unix://$dir/vici"
}

# vm_vici_load NODE: once the daemon answers.
vm_vici_load() {
    vm_wait "$1: the VICI socket" 20 test -S "$VM_DIR/$1/vici" || return
    (umask 077 && vm_swanctl_conf "$1")
    vm_swanctl "$1" --load-all >"$VM_DIR/$1/load.log" 2>&1 && return
    cat "$VM_DIR/$1/load.log"
    vm_fail "$1: the configuration does not load"
}

vm_charon_spawn() {
    local node=$1
    shift
    mkdir -p "$VM_DIR/$node"
    rm -f "$VM_DIR/$node/vici"
    vm_strongswan_conf "$node" "$@"
    # shellcheck disable=SC2016
    STRONGSWAN_CONF=$VM_DIR/$node/strongswan.conf vm_spawn "$node" "$node" \
        bash -c 'mount -t tmpfs tmpfs /run && exec charon-systemd'
    vm_vici_load "$node"
}

# vm_vici_has_child NODE
vm_vici_has_child() {
    vm_swanctl "$1" --list-sas --raw --noblock | grep -q 'state=INSTALLED'
}

vm_vici_has_nothing() {
    local sas
    sas=$(vm_swanctl "$1" --list-sas --raw --noblock) && [[ $sas != *list-sa\ event* ]]
}

# vm_vici_rekey NODE ike|child
vm_vici_rekey() {
    vm_swanctl "$1" --rekey "--$2" tunnel
}

vm_charon_start() { vm_charon_spawn peer; }
vm_charon_stop() { if [[ ${1:-} == silent ]]; then vm_kill peer KILL; else vm_kill peer TERM; fi; }
vm_charon_initiate() { vm_swanctl peer --initiate --child tunnel --timeout 15; }
vm_charon_delete() { vm_swanctl peer --terminate --ike tunnel --timeout 5; }
vm_charon_rekey() { vm_vici_rekey peer "$1"; }
vm_charon_has_child() { vm_vici_has_child peer; }
vm_charon_has_nothing() { vm_vici_has_nothing peer; }
