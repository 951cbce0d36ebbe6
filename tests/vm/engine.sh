# shellcheck shell=bash
# The side under test. rekindle-engine and the charon that stands in for it are both driven by swanctl alone, with the same
# swanctl.conf; only the start differs. Sourced by lib.sh.

vm_engine_start() {
    if [[ $VM_ENGINE == charon ]]; then
        vm_charon_spawn engine kernel-libipsec
        return
    fi
    mkdir -p "$VM_DIR/engine"
    rm -f "$VM_DIR/engine/vici"
    vm_strongswan_conf engine # swanctl's own part of it
    vm_spawn engine engine "$VM_BUILD/rekindle-engine" --vici "unix://$VM_DIR/engine/vici" \
        --state-dir "$VM_DIR/engine" --foreground
    vm_vici_load engine
}

vm_engine_stop() { vm_kill engine TERM; }
vm_engine_swanctl() { vm_swanctl engine "$@"; }
vm_engine_initiate() { vm_swanctl engine --initiate --child tunnel --timeout 15; }
vm_engine_terminate() { vm_swanctl engine --terminate --ike tunnel --timeout 5; }
vm_engine_rekey() { vm_vici_rekey engine "$1"; }
vm_engine_has_child() { vm_vici_has_child engine; }
vm_engine_has_nothing() { vm_vici_has_nothing engine; }

# vm_engine_spi ike|child: both SPIs of the one SA there is; fails while there are two.
vm_engine_spi() {
    local names=initiator-spi,responder-spi all
    [[ $1 == ike ]] || names=spi-in,spi-out
    all=$(vm_swanctl engine --list-sas --raw --noblock | grep -oE "(${names//,/|})=[0-9a-f]+")
    [[ $(wc -l <<<"$all") == 2 ]] && tr "\n" " " <<<"$all"
}
