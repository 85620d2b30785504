# Sourced by the other scripts, in the project's folder: makes .venv and installs what a lock file names, when that has changed.

fail() {
    echo "error: $*" >&2
    exit 2
}

# The newest Python that will do; PYTHON names another.
find_python() {
    local candidate
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$candidate"
            return
        fi
    done
    fail "PYTHON: no Python 3.11 or newer found (looked for ${PYTHON:-python3.13, python3.12, python3.11, python3}): install one, or set PYTHON to one"
}

make_venv() {
    local python
    python=$(find_python)
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "PYTHON: $python cannot make virtual environments: install its venv module (on Debian and Ubuntu: apt-get install python3-venv)"
    echo "Making .venv with $("$python" --version) ..."
    rm -rf .venv
    "$python" -m venv .venv || fail ".venv: $python could not make it (see above)"
}

# ensure_installed LOCK...: installs the first lock file; the others name nothing beyond it.
ensure_installed() {
    local lock=$1 stamp=.venv/.installed wanted count
    wanted=$(sha256sum "$1" | cut -d' ' -f1)
    if grep -qs "$wanted" "$stamp" && .venv/bin/python -c '' 2>/dev/null; then
        return
    fi
    .venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || make_venv
    rm -f "$stamp"
    count=$(grep -c '==' "$lock")
    echo "Installing $count packages from $lock (once; needs the package index, and up to a minute) ..."
    # Wheels alone, so that nothing is compiled; http-ece, which is plain Python, is published as source only.
    .venv/bin/python -m pip install --require-hashes --only-binary :all: --no-binary http-ece --no-compile --no-input --disable-pip-version-check \
        --progress-bar off -r "$lock" | show_progress "$count" || fail "$lock: the packages could not be installed (see above)"
    sha256sum "$@" >"$stamp"
}

# Counts what pip is at, on one line of a terminal.
show_progress() {
    local count=$1
    if [ -t 1 ]; then
        awk -v count="$count" '/^Collecting / { printf "\r  %d of %d: %-40s", ++n, count, $2; fflush() } END { printf "\r%-60s\r", "" }'
    else
        cat >/dev/null
    fi
}
