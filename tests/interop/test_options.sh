#!/usr/bin/env bash
# Every setting of a connection in Debian's own swanctl.conf: its default loads, whatever else is written there is taken or
# refused by its name, and docs/engine.md has a row for it.
set -euo pipefail

# shellcheck source=tests/interop/lib.sh
. "$(dirname "$0")/lib.sh"

TEMPLATE=/etc/swanctl/swanctl.conf # of strongswan-swanctl: all settings, as comments with their defaults
PAGE=$PAIR_HOME/../../docs/engine.md
ODD=7%odd # no address, algorithm, number, time or word

pair_needs
[[ -r $TEMPLATE ]] || pair_fail "$TEMPLATE, of the package strongswan-swanctl, is not there"
pair_up
pair_kind a engine

# SECTION SETTING DEFAULT: connection, local, remote or child
settings() {
    awk '{ sub(/^ *# ?/, "") }
         / \{$/ { depth++; name[depth] = $1; sub(/<.*/, "", name[depth]); next }
         /^\}$/ { depth--; next }
         name[1] != "connections" || depth < 2 || !/^[a-z0-9_]+ =/ { next }
         { where = depth == 2 ? "connection" : depth == 3 && name[3] != "children" ? name[3] : \
                   depth == 4 && name[3] == "children" ? "child" : "" }
         where != "" { key = $1; sub(/^[^=]*= */, ""); print where, key, $0 }' "$TEMPLATE"
}

# put NAME SECTION LINE: a connection with it
put() {
    local conn='' here='' there='' child=''
    case $2 in
    connection) conn=$3 ;;
    local) here=$3 ;;
    remote) there=$3 ;;
    child) child=$3 ;;
    esac
    cat <<END
    $1 {
        remote_addrs = 192.0.2.1
        $conn
        local {
            auth = psk
            $here
        }
        remote {
            auth = psk
            $there
        }
        children {
            net {
                $child
            }
        }
    }
END
}

# load VALUE: each setting with it (- for the default) in a connection of its own
load() {
    local count=0 section key default
    {
        echo "connections {"
        while read -r section key default; do
            [[ $1 == - ]] || default=$1
            put "o$((++count))" "$section" "$key = $default"
        done <"$PAIR_DIR/settings"
        echo "}"
    } >"$PAIR_DIR/a/swanctl.conf"
    pair_swanctl a --load-conns >"$PAIR_DIR/says" 2>&1 || :
    count=0
    while read -r section key default; do
        ((++count))
        printf '%s %s %s\n' "$section" "$key" "$(grep "'o$count'" "$PAIR_DIR/says" | head -n 1)"
    done <"$PAIR_DIR/settings" >"$PAIR_DIR/answers"
}

# What stands there in words ("10% of rekey_time", "id") is no default that could be written down.
settings | grep -Ev '^[a-z]+ [a-z0-9_]+ ([^ ]+ .*|id|remote-id|over_time)$' >"$PAIR_DIR/settings"
(($(wc -l <"$PAIR_DIR/settings") >= 70)) || pair_fail "only $(wc -l <"$PAIR_DIR/settings") settings in $TEMPLATE"
pair_start a

load -
while read -r section key answer; do
    [[ $answer == "loaded connection"* ]] || pair_fail "the default of $section $key: $answer"
done <"$PAIR_DIR/answers"
pair_step "ok: the defaults of $(wc -l <"$PAIR_DIR/answers") settings load"

settings >"$PAIR_DIR/settings"
for dir in x509 x509ca pubkey; do # certs, cacerts and pubkeys are files
    mkdir -p "$PAIR_DIR/a/$dir"
    echo "no certificate" >"$PAIR_DIR/a/$dir/$ODD"
done
load "$ODD"
refused=0
while read -r section key answer; do
    grep -Eq "^\| \`$key\` \| [a-z, ]*\\b$section\\b" "$PAGE" || pair_fail "docs/engine.md has no row for $section $key"
    [[ $answer == "loaded connection"* ]] && continue
    [[ $answer == *"'$key = $ODD'"* || $answer == *"'$key'"* ]] || pair_fail "$section $key is refused without its name: $answer"
    ((++refused))
done <"$PAIR_DIR/answers"
pair_step "ok: of $(wc -l <"$PAIR_DIR/answers") settings with '$ODD', $refused are refused by name"
