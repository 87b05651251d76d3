"""The ways to install the completion in each shell."""

import dataclasses
import os
import typing


@dataclasses.dataclass(frozen=True)
class Install:
    """One way to install the completion. `files` maps each file below the home folder to its text."""

    name: str
    command: list
    files: typing.Callable[[typing.Callable[[str], str]], dict]
    # The beginnings of lines that this shell cannot complete, or that are not in its language.
    without: tuple = ()
    # What is typed to accept a completion.
    accept: str = ""
    # The shell always replaces `~/` with the path of the home folder.
    expands: bool = False


def bash_lazy(script):
    return {
        ".bashrc": "PS1='READY> '\n. /usr/share/bash-completion/bash_completion\n"
        "_own() { COMPREPLY=(own-word); }\ncomplete -F _own own-command\n",
        ".local/share/bash-completion/completions/swp-keys": script("bash"),
    }


def bash_sourced(_):
    return {".bashrc": "PS1='READY> '\nsource <(swp-keys completions bash)\n"}


ZSH = "PROMPT='READY> '\nautoload -Uz compinit\ncompinit -u\n_own() { compadd own-word }\ncompdef _own own-command\n"


def zsh_autoloaded(script):
    return {".zshrc": "fpath=(~/functions $fpath)\n" + ZSH, "functions/_swp-keys": script("zsh")}


def zsh_sourced(_):
    return {".zshrc": ZSH + "source <(swp-keys completions zsh)\n"}


def zsh_evaluated(_):
    return {".zshrc": ZSH + 'eval "$(swp-keys completions zsh)"\n'}


FISH = """
function fish_prompt; echo -n 'READY> '; end
set -g fish_greeting
set -g fish_autosuggestion_enabled 0
complete --command own-command --no-files --arguments own-word
"""


def fish_installed(script):
    return {".config/fish/config.fish": FISH, ".config/fish/completions/swp-keys.fish": script("fish")}


def fish_sourced(_):
    return {".config/fish/config.fish": FISH + "swp-keys completions fish | source\n"}


def elvish(_):
    return {
        ".config/elvish/rc.elv": "set edit:prompt = { print 'READY> ' }\nset edit:rprompt = { }\n"
        "set edit:completion:arg-completer[own-command] = {|@words| put own-word }\n"
        "eval (swp-keys completions elvish | slurp)\n"
    }


BASH = ["bash", "--noprofile", "-i"]
INSTALLS = [
    Install("bash, loaded on demand", BASH, bash_lazy),
    # bash-completion is what completes the arguments of another command.
    Install(
        "bash, sourced",
        BASH,
        bash_sourced,
        without=("swp-keys exec --role x -- own-command --flag", "swp-keys exec --role x -- swp-keys"),
    ),
    Install("zsh, in fpath", ["zsh", "-i"], zsh_autoloaded),
    Install("zsh, sourced", ["zsh", "-i"], zsh_sourced),
    Install("zsh, evaluated", ["zsh", "-i"], zsh_evaluated),
    Install("fish, loaded on demand", ["fish"], fish_installed),
    Install("fish, sourced", ["fish"], fish_sourced),
    Install(
        "elvish",
        ["elvish"],
        elvish,
        without=("swp-keys create --out-file $HOME", "X=1", "./", "~/"),
        accept="\r",
        expands=True,
    ),
]


def write(files, home):
    for name, text in files.items():
        path = os.path.join(home, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
