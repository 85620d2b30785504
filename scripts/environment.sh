# Sourced by the other scripts, in the project's folder: makes .venv and installs what a lock file names, and builds the web client, when those have changed.

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

# has_node: whether there is a Node.js new enough to build the web client, and npm.
has_node() {
    command -v npm >/dev/null && command -v node >/dev/null &&
        node -e 'const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'
}

NODE_NEEDED="Node.js 20.19 or newer and npm (on Debian 13: apt-get install nodejs npm; others: https://nodejs.org)"

# ensure_packages FOLDER: installs what its lock file names, when that has changed.
ensure_packages() {
    cmp -s "$1/package-lock.json" "$1/node_modules/.installed" && return
    echo "Installing the packages of $1 (once; needs the package registry, and up to a minute) ..."
    npm ci --prefix "$1" --no-audit --no-fund --loglevel=error || return
    cp "$1/package-lock.json" "$1/node_modules/.installed"
}

# ensure_web: builds the web client into web/dist, when what it is made of has changed.
ensure_web() {
    local stamp=web/dist/.built wanted
    wanted=$(find web/src web/public web/scripts web/index.html web/package-lock.json web/package.json web/*.ts -type f ! -name '*.test.*' -print0 2>/dev/null |
        sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
    grep -qs "$wanted" "$stamp" && return
    ensure_packages web || return
    echo "Building the web client ..."
    rm -f "$stamp"
    npm run --silent --prefix web build >/dev/null || return # what is wrong goes to standard error
    echo "$wanted" >"$stamp"
}

# ensure_chromium: whether there is a Chromium for the tests in a browser; as root on Debian it is installed.
ensure_chromium() {
    if [ -z "${CHROMIUM:-}" ]; then
        CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
        if [ -z "$CHROMIUM" ] && [ "$(id -u)" -eq 0 ] && [ -f /etc/debian_version ]; then
            echo "Installing Chromium (once) ..."
            if { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium; } >/dev/null; then
                CHROMIUM=$(command -v chromium || true)
            fi
        fi
    fi
    export CHROMIUM
    [ -n "$CHROMIUM" ] && [ -x "$CHROMIUM" ]
}
