# The programs that the checks need and that a new machine does not have. Sourced, never run.
#
# Versions: cargo-deny here, Prism in tools/package.json (with its lock), what comes from PyPI in tools/requirements.in (with
# its lock). Each goes to a folder of its own in the cache, named after its version or its lock file, so that a new version
# never meets an old installation; `complete` marks the end, so that an interrupted installation is done again.
# shellcheck shell=bash
# shellcheck disable=SC2034  # the scripts that source this file use the variables

cargo_deny_version=0.20.2

tools=${XDG_CACHE_HOME:-$HOME/.cache}/swp-keys-ci
# shellcheck disable=SC2154  # lib.sh is sourced first
locks=$repository/.ci/tools

lock_id() { python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:12])' "$1"; }

# Installs into folder $1 with the function $2, unless that was done before.
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
    # No scripts: none of these packages needs one to work here, and none should run one.
    (cd "$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
}

install_python_tools() {
    python3 -m venv "$1/venv"
    "$1/venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement "$locks/requirements.txt"
}

install_cargo_deny() {
    cargo install --quiet --locked --root "$1" "cargo-deny@$cargo_deny_version"
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

# One that is installed already will do if it is the same version: building it takes minutes.
need_cargo_deny() {
    cargo_deny=$(command -v cargo-deny || true)
    if [[ -n $cargo_deny && $("$cargo_deny" --version) == "cargo-deny $cargo_deny_version" ]]; then
        return
    fi
    local folder=$tools/cargo-deny-$cargo_deny_version
    install_once "$folder" install_cargo_deny
    cargo_deny=$folder/bin/cargo-deny
}

# Packages of Debian are installed for the whole system.
apt_install() {
    command -v apt-get >/dev/null || die "missing packages (by Debian's names): $*"
    local become=()
    ((EUID == 0)) || become=(sudo)
    say "installing $*"
    "${become[@]}" apt-get update -q >/dev/null
    "${become[@]}" apt-get install -q -y --no-install-recommends "$@" >/dev/null
}

# Tomcat without a service, and a JDK to compile the servlet.
need_tomcat() {
    tomcat_home=/usr/share/tomcat10
    if [[ -f $tomcat_home/bin/bootstrap.jar && -n $(command -v javac) && -n $(command -v keytool) ]]; then
        return
    fi
    apt_install tomcat10-common default-jdk-headless
}

# Clocks that jump in the fault harness.
need_faketime() {
    [[ -n $(find /usr/lib -name libfaketime.so.1 -print -quit) ]] || apt_install libfaketime
}
