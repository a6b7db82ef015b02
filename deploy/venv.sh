#!/bin/sh
# Makes .venv from requirements-dev.lock, or leaves at once when it already holds just that.
set -eu
cd "$(dirname "$0")/.."

installed=.venv/installed.lock
cmp -s requirements-dev.lock "$installed" && exit 0

step() { printf '\033[36m•\033[0m %s\n' "$1"; }

fail() {
    printf '\033[31m✗\033[0m %s\n' "$1" >&2
    exit 1
}

find_python() {
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

may_install() { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; }

install() {
    step "Installing $* with apt-get"
    log=$(mktemp)
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
        >"$log" 2>&1 </dev/null || { tail -n 5 "$log" >&2; fail "apt-get could not install $*"; }
    rm -f "$log"
}

python=$(find_python)
if [ -z "$python" ]; then
    may_install || fail "Python 3.11 or later is needed. On Debian or Ubuntu: sudo apt-get install python3 python3-venv"
    install python3 python3-venv
    python=$(find_python)
    [ -n "$python" ] || fail "This system's Python is older than 3.11; install a newer one and set PYTHON to its path"
fi

# Debian and Ubuntu ship Python without ensurepip until its venv package is there.
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    may_install || fail "Python's venv module is missing. On Debian or Ubuntu: sudo apt-get install $package"
    install "$package"
fi

step "Making .venv with $("$python" --version)"
"$python" -m venv .venv
step "Installing the locked requirements (about a minute)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
    --require-hashes --requirement requirements-dev.lock
cp requirements-dev.lock "$installed"
