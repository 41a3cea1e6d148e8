"""Hook files: a marked block in an existing script, or a file of ours, and the text that runs our hooks."""

from __future__ import annotations

import os
import re
import stat

from git_agent.errors import AgentError
from git_agent.files import ensure_file, read_or_empty, replace_file

EVENTS = ("post-commit", "post-merge", "post-rewrite", "pre-push")
GUARD = ("pre-commit", "reference-transaction")
VETO = frozenset(GUARD)  # their failure is git's
STDIN = frozenset({"pre-push", "reference-transaction"})  # ours reads what git sends
CHAINED = ".git-agent-chained"  # what a hook that can't hold a block is called while ours stands in its place
SHEBANG = b"#!/bin/sh\n"

_NEW = ".git-agent-new"
_BEGIN = "# >>> git agent >>>"
_END = "# <<< git agent <<<"
_BLOCK = re.compile(rb"^# >>> git agent >>>\r?\n(.*?)^# <<< git agent <<<\r?(?:\n|\Z)", re.MULTILINE | re.DOTALL)
_SHELL = re.compile(
    rb"#![ \t]*(?:\S*/)?(?:env[ \t]+)?(?:\S*/)?(?:sh|bash|dash|ksh|zsh|ash)(?:[ \t]+-[abefhpuvxE]+)?[ \t]*\Z"
)
_GUEST = (
    "# `git agent init` put these lines here and `git agent deinit` takes them out; the rest of the file is as it was."
)
_OWN = "# `git agent init` made this file and `git agent deinit` removes it; lines added below the last mark stay."
_NEXT = "# `git agent init` made this file, and runs from it the hook that was here: `git agent deinit` puts that back."

# A repository that moved or was copied finds its own store; where there is none, nothing is done and nothing said.
# git sets no GIT_DIR in a main worktree, nor for the post-checkout hook of `git worktree add` (measured, 2.39 and
# 2.55): there .git is a file. The pid tells a hook that one of our dispatchers ran our part already and then became it.
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
# What the user's shell was told (-e, -u, zsh's own ways) would make our script fail where it does not in sh.
# Our scripts find their like beside $h.
RUN = '(set +eu; [ -z "${ZSH_VERSION:-}" ] || emulate sh; h=$git_agent; . "$h")'
# In a variable, not a file, and no pipe, which would run what follows elsewhere. A terminal has nothing for us.
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
    """Return a shell script with our block after its first line (#!), or at its top; a block of ours is renewed."""
    script = remove_block(script) if hook_kind(script) == "guest" else script
    block = _block(event, _GUEST)
    if not script.startswith(b"#!"):
        return block + b"\n" + script
    head, newline, rest = script.partition(b"\n")
    # Without a newline after it, the block has none either: that is how take_out() knows.
    return head + b"\n" + block + newline + rest


def own_hook(event: str, held: bytes = b"", *, chained: bool = False) -> bytes:
    """Return the text of a hook file of ours; chained: it then runs <event>.git-agent-chained beside it.

    held: what such a file has now, so that lines which somebody added below our block stay.
    """
    ours = hook_kind(held) in ("own", "chained")
    alone = not chained and not (ours and remove_block(held))
    block = _block(event, _NEXT if chained else _OWN, _next(event) if chained else "", alone=alone)
    if ours:
        return _BLOCK.sub(lambda _: block + b"\n", held, count=1)
    return SHEBANG + block + b"\n"


def hook_kind(script: bytes) -> str | None:
    """Say whose file it is: "guest" (somebody's, with our block), "own", "chained" (both ours), None without block."""
    found = _BLOCK.search(script)
    if not found:
        return None
    said = found[1].partition(b"\n")[0].rstrip(b"\r").decode("ascii", "replace")
    return {_OWN: "own", _NEXT: "chained"}.get(said, "guest")


def has_torn_block(script: bytes) -> bool:
    """Say whether only one of the two marks of a block is there, so that nobody can tell what is ours."""
    return _BLOCK.search(script) is None and (_BEGIN.encode() in script or _END.encode() in script)


def remove_block(script: bytes) -> bytes:
    """Return the script as it was before our block came; b"" for a file that was ours alone."""
    ours = hook_kind(script) in ("own", "chained")
    while found := _BLOCK.search(script):
        start = found.start()
        if not found[0].endswith(b"\n") and start:
            start -= 1
        script = script[:start] + script[found.end() :]
    return b"" if ours and script == SHEBANG else script


def is_shell(script: bytes) -> bool:
    """Say whether the script is run by a shell that understands our block; git gives one without #! to sh."""
    if b"\0" in script[:8192]:
        return False
    first = script.partition(b"\n")[0]
    return not first.startswith(b"#!") or _SHELL.match(first) is not None


def _block(event: str, says: str, last: str = "", *, alone: bool = False) -> bytes:
    if event in VETO:
        raise AgentError("bad-event", f"no block is made for {event}", "git agent config agent.guard true")
    condition = f"{_NOT_YET} && {IS_THERE}"
    # Measured: a process of its own costs 0.2 ms, ten times all the rest, and one more to read standard input 0.9 ms;
    # where nothing follows none is needed. A script of ours that can't be parsed must not stop a push: hence the trap.
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
    """Make this hook file run our part, whoever's it is; say whether anything had to be done.

    Raise AgentError hook-damaged or hook-occupied where that can't be done without loss, OSError.
    """
    _settle(path)
    held = read_or_empty(path) if os.path.isfile(path) else b""
    if not os.path.lexists(path) or (hook_kind(held) in ("own", "chained") and not os.path.islink(path)):
        return write_hook_file(path, own_hook(event, held, chained=os.path.lexists(path + CHAINED)), 0o755)
    if has_torn_block(held):
        raise AgentError("hook-damaged", f"one of the marks of our block is missing in {path}", f"edit {path}")
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
    """Take our part out of this hook file, and of what hook programs renamed it to; say whether there was any.

    Raise AgentError hook-occupied where the user's hook can't get its place back, OSError.
    """
    done = [_take_from(each, path + CHAINED) for each in (path, path + ".legacy", path + ".old")]
    if os.path.lexists(path + CHAINED):
        _settle(path)
        if os.path.lexists(path + CHAINED):
            raise _occupied(path)
        return True
    return any(done)


def runs_legacy(path: str) -> bool:
    """Say whether this hook is pre-commit's or prek's, which renamed ours to .legacy and runs it."""
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
    """End what a killed process of ours left: a hook under both of its names, or only under the other one."""
    chained = path + CHAINED
    if not os.path.lexists(chained):
        return
    if not os.path.lexists(path):
        os.rename(chained, path)
    elif os.path.samestat(os.lstat(path), os.lstat(chained)):
        os.unlink(chained)


def _can_hold(path: str, held: bytes) -> bool:
    found = os.lstat(path)
    plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1  # another name of it must not get our block
    return plain and os.access(path, os.X_OK | os.W_OK) and is_shell(held)


def _chain(path: str, event: str, held: bytes) -> bool:
    chained = path + CHAINED
    if os.path.lexists(chained):
        raise _occupied(path)
    if hook_kind(held) == "guest" and not os.path.islink(path):
        _replace(path, remove_block(held))
    try:
        os.link(path, chained, follow_symlinks=False)  # never is the hook without its name, not even for a moment
    except OSError:  # a directory, or a file system that knows no links
        os.rename(path, chained)
    _replace(path, own_hook(event, chained=True), 0o755)
    return True


def _occupied(path: str) -> AgentError:
    return AgentError("hook-occupied", f"{path} and {path}{CHAINED} are both there", f"keep one of them as {path}")


def write_hook_file(path: str, content: bytes, mode: int) -> bool:
    """Write a file of the hooks unless it is there with these bytes and this mode; say whether it was written.

    Call it with the lock of the hooks held: what a killed process left under the temporary name is overwritten.
    """
    return ensure_file(path, content, mode, temporary=path + _NEW)


def _replace(path: str, content: bytes, mode: int | None = None) -> None:
    replace_file(path, content, mode, temporary=path + _NEW, sync=True)  # it may hold the user's own lines
