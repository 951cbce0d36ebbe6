# shellcheck shell=bash
# shellcheck disable=SC2034  # some variables are for those who source this file
# Inside the virtual machine: an engine and a peer with a router between them, each a network namespace. Source this file
# in a script that tests/vm/run runs.
#
#   engine  198.51.100.2, inside 10.9.0.1      the side under test
#   router  198.51.100.1 and 203.0.113.1       counts inner packets that it sees in clear
#   peer    203.0.113.10, inside 10.0.0.1      an IKE daemon with the kernel's ESP: charon, libreswan or openiked
#
# Settings (defaults in parentheses):
#   VM_ENGINE (what is built)    rekindle-engine, or charon (strongSwan with its user-space ESP) in its place
#   VM_BUILD (build)             where rekindle-engine is
#   VM_AUTH (psk)                psk, or cert: ECDSA certificates of a common authority
#
# Variables: VM_DIR all files of the run; *.log in it are copied to $VM_OUT at the end.
#
# Functions (KIND: charon, libreswan, openiked):
#   vm_up, vm_down                     the network and the secrets; end all daemons and keep the logs
#   vm_exec NODE CMD...                run in the node's namespace
#   vm_wait WHAT SECONDS CMD...        until CMD is true, polled; says what was not reached
#   vm_ping NODE                       an echo through the tunnel from that side to the other
#   vm_clear_packets                   inner packets seen in clear by the router
#   vm_engine_*: start, stop, swanctl ARGS..., initiate, terminate, rekey ike|child, has_child, has_nothing, spi ike|child
#   vm_peer_*: start KIND, stop [silent], initiate, delete, rekey ike|child, has_child, has_nothing: of the kind started last

VM_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
VM_ROOT=$(cd "$VM_HOME/../.." && pwd)
VM_BUILD=${VM_BUILD:-$VM_ROOT/build}
VM_AUTH=${VM_AUTH:-psk}
VM_DIR=/tmp/vm

VM_ENGINE_ADDR=198.51.100.2 VM_ENGINE_INSIDE=10.9.0.1
VM_PEER_ADDR=203.0.113.10 VM_PEER_INSIDE=10.0.0.1

if [[ -z ${VM_ENGINE:-} ]]; then
    VM_ENGINE=charon
    [[ ! -x $VM_BUILD/rekindle-engine ]] || VM_ENGINE=rekindle-engine
fi

# shellcheck source=tests/vm/net.sh
. "$VM_HOME/net.sh"
# shellcheck source=tests/vm/charon.sh
. "$VM_HOME/charon.sh"
# shellcheck source=tests/vm/engine.sh
. "$VM_HOME/engine.sh"
# shellcheck source=tests/vm/libreswan.sh
. "$VM_HOME/libreswan.sh"
# shellcheck source=tests/vm/openiked.sh
. "$VM_HOME/openiked.sh"

vm_fail() {
    printf 'vm: %s\n' "$*" >&2
    return 1
}

vm_exec() {
    local node=$1
    shift
    ip netns exec "$node" "$@"
}

vm_wait() {
    local what=$1 limit=$2 deadline
    shift 2
    deadline=$((${EPOCHREALTIME/[.,]/} + limit * 1000000))
    until "$@" >/dev/null 2>&1; do
        if ((${EPOCHREALTIME/[.,]/} > deadline)); then
            vm_fail "$what: not within $limit s"
            return 1
        fi
        sleep 0.1
    done
}

# vm_spawn NAME NODE CMD...: a daemon in the node's namespace with a /run of its own, its output in NAME/stderr.log.
vm_spawn() {
    local dir=$VM_DIR/$1 node=$2
    shift 2
    mkdir -p "$dir"
    # shellcheck disable=SC2016
    vm_exec "$node" setsid bash -c 'echo $$ >"$1/pid" && shift && exec "$@"' bash "$dir" "$@" \
        </dev/null >"$dir/stderr.log" 2>&1 &
    disown
}

vm_pid() {
    local pid
    pid=$(cat "$VM_DIR/$1/pid" 2>/dev/null) && [[ -n $pid && -d /proc/$pid ]] && printf '%s\n' "$pid"
}

vm_gone() {
    ! vm_pid "$1" >/dev/null
}

# vm_kill NAME SIGNAL
vm_kill() {
    local pid
    pid=$(vm_pid "$1") || return 0
    kill "-$2" "$pid"
    vm_wait "$1 ends" 15 vm_gone "$1" || kill -KILL "$pid"
}

vm_secrets() {
    umask 077
    mkdir -p "$VM_DIR"
    openssl rand -hex 24 >"$VM_DIR/psk"
    [[ $VM_AUTH != cert ]] || vm_certificates
    umask 022
}

# An authority and two certificates, each named by its address, as AWS's are not; ECDSA, so that emulation is quick.
vm_certificates() {
    local dir=$VM_DIR/pki node address
    mkdir -p "$dir"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/ca.key" -out "$dir/ca.pem" \
        -days 30 -subj "/O=Rekindle/CN=Test CA" 2>"$dir/openssl.log" || return
    for node in engine peer; do
        address=$VM_ENGINE_ADDR
        [[ $node == engine ]] || address=$VM_PEER_ADDR
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$dir/$node.key" -out "$dir/$node.pem" \
            -days 30 -subj "/O=Rekindle/CN=$node" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" \
            -addext "subjectAltName=IP:$address,DNS:$node.example" -addext basicConstraints=CA:FALSE \
            -addext "keyUsage=digitalSignature" 2>>"$dir/openssl.log" || return
    done
}

vm_up() {
    rm -rf "$VM_DIR" && mkdir "$VM_DIR" || return
    trap vm_down EXIT
    vm_modules && vm_secrets && vm_net_up
}

vm_down() {
    local log
    vm_peer_stop || :
    vm_engine_stop || :
    find "$VM_DIR" -name '*.log' -printf '%P\n' | while read -r log; do
        mkdir -p "${VM_OUT:?}/$(dirname "$log")" && cp "$VM_DIR/$log" "$VM_OUT/$log"
    done
}

# The peer's functions are those of its kind: vm_charon_start and so on.
vm_peer_start() {
    VM_PEER=$1
    "vm_${VM_PEER}_start"
}

# vm_peer_stop [silent]
vm_peer_stop() {
    [[ -n ${VM_PEER:-} ]] || return 0
    "vm_${VM_PEER}_stop" "${1:-}"
    vm_exec peer ip xfrm state flush
    vm_exec peer ip xfrm policy flush
}

vm_peer_initiate() { "vm_${VM_PEER}_initiate"; }
vm_peer_delete() { "vm_${VM_PEER}_delete"; }
vm_peer_rekey() { "vm_${VM_PEER}_rekey" "$1"; }
vm_peer_has_child() { "vm_${VM_PEER}_has_child"; }
vm_peer_has_nothing() { "vm_${VM_PEER}_has_nothing"; }
