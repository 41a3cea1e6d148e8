"""Hook files: a marked block in an existing script, or a file of ours, and the shell code that runs our hooks."""

from __future__ import annotations

import os
import re
import stat

from git_agent.errors import AgentError
from git_agent.files import ensure_file, read_or_empty, replace_file

EVENTS = ("post-commit", "post-merge", "post-rewrite", "pre-push")
GUARD = ("pre-commit", "reference-transaction")
VETO = frozenset(GUARD)  # when these fail, git refuses
STDIN = frozenset({"pre-push", "reference-transaction"})  # ours reads what git sends
CHAINED = ".git-agent-chained"  # added to the name of a hook that can't hold a block, while ours stands in its place
SHEBANG = b"#!/bin/sh\n"

_NEW = ".git-agent-new"
_BEGIN = "# >>> git agent >>>"
_END = "# <<< git agent <<<"
_BLOCK = rb"(?ms)^# >>> git agent >>>\r?\n(.*?)^# <<< git agent <<<\r?(?:\n|\Z)"
_SHELL = rb"#![ \t]*(?:\S*/)?(?:env[ \t]+)?(?:\S*/)?(?:sh|bash|dash|ksh|zsh|ash)(?:[ \t]+-[abefhpuvxE]+)?[ \t]*\Z"
_GUEST = (
    "# `git agent init` put these lines here and `git agent deinit` takes them out; the rest of the file is as it was."
)
_OWN = "# `git agent init` made this file and `git agent deinit` removes it; lines added below the last mark stay."
_NEXT = "# `git agent init` made this file, and runs from it the hook that was here: `git agent deinit` puts that back."

# A repository that was moved or copied finds its own store; without a store, do nothing and say nothing. git sets no
# GIT_DIR in a main worktree, nor for the post-checkout hook of `git worktree add` (measured, 2.39 and 2.55), where .git
# is a file. The pid tells a hook that one of our dispatchers has run our part already, then exec'd the hook.
FIND = """\
git_agent=${GIT_DIR:-.git}
if [ -f "$git_agent" ]; then
    IFS= read -r git_agent <"$git_agent" || :
    git_agent=${git_agent#gitdir: }
fi
case $git_agent in /*) ;; *) git_agent=$PWD/$git_agent ;; esac
if [ -f "$git_agent/commondir" ]; then git_agent=${git_agent%/worktrees/*}; fi
"""
HOOK = "git_agent=$git_agent/git-agent/hooks/{event}\n"
IS_THERE = '[ -f "$git_agent" ] && [ -r "$git_agent" ]'
_NOT_YET = '[ "${GIT_AGENT_HOOK_PID:-}" != "$$" ]'
# The user's shell options (-e, -u, zsh's own modes) could make our script fail where sh would not. Our scripts find
# each other beside $h.
RUN = '(set +eu; [ -z "${ZSH_VERSION:-}" ] || emulate sh; h=$git_agent; . "$h")'
# Keep the input in a variable: no file is left behind, and a pipe would run what follows in a subshell. A terminal has
# no input for us.
RUN_AND_REPLAY = """\
    git_agent_input=$(cat) || :
    if [ -z "$git_agent_input" ]; then
        {run} || {otherwise}
    else
        {run} <<git_agent || {otherwise}
$git_agent_input
git_agent
        exec <<git_agent
$git_agent_input
git_agent
    fi
    unset git_agent_input
"""


def insert_block(script: bytes, event: str) -> bytes:
    """Return a shell script with our block after its first line (#!), or at its top; an existing block is replaced."""
    script = remove_block(script) if hook_kind(script) == "guest" else script
    block = _block(event, _GUEST)
    if not script.startswith(b"#!"):
        return block + b"\n" + script
    head, newline, rest = script.partition(b"\n")
    # If the first line has no newline, the block gets none either; remove_block() relies on that.
    return head + b"\n" + block + newline + rest


def own_hook(event: str, held: bytes = b"", *, chained: bool = False) -> bytes:
    """Return the text of a hook file of ours.

    event: the hook's name.
    held: what such a file contains now, so that lines added below our block stay.
    chained: the file then runs <event>.git-agent-chained beside it.
    """
    ours = hook_kind(held) in ("own", "chained")
    alone = not chained and not (ours and remove_block(held))
    block = _block(event, _NEXT if chained else _OWN, _next(event) if chained else "", alone=alone)
    if ours:
        return re.sub(_BLOCK, lambda _: block + b"\n", held, count=1)
    return SHEBANG + block + b"\n"


def hook_kind(script: bytes) -> str | None:
    """Return whose file a hook is: "guest", "own", "chained", or None when it has no block of ours.

    A guest is the user's file with our block; the other two are ours.
    """
    found = re.search(_BLOCK, script)
    if not found:
        return None
    said = found[1].partition(b"\n")[0].rstrip(b"\r").decode("ascii", "replace")
    return {_OWN: "own", _NEXT: "chained"}.get(said, "guest")


def has_torn_block(script: bytes) -> bool:
    """Tell whether only one of the two marks of a block is there, so that our part can't be identified."""
    return re.search(_BLOCK, script) is None and (_BEGIN.encode() in script or _END.encode() in script)


def remove_block(script: bytes) -> bytes:
    """Return the script as it was before our block; b"" for a file that was only ours."""
    ours = hook_kind(script) in ("own", "chained")
    while found := re.search(_BLOCK, script):
        start = found.start()
        if not found[0].endswith(b"\n") and start:
            start -= 1
        script = script[:start] + script[found.end() :]
    return b"" if ours and script == SHEBANG else script


def is_shell(script: bytes) -> bool:
    """Tell whether a shell that understands our block runs the script; git passes one without #! to sh."""
    if b"\0" in script[:8192]:
        return False
    first = script.partition(b"\n")[0]
    return not first.startswith(b"#!") or re.match(_SHELL, first) is not None


def _block(event: str, says: str, last: str = "", *, alone: bool = False) -> bytes:
    if event in VETO:
        raise AgentError("bad-event", f"{event} gets no block", "git agent config agent.guard true")
    condition = f"{_NOT_YET} && {IS_THERE}"
    # Measured: a subshell costs 0.2 ms, ten times all the rest, and another one to read standard input 0.9 ms; when
    # nothing follows, neither is needed. The trap: a script of ours that can't be parsed must not stop a push.
    if alone:
        run = '    h=$git_agent\n    . "$h" </dev/null\n'
        if event in STDIN:
            run = "    trap 'exit 0' 0\n    h=$git_agent\n" + '    . "$h"\n    trap - 0\n'
    elif event in STDIN:
        run = RUN_AND_REPLAY.format(run=RUN, otherwise=":")
    else:
        run = f"    {RUN} </dev/null || :\n"
    if event in STDIN:
        condition += " && [ ! -t 0 ]"
    text = f"{FIND}{HOOK.format(event=event)}if {condition}; then\n{run}fi\nunset git_agent\n{last}"
    return f"{_BEGIN}\n{says}\n{text}{_END}".encode()


def _next(event: str) -> str:
    return (
        f"git_agent_next=${{0%/*}}/{event}{CHAINED}\n"
        'if [ -f "$git_agent_next" ] && [ -x "$git_agent_next" ]; then exec "$git_agent_next" "$@"; fi\n'
        "unset git_agent_next\n"
    )


def add_to_hook(path: str, event: str) -> bool:
    """Make a hook file run our part, whether it is the user's, ours, or missing; return whether it was changed.

    path: the hook file.
    event: the hook's name.
    Raises AgentError hook-damaged or hook-occupied when that is impossible without loss; OSError.
    """
    _settle(path)
    held = read_or_empty(path) if os.path.isfile(path) else b""
    if not os.path.lexists(path) or (hook_kind(held) in ("own", "chained") and not os.path.islink(path)):
        return write_hook_file(path, own_hook(event, held, chained=os.path.lexists(path + CHAINED)), 0o755)
    if has_torn_block(held):
        raise AgentError("hook-damaged", f"{path} has only one of the two marks of our block", f"edit {path}")
    if not _can_hold(path, held):
        return _chain(path, event, held)
    if hook_kind(held) is None and runs_legacy(path):
        return False
    renewed = insert_block(held, event)
    if renewed == held:
        return False
    _replace(path, renewed)
    return True


def remove_from_hook(path: str) -> bool:
    """Remove our part from a hook file, and from what hook managers renamed it to; return whether there was any.

    Raises AgentError hook-occupied when the user's hook can't be moved back; OSError.
    """
    done = [_take_from(each, path + CHAINED) for each in (path, path + ".legacy", path + ".old")]
    if os.path.lexists(path + CHAINED):
        _settle(path)
        if os.path.lexists(path + CHAINED):
            raise _occupied(path)
        return True
    return any(done)


def runs_legacy(path: str) -> bool:
    """Tell whether a hook is pre-commit's or prek's, which renamed ours to .legacy and runs it."""
    legacy = path + ".legacy"
    runs = b"hook-impl" in read_or_empty(path) and os.path.isfile(legacy) and os.access(legacy, os.X_OK)
    return runs and hook_kind(read_or_empty(legacy)) is not None


def _take_from(path: str, chained: str) -> bool:
    held = read_or_empty(path) if os.path.isfile(path) and not os.path.islink(path) else b""
    whose = hook_kind(held)
    rest = remove_block(held)
    if whose is None:
        return False
    if whose != "guest" and not rest and os.path.lexists(chained):
        os.rename(chained, path)
    elif whose != "guest" and not rest:
        os.unlink(path)
    else:
        _replace(path, rest)
    return True


def _settle(path: str) -> None:
    """Finish what a killed process left: a hook under both of its names, or only under the other one."""
    chained = path + CHAINED
    if not os.path.lexists(chained):
        return
    if not os.path.lexists(path):
        os.rename(chained, path)
    elif os.path.samestat(os.lstat(path), os.lstat(chained)):
        os.unlink(chained)


def _can_hold(path: str, held: bytes) -> bool:
    found = os.lstat(path)
    plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1  # a hard link elsewhere must not get our block
    return plain and os.access(path, os.X_OK | os.W_OK) and is_shell(held)


def _chain(path: str, event: str, held: bytes) -> bool:
    chained = path + CHAINED
    if os.path.lexists(chained):
        raise _occupied(path)
    if hook_kind(held) == "guest" and not os.path.islink(path):
        _replace(path, remove_block(held))
    try:
        os.link(path, chained, follow_symlinks=False)  # the hook keeps its name at every moment
    except OSError:  # a directory, or a file system without hard links
        os.rename(path, chained)
    _replace(path, own_hook(event, chained=True), 0o755)
    return True


def _occupied(path: str) -> AgentError:
    return AgentError("hook-occupied", f"{path} and {path}{CHAINED} both exist", f"keep one of them as {path}")


def write_hook_file(path: str, content: bytes, mode: int) -> bool:
    """Write a hook file unless it has these bytes and this mode already; return whether it was written.

    The caller holds the lock of the hooks: what a killed process left under the temporary name is overwritten.
    """
    return ensure_file(path, content, mode, temporary=path + _NEW)


def _replace(path: str, content: bytes, mode: int | None = None) -> None:
    replace_file(path, content, mode, temporary=path + _NEW, sync=True)  # it may hold the user's own lines
