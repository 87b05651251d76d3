# Completion of swp-keys in fish: swp-keys completions fish > ~/.config/fish/completions/swp-keys.fish
function __swp_keys_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    # The current word may be quoted, or have only its opening quote.
    set -l plain (string unescape -- $current)
    or set plain (string trim --left --chars "\"'" -- $current)
    # fish quotes the words as needed.
    command $words[1] __complete fish "=$plain" $words[2..-1] 2>/dev/null </dev/null
end
complete --command swp-keys --no-files --keep-order --arguments '(__swp_keys_complete)'
