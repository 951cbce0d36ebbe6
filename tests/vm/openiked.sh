# shellcheck shell=bash
# OpenIKED as the peer. Sourced by lib.sh. It has no command for a rekey: where rekeys are wanted, its SAs live shortly. Nor
# has it one to dial: it is started anew with a connection that it dials itself.

# On Linux it has no AES-GCM for ESP, and the kernel's PF_KEY cuts HMAC-SHA2-256 to 96 bits (RFC 4868: 128).
#
# vm_openiked_conf active|passive. Verbose logging begins after the start: at the start it would print the secret.
vm_openiked_conf() {
    local auth times=
    auth="psk \"$(<"$VM_DIR/psk")\""
    [[ $VM_AUTH != cert ]] || auth=ecdsa256
    [[ -z ${VM_PEER_REKEYS:-} ]] || times="ikelifetime 20 lifetime 12"
    (
        umask 077
        cat >/etc/iked.conf <<END
set dpd_check_interval 3
ikev2 "tunnel" $1 esp from $VM_PEER_INSIDE/32 to $VM_ENGINE_INSIDE/32 local $VM_PEER_ADDR peer $VM_ENGINE_ADDR \\
    ikesa auth hmac-sha2-256 enc aes-128 prf hmac-sha2-256 group ecp256 \\
    childsa auth hmac-sha2-384 enc aes-128 group ecp256 noesn \\
    srcid $VM_PEER_ADDR dstid $VM_ENGINE_ADDR $times $auth
END
    )
}

vm_openiked_keys() {
    mkdir -p /etc/iked/{ca,certs,crls,private,pubkeys} /var/lib/openiked/empty
    if [[ $VM_AUTH == cert ]]; then
        # Read after it has dropped its privileges.
        install -m 644 "$VM_DIR/pki/ca.pem" /etc/iked/ca/ca.crt
        install -m 644 "$VM_DIR/pki/peer.pem" "/etc/iked/certs/$VM_PEER_ADDR.crt"
        cp "$VM_DIR/pki/peer.key" /etc/iked/private/local.key
    else
        openssl ecparam -genkey -name prime256v1 -noout -out /etc/iked/private/local.key
    fi
    openssl pkey -in /etc/iked/private/local.key -pubout -out /etc/iked/local.pub
    grep -q ^_iked: /etc/passwd || {
        echo '_iked:x:990:' >>/etc/group
        echo '_iked:x:990:990::/var/lib/openiked/empty:/usr/sbin/nologin' >>/etc/passwd
    }
}

vm_ikectl() {
    timeout 10 ikectl "$@"
}

# vm_openiked_run active|passive
vm_openiked_run() {
    rm -f /var/run/iked.sock
    vm_openiked_conf "$1" && vm_openiked_keys || return
    vm_spawn openiked peer iked -d
    vm_wait "iked answers" 20 vm_ikectl log verbose && vm_ikectl show sa >/dev/null
}

vm_openiked_start() { vm_openiked_run passive; }
vm_openiked_stop() {
    if [[ ${1:-} == silent ]]; then
        # Its processes are a group of their own, and each would tell the others' end.
        kill -KILL -- "-$(vm_pid openiked)"
    fi
    vm_kill openiked TERM
}

vm_openiked_initiate() {
    vm_openiked_stop
    vm_exec peer ip xfrm state flush
    vm_exec peer ip xfrm policy flush
    vm_openiked_run active
}

vm_openiked_delete() {
    vm_ikectl passive && vm_ikectl reset id "IPV4/$VM_ENGINE_ADDR"
}

vm_openiked_rekey() { :; }
vm_openiked_has_child() { vm_ikectl show sa | grep -q sa_childsas; }
vm_openiked_has_nothing() {
    local sas
    sas=$(vm_ikectl show sa) && [[ $sas != *sa_childsas* ]]
}
