# Completion of swp-keys in fish: swp-keys completions fish > ~/.config/fish/completions/swp-keys.fish
function __swp_keys_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # The current word may be quoted, or have only its opening quote.
    set -l plain (string unescape -- $current)
    or set plain (string trim --left --chars "\"'" -- $current)
    set -l program $words[1]
    command --query -- $program
    or set program swp-keys
    # fish quotes the words as needed.
    for line in (command $program __complete fish "=$plain" $words[2..-1] 2>/dev/null </dev/null)
        switch $line
            case \tcommand
                set -l text (commandline -cp | string collect)
                string match --quiet --regex '\s--\s' -- $text
                and string join0 -- (complete --do-complete (string replace --regex '(?s)^.*?\s--\s' '' -- $text | string collect))
            case \t\*
                __swp_keys_paths $line $current
            case '*'
                string join0 -- (string replace --all \x1f \n -- $line | string collect)
        end
    end
end
function __swp_keys_paths --argument-names work current
    # In `--flag=PATH`, the path begins after the equals sign.
    set -l flag (string match --regex -- '^--[^=]*=' $current; or echo '')
    set -l paths (complete --do-complete "'' "(string replace -- "$flag" '' $current))
    switch $work
        case \ttoml
            set paths (string match --regex -- '.*(?:/|\.toml)$' $paths)
        case \tfolders
            set paths (string match --regex -- '.*/$' $paths)
    end
    string join0 -- $flag$paths
end
complete --command swp-keys --no-files --keep-order --arguments '(__swp_keys_complete | string split0)'
