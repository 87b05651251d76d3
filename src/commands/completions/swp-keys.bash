# Completion of swp-keys in bash: source <(swp-keys completions bash)
_swp_keys() {
    local line
    COMPREPLY=()
    # The program receives the line as typed and returns words that are quoted for it. Nothing here expands them.
    while IFS= read -r line; do
        COMPREPLY+=("$line")
    done < <("$1" __complete bash "$COMP_LINE" "$COMP_POINT" 2>/dev/null </dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[/=] ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o nosort -F _swp_keys swp-keys 2>/dev/null || complete -F _swp_keys swp-keys
