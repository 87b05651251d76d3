# Completion of swp-keys in fish: swp-keys completions fish > ~/.config/fish/completions/swp-keys.fish
function __swp_keys_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # What is typed so far may be quoted, or half of a quoted word.
    set -l plain (string unescape -- $current)
    or set plain (string trim --left --chars "\"'" -- $current)
    # fish quotes the words itself, as the line needs them.
    command $words[1] __complete fish "=$plain" $words[2..-1] 2>/dev/null </dev/null
end
complete --command swp-keys --no-files --keep-order --arguments '(__swp_keys_complete)'
