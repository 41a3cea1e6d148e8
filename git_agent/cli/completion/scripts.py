"""The completion scripts: each runs `git agent completion SHELL --complete -- WORD...` for the candidates.

The command prints one line for each candidate, `kind<TAB>value<TAB>help`. The kind is plain, file or dir.
"""

from __future__ import annotations

MARK = "completion of git agent; git agent completion --install writes it again"

# git's own completion calls `_git_agent` for `git agent`, after setting cur, words, cword and __git_cmd_idx.
# Several tasks are listed with their names (COMP_TYPE 9, 33 and 63 list), but only an id can be inserted.
_BASH = """\
# bash @

__git_agent_complete() {
    local kind value help width=0 line
    local -a values=() helps=()
    COMPREPLY=()
    while IFS=$'\\t' read -r kind value help; do
        case $kind in
        file | dir)
            compopt -o filenames 2>/dev/null
            while IFS= read -r line; do COMPREPLY+=("$line"); done \\
                < <(compgen -A "${kind/dir/directory}" -- "$cur")
            ;;
        plain)
            values+=("$value") helps+=("$help")
            ((${#value} > width)) && width=${#value}
            ;;
        esac
    done < <("$@" 2>/dev/null)
    case ${#values[@]}:${COMP_TYPE-} in
    0:* | 1:* | *:37 | *:42) COMPREPLY+=("${values[@]}") ;;
    *)
        for line in "${!values[@]}"; do
            value=${values[line]}
            [[ -n ${helps[line]} ]] && printf -v value '%-*s  (%s)' "$width" "$value" "${helps[line]}"
            COMPREPLY+=("$value")
        done
        ;;
    esac
    [[ ${COMPREPLY-} == *= && ${#COMPREPLY[@]} -eq 1 ]] && compopt -o nospace 2>/dev/null
    return 0
}

_git_agent() {
    local at=${__git_cmd_idx-1}
    while ((at < cword)) && [[ ${words[at]} != agent ]]; do ((at++)); done
    __git_agent_complete git "${__git_C_args[@]}" agent completion bash --complete -- \\
        "${words[@]:at+1:cword-at-1}" "$cur"
}

_git_agent_alone() {
    local cur=${COMP_WORDS[COMP_CWORD]} words=("${COMP_WORDS[@]}") cword=$COMP_CWORD prev
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n =: cur words cword prev
    fi
    __git_agent_complete git-agent completion bash --complete -- "${words[@]:1:cword-1}" "$cur"
    if declare -F __ltrimcolonprefixes >/dev/null; then __ltrim_colon_completions "$cur"; fi
}

complete -o bashdefault -o default -o nosort -F _git_agent_alone git-agent
"""

# zsh's completion of git calls `_git-agent` for `git agent`, and reads the second line for its list of commands.
_ZSH = """\
#compdef git-agent
#description run many coding agents in one repository
# zsh @

_git-agent() {
    local kind value help expl
    local -a plain
    while IFS=$'\\t' read -r kind value help; do
        case $kind in
        file) _files ;;
        dir) _files -/ ;;
        plain) plain+=("${value//:/\\\\:}${help:+:${help}}") ;;
        esac
    done < <(command git-agent completion zsh --complete -- "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    (( $#plain )) && _describe -V 'git agent' plain
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _git-agent "$@"
elif (( $+functions[compdef] )); then
    compdef _git-agent git-agent
fi
"""

# It is installed in conf.d, because fish reads completions/git-agent.fish for `git-agent` only. Only new versions of
# fish pass `git agent` on to that file (3.6.0 looks for a command `git git-agent`).
_FISH = """\
# fish @

function __git_agent_complete
    set -l words (commandline -opc)
    while set -q words[1]; and not string match -q -r '(^|/)git-agent$|^agent$' -- $words[1]
        set -e words[1]
    end
    command git-agent completion fish --complete -- $words[2..-1] (commandline -ct) 2>/dev/null | while read -l line
        set -l parts (string split \\t -- $line)
        switch $parts[1]
            case file
                __fish_complete_path (commandline -ct)
            case dir
                __fish_complete_directories (commandline -ct)
            case plain
                printf '%s\\t%s\\n' $parts[2] $parts[3]
        end
    end
end

complete -c git-agent -f -k -a '(__git_agent_complete)'
complete -c git -f -k -a '(__git_agent_complete)' \\
    -n 'type -q __fish_git_using_command; and __fish_git_using_command agent'
"""

SCRIPTS = {"bash": _BASH.replace("@", MARK, 1), "zsh": _ZSH.replace("@", MARK, 1), "fish": _FISH.replace("@", MARK, 1)}
