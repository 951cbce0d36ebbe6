# shellcheck shell=bash
# Libreswan's pluto as the peer. Sourced by lib.sh.

vm_libreswan_conf() {
    local auth="authby=secret"
    [[ $VM_AUTH != cert ]] || auth=$'authby=ecdsa-sha2_256\n    leftcert=peer\n    leftsendcert=always\n    rightca="%same"'
    cat >/etc/ipsec.conf <<END
config setup
    logfile=$VM_DIR/libreswan/pluto.log
    logappend=no
    dnssec-enable=no

conn tunnel
    ikev2=insist
    left=$VM_PEER_ADDR
    leftid=$VM_PEER_ADDR
    leftsubnet=$VM_PEER_INSIDE/32
    right=$VM_ENGINE_ADDR
    rightid=$VM_ENGINE_ADDR
    rightsubnet=$VM_ENGINE_INSIDE/32
    $auth
    ike=aes128-sha2_256-dh19
    esp=aes_gcm128-null;dh19
    encapsulation=yes
    mobike=no
    fragmentation=yes
    auto=add
END
    : >/etc/ipsec.secrets
    [[ $VM_AUTH == cert ]] ||
        (umask 077 && echo "$VM_PEER_ADDR $VM_ENGINE_ADDR : PSK \"$(<"$VM_DIR/psk")\"" >/etc/ipsec.secrets)
}

# pluto reads keys and certificates from a store of NSS only.
vm_libreswan_store() {
    local nss=/var/lib/ipsec/nss
    rm -rf "$nss" && mkdir -p "$nss" /run/pluto
    certutil -N -d "sql:$nss" --empty-password || return
    [[ $VM_AUTH == cert ]] || return 0
    (umask 077 && openssl pkcs12 -export -name peer -inkey "$VM_DIR/pki/peer.key" -in "$VM_DIR/pki/peer.pem" \
        -passout pass: -out "$VM_DIR/pki/peer.p12") || return
    pk12util -i "$VM_DIR/pki/peer.p12" -d "sql:$nss" -W "" || return
    certutil -A -d "sql:$nss" -n ca -t CT,, -i "$VM_DIR/pki/ca.pem"
}

vm_whack() {
    timeout 30 /usr/libexec/ipsec/whack "$@"
}

# pluto loads the connection first, then it opens its sockets and reads the secrets.
vm_libreswan_ready() {
    local status
    status=$(vm_whack --status) && [[ $status == *'"tunnel"'* && $status == *"$VM_PEER_ADDR:4500"* ]]
}

vm_libreswan_start() {
    mkdir -p "$VM_DIR/libreswan"
    rm -f /run/pluto/pluto.ctl
    vm_libreswan_conf && vm_libreswan_store >"$VM_DIR/libreswan/store.log" 2>&1 || return
    vm_spawn libreswan peer /usr/libexec/ipsec/pluto --config /etc/ipsec.conf --nofork
    vm_wait "pluto has its connection" 20 vm_libreswan_ready
}

vm_libreswan_stop() {
    if [[ ${1:-} == silent ]]; then
        vm_kill libreswan KILL
    elif ! vm_gone libreswan; then
        vm_whack --shutdown || :
        vm_wait "pluto ends" 10 vm_gone libreswan || vm_kill libreswan KILL
    fi
}

vm_libreswan_initiate() { vm_whack --initiate --name tunnel; }
vm_libreswan_delete() { vm_whack --terminate --name tunnel; }
vm_libreswan_rekey() {
    if [[ $1 == ike ]]; then vm_whack --rekey-ike --name tunnel; else vm_whack --rekey-ipsec --name tunnel; fi
}
vm_libreswan_has_child() { vm_whack --trafficstatus | grep -q '"tunnel"'; }
vm_libreswan_has_nothing() {
    local states
    states=$(vm_whack --showstates) && [[ $states != *'"tunnel"'* ]]
}
