#compdef swp-keys
# Completion of swp-keys in zsh: source <(swp-keys completions zsh), after compinit
_swp_keys() {
    local line value
    local -a values shown open open_shown
    # compadd quotes the words as needed.
    while IFS= read -r line; do
        value=${line%%$'\t'*}
        if [[ $value == *[/=] ]]; then
            open+=("$value")
            open_shown+=("$value")
        else
            values+=("$value")
            if [[ $line == *$'\t'* ]]; then
                shown+=("$value -- ${line#*$'\t'}")
            else
                shown+=("$value")
            fi
        fi
    done < <("${(Q)words[1]}" __complete zsh "=${PREFIX}" "${(@Q)words[2,CURRENT-1]}" 2>/dev/null </dev/null)
    (( $#open )) && compadd -S '' -d open_shown -a open
    (( $#values )) && compadd -l -V swp-keys -d shown -a values
}
if [[ $funcstack[1] == _swp_keys ]]; then
    _swp_keys "$@"
else
    compdef _swp_keys swp-keys
fi
