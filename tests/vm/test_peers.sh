#!/usr/bin/env bash
# The engine against IKE daemons that need a kernel with ESP, in the virtual machine: charon, Libreswan and OpenIKED, each as
# responder and as initiator, with rekeys of both kinds by both sides, deletes by both, and a peer that dies.
# PEERS: which of them (all); VM_AUTH, VM_ENGINE: as in lib.sh.
set -euo pipefail

cd "$(dirname "$0")/../.."
name=test_peers
read -ra peers <<<"${PEERS:-charon libreswan openiked}"

for tool in charon-systemd swanctl ip nft jq openssl ping; do
    command -v "$tool" >/dev/null || { echo "$name: skipped: $tool is not installed" && exit 77; }
done

VM_BUILD=${BUILD:-build}
[[ $VM_BUILD == /* ]] || VM_BUILD=$PWD/$VM_BUILD
# Some 100 s on two idle cores; emulation suffers from whatever else runs.
export VM_LIMIT=${VM_LIMIT:-600} VM_BUILD VM_OUT=$VM_BUILD/logs/vm/$name.d
VM_ENV="VM_BUILD VM_AUTH VM_ENGINE" tests/vm/run tests/vm/peers.sh "${peers[@]}"
