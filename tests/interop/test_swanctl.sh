#!/usr/bin/env bash
# Debian's swanctl finds the same messages at the engine as at a charon: keys, order, sentences and exit status of what
# it asks, and the events, for the same steps with the same peer. Values that are chance are left out.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

pair_needs
pair_up

# Keys without the values that differ from run to run; ours beside charon's are left out: drop-in-replay and the like.
# charon has a task for each part of IKE_SA_INIT and IKE_AUTH.
shape() {
    sed -E -e '/^opening directory/d' -e '/^log \{/d' -e '/not (before|after)/d' \
        -e 's/ drop-[a-z-]+=[0-9]+//g' -e 's/IKE_(VENDOR|NATD|CERT_PRE|CERT_POST|CONFIG|AUTH_LIFETIME|MOBIKE|ESTABLISH) //g' \
        -e 's/(uniqueid|reqid|spi-in|spi-out|initiator-spi|responder-spi|established|(rekey|life|install)-time)=[^ }]*/\1/g' \
        -e 's/ ?(use|bytes|packets)-(in|out)=[0-9]+/ \1-\2/g' -e 's/net-[0-9]+/net-N/g' \
        -e 's/(ike|info|create|child|invalid)([a-z-]*)=[0-9]+/\1\2/g'
}

# Once "initiate" could not succeed the engine says why; charon leaves that to the log.
sentence() {
    sed -E "s/(errmsg=establishing [A-Z_]+ '[a-z]+' failed): [^}]*/\1/"
}

ask() {
    local status=0
    printf '=== %s\n' "$*"
    pair_swanctl a "$@" >"$PAIR_DIR/answer" 2>&1 || status=$?
    shape <"$PAIR_DIR/answer" | sentence
    printf 'exit status %s\n' "$status"
}

monitor() {
    STRONGSWAN_CONF=$PAIR_DIR/a/strongswan.conf "$PAIR_DIR/bin/swanctl" --monitor-sa --raw \
        --uri "unix://$PAIR_DIR/a/vici" >"$PAIR_DIR/$1.events" 2>&1 &
    monitor=$!
    # A registration is over once the server has answered somebody who came later.
    pair_until "the monitor connects" 5 monitors
}

monitors() {
    ss -xp 2>/dev/null | grep -q "pid=$monitor," && pair_swanctl a --stats >/dev/null
}

# At rest: what the peer's answer to a rekeying brings is done.
settled() {
    ! pair_list a | grep -Eq 'state=(REKEYING|REKEYED|DELETING|CREATED|INSTALLING|CONNECTING)|tasks-active'
}

# asks KIND: what a, of this kind, answers
asks() {
    pair_kind a "$1" && pair_start a && pair_start b && pair_load b
    monitor "$1"
    {
        ask --load-all
        ask --list-conns --raw
        ask --list-conns
        ask --list-certs --raw --type x509_ac
        ask --list-certs
        ask --list-certs --type x509 --flag ca
        ask --list-certs --subject a.example
        ask --list-sas --raw
        ask --list-pools --raw
        ask --list-authorities --raw
        ask --install --child net
        ask --install --child nope
        ask --list-pols --raw
        ask --list-pols --raw --child nope
        ask --uninstall --child net
        ask --uninstall --child net
        ask --initiate --child nope
        ask --initiate --ike nope
        ask --initiate --child net --raw
        ask --list-sas --raw
        ask --list-sas --raw --ike nope
        ask --list-sas --raw --child nope
        ask --list-sas --raw --ike-id 4711
        ask --rekey --child net
        pair_until "$1: the CHILD_SA is rekeyed" 10 settled
        ask --rekey --ike peer
        pair_until "$1: the IKE_SA is rekeyed" 10 settled
        ask --rekey --child nope
        ask --terminate --ike-id 4711
        ask --terminate --child nope --raw
        ask --terminate --ike peer --raw
        ask --list-sas --raw
        ask --counters --raw
        ask --counters --raw --name nope
        ask --counters --raw --name peer
        ask --counters --raw --all
        ask --counters --reset --name nope
        ask --counters --reset --name peer
        ask --counters --raw --all
        ask --counters --reset
        ask --reload-settings
        ask --flush-certs
        pair_stop b KILL
        ask --initiate --child net --timeout 1 --raw
        ask --terminate --ike peer --force --raw
        ask --list-sas --raw
    } >"$PAIR_DIR/$1.says"
    kill "$monitor"
    wait "$monitor" || : # the signal
    shape <"$PAIR_DIR/$1.events" >"$PAIR_DIR/$1.hears"
    pair_stop a
}

pair_certs rsa
pair_set a conn='rekey_time = 3h' child='rekey_time = 50m' dpd=restart close=trap
(umask 077 && pair_conf a >"$PAIR_DIR/a/swanctl.conf")
asks charon
asks engine
for what in says hears; do
    diff -u "$PAIR_DIR/charon.$what" "$PAIR_DIR/engine.$what" || pair_fail "swanctl tells the engine from a charon ($what)"
    pair_step "ok: swanctl does not tell the engine from a charon: $what, $(wc -l <"$PAIR_DIR/engine.$what") lines"
done
