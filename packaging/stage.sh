# Collects the files of the Debian and RPM packages. Sourced after packaging/lib.sh, never run.
# shellcheck shell=bash

# shellcheck disable=SC2154  # lib.sh is sourced first
# Cargo.toml lists the files below this folder with their places in the packages.
stage=$dist/stage

# The date of the newest release in CHANGELOG.md, in the form of a Debian changelog.
release_date() {
    local date
    date=$(sed -nE 's/^## [0-9]+\.[0-9]+\.[0-9]+[^ ]* - ([0-9]{4}-[0-9]{2}-[0-9]{2})$/\1/p' CHANGELOG.md | head -n 1)
    [[ -n $date ]] || die "CHANGELOG.md has no release"
    LC_ALL=C date --utc --date "$date" --rfc-email
}

# The first author in Cargo.toml, in the form NAME <ADDRESS>.
maintainer() {
    local author
    author=$(sed -nE 's/^authors = \["([^"]+)".*$/\1/p' Cargo.toml)
    [[ -n $author ]] || die "Cargo.toml has no author"
    say "$author"
}

write_debian_changelog() {
    printf 'swp-keys (%s-1) stable; urgency=medium\n\n  * Release %s. The file changelog.gz lists the changes.\n\n -- %s  %s\n' \
        "$1" "$1" "$(maintainer)" "$(release_date)"
}

# Copies file $1 to $2 below the stage.
put() { install -D -m 644 "$1" "$stage/$2"; }

# Collects the files of the build for Rust target $1. Compressed files contain neither a name nor a time.
stage_files() {
    local built=$dist/$1 page document
    [[ -x $built/swp-keys ]] || die "$built/swp-keys does not exist: run bash packaging/build.sh $1"
    rm -rf "$stage"
    install -D -m 755 "$built/swp-keys" "$stage/bin/swp-keys"
    mkdir -p "$stage/man"
    for page in "$built"/man/*.1; do
        gzip -9 -n <"$page" >"$stage/man/${page##*/}.gz"
    done
    put "$built/completions/swp-keys.bash" bash/swp-keys
    put "$built/completions/_swp-keys" zsh/_swp-keys
    put "$built/completions/swp-keys.fish" fish/swp-keys.fish
    put "$built/completions/swp-keys.elv" elvish/swp-keys.elv
    for document in README.md SECURITY.md THIRD-PARTY-NOTICES; do
        put "$built/$document" "doc/$document"
    done
    put "$built/LICENSE" license/LICENSE
    mkdir "$stage/news"
    gzip -9 -n <"$built/CHANGELOG.md" >"$stage/news/changelog.gz"
    write_debian_changelog "$(version)" >"$stage/changelog"
}
