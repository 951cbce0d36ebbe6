# shellcheck shell=bash
# What lint looks at. Sourced, in the root of the tree.

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

# lint_files PATTERN...: our files with such a name.
lint_files() {
    local folders=() names=() folder pattern
    for folder in base conf clients probes remediation engine agent tests packaging; do
        [[ -d $folder ]] && folders+=("$folder")
    done
    for pattern; do
        names+=(-o -name "$pattern")
    done
    find "${folders[@]}" -type f \( "${names[@]:1}" \) | sort
}

lint_needs() {
    command -v "$1" >/dev/null && return
    echo "$1 is not installed"
    exit 77
}
