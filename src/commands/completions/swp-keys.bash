# Completion of swp-keys in bash: source <(swp-keys completions bash)
_swp_keys() {
    local program=$1 cur=${COMP_WORDS[COMP_CWORD]} line work='' at=1
    type -P "$program" >/dev/null || program=swp-keys
    COMPREPLY=()
    # The program receives the line as typed and returns words that are quoted for it. Nothing here expands them.
    while IFS= read -r line; do
        case $line in
        $'\t'*) work=${line#?} ;;
        *) COMPREPLY+=("$line") ;;
        esac
    done < <("$program" __complete bash "${COMP_LINE:0:COMP_POINT}" 2>/dev/null </dev/null)
    case $work in
    toml) _swp_keys_add compgen -f -o plusdirs -X '!*.toml' -- "$cur" ;;
    folders) compopt -o dirnames 2>/dev/null ;;
    command)
        while ((at < COMP_CWORD)) && [[ ${COMP_WORDS[at]} != -- ]]; do ((at++)); done
        ((at++ < COMP_CWORD)) || return
        # bash-completion has this function.
        if [[ $(type -t _command_offset) ]]; then
            _command_offset "$at"
            return
        fi
        ((at < COMP_CWORD)) || _swp_keys_add compgen -c -- "$cur"
        ;;
    esac
    [[ -z $work || $work == folders ]] || compopt -o bashdefault -o default 2>/dev/null
}
# Adds file names, which bash quotes.
_swp_keys_add() {
    local line
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <("$@")
}
complete -o nosort -F _swp_keys swp-keys 2>/dev/null || complete -o default -F _swp_keys swp-keys
