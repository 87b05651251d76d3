# Completion of swp-keys in elvish: eval (swp-keys completions elvish | slurp), in rc.elv
use str
set edit:completion:arg-completer[swp-keys] = {|@words|
    # elvish quotes the words as needed.
    (external swp-keys) __complete elvish '='$words[-1] (all $words[1..-1]) 2>/dev/null | from-lines | each {|line|
        var parts = [(str:split &max=2 "\t" $line)]
        if (== (count $parts) 2) {
            edit:complex-candidate $parts[0] &display=$parts[0]' -- '$parts[1]
        } else {
            put $parts[0]
        }
    }
}
