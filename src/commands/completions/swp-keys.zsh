#compdef swp-keys
# Completion of swp-keys in zsh: _swp-keys in a folder of $fpath, or source <(swp-keys completions zsh) after compinit
_swp-keys() {
    local line value help work program=${(Q)words[1]} newline=$'\n'
    local -a values shown
    [[ -x ${commands[$program]:-$program} ]] || program=swp-keys
    while IFS= read -r line; do
        value=${line%%$'\t'*} help=${line#$value}
        if [[ -z $value ]]; then
            work=${help#?}
        else
            values+=("${value//$'\x1f'/$newline}")
            shown+=("${value//$'\x1f'/ }${help:+ -- ${help#?}}")
        fi
    done < <("$program" __complete zsh "=$PREFIX" "${(@Q)words[2,CURRENT-1]}" 2>/dev/null </dev/null)
    # compadd quotes the words as needed.
    (( $#values )) && compadd -l -V swp-keys -d shown -a values
    [[ -n $work ]] && compset -P '--*='
    case $work in
    files) _files ;;
    toml) _files -g '*.toml' ;;
    folders) _files -/ ;;
    command)
        value=${words[(i)--]}
        (( value < CURRENT )) || return
        shift $value words
        (( CURRENT -= value ))
        _normal
        ;;
    esac
}
# zsh runs the file as a function if it is in $fpath.
if [[ $zsh_eval_context[-1] == *func ]]; then
    _swp-keys "$@"
else
    compdef _swp-keys swp-keys
fi
