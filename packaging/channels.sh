#!/usr/bin/env bash
# channels.sh homebrew|scoop|winget VERSION FOLDER: publishes the manifests that manifests.py has written to FOLDER.
#
# HOMEBREW_TAP, SCOOP_BUCKET and WINGET_FORK, a fork of microsoft/winget-pkgs, are repositories of the form OWNER/NAME. If the variable of a
# channel is not set, nothing is published there. GH_TOKEN is a token that may write to the repository. Files are written through GitHub's
# API, so no credential is stored in a clone.
set -euo pipefail

say() { printf '%s\n' "$@"; }

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# Writes file $1 to path $2 on branch $3.
put_file() {
    local file=$1 path=$2 branch=$3 known
    local fields=(-f "message=swp-keys $version" -f "branch=$branch" -f "content=$(base64 <"$file" | tr -d '\n')")
    # The API replaces a file only if the request names the version that it replaces.
    known=$(gh api "repos/$repository/contents/$path?ref=$branch" --jq .sha 2>/dev/null) || known=
    [[ -z $known ]] || fields+=(-f "sha=$known")
    gh api --silent --method PUT "repos/$repository/contents/$path" "${fields[@]}"
    say "wrote $path to $repository"
}

default_branch() { gh api "repos/$repository" --jq .default_branch; }

publish_winget() {
    local file id branch=swp-keys-$version head
    id=$(basename "$(ls "$folder"/winget/*.installer.yaml)" .installer.yaml)
    gh repo sync "$repository" --source microsoft/winget-pkgs --branch master
    head=$(gh api "repos/$repository/git/ref/heads/master" --jq .object.sha)
    gh api --silent "repos/$repository/git/refs" -f "ref=refs/heads/$branch" -f "sha=$head"
    for file in "$folder"/winget/*.yaml; do
        put_file "$file" "manifests/${id:0:1}/${id/.//}/$version/${file##*/}" "$branch"
    done
    gh pr create --repo microsoft/winget-pkgs --base master --head "${repository%%/*}:$branch" \
        --title "New version: $id version $version" --body "The manifests were written by the release workflow of the project."
}

# Selects repository $2 for channel $1, and ends the script if it is not set.
choose() {
    repository=$2
    if [[ -z $repository ]]; then
        say "$1: skipped, because its variable is not set"
        exit 0
    fi
    [[ $repository =~ ^[0-9A-Za-z_.-]+/[0-9A-Za-z_.-]+$ ]] || die "the repository of $1 is not OWNER/NAME: $repository"
}

(($# == 3)) || die "usage: channels.sh homebrew|scoop|winget VERSION FOLDER"
version=$2 folder=$3
case $1 in
homebrew)
    choose homebrew "${HOMEBREW_TAP:-}"
    put_file "$folder/homebrew/swp-keys.rb" Formula/swp-keys.rb "$(default_branch)"
    ;;
scoop)
    choose scoop "${SCOOP_BUCKET:-}"
    put_file "$folder/scoop/swp-keys.json" bucket/swp-keys.json "$(default_branch)"
    ;;
winget)
    choose winget "${WINGET_FORK:-}"
    publish_winget
    ;;
*) die "unknown channel: $1" ;;
esac
