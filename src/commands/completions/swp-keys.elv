# Completion of swp-keys in elvish: eval (swp-keys completions elvish | slurp), in rc.elv
use str
set edit:completion:arg-completer[swp-keys] = {|@words|
    # elvish quotes the words as needed.
    (external swp-keys) __complete elvish '='$words[-1] (all $words[1..-1]) 2>/dev/null | from-lines | each {|line|
        var value help = (all [(str:split &max=2 "\t" $line"\t")])
        if (eq $line "\tcommand") {
            while (not-eq $words[0] --) { set words = $words[1..] }
            edit:complete-sudo $@words
        } elif (eq $value '') {
            # In `--flag=PATH`, the path begins after the equals sign.
            var at = 0
            if (str:has-prefix $words[-1] --) { set at = (+ 1 (str:index $words[-1] =)) }
            edit:complete-filename $words[-1][$at..] | each {|path|
                var name = $path[stem]
                if (or (eq $line "\tfiles") (str:has-suffix $name /) (and (eq $line "\ttoml") (str:has-suffix $name .toml))) {
                    edit:complex-candidate $words[-1][..$at]$name &code-suffix=$path[code-suffix]
                }
            }
        } else {
            var shown = (str:replace "\x1f" ' ' $value)
            if (not-eq $help '') { set shown = $shown' -- '(str:trim-right $help "\t") }
            edit:complex-candidate (str:replace "\x1f" "\n" $value) &display=$shown
        }
    }
}
