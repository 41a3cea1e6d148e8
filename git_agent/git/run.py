"""Run git: clean environment, errors in git's own words, retries on locks, a trace."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from git_agent.errors import AgentError, Exit
from git_agent.git.errors import lock_holder, names_no_room, room_hint, system_error, with_reason
from git_agent.record import Record

# `git rev-parse --local-env-vars` of git 2.38 to 2.55, and what hooks and receive-pack set: these would point a git
# that we start in another worktree at the caller's repository, index or objects.
# GIT_CONFIG_PARAMETERS and GIT_CONFIG_COUNT stay although git lists them: `git -c user.name=x agent ...` and CI set
# configuration with them.
LOCAL_NAMES = frozenset(
    {
        "GIT_ALTERNATE_OBJECT_DIRECTORIES",
        "GIT_CONFIG",
        "GIT_OBJECT_DIRECTORY",
        "GIT_DIR",
        "GIT_WORK_TREE",
        "GIT_IMPLICIT_WORK_TREE",
        "GIT_GRAFT_FILE",
        "GIT_INDEX_FILE",
        "GIT_NO_REPLACE_OBJECTS",
        "GIT_REPLACE_REF_BASE",
        "GIT_PREFIX",
        "GIT_INTERNAL_SUPER_PREFIX",
        "GIT_SHALLOW_FILE",
        "GIT_COMMON_DIR",
        "GIT_QUARANTINE_PATH",
        "GIT_REFERENCE_BACKEND",
        "GIT_NAMESPACE",
        "GIT_ATTR_SOURCE",
        "GIT_LITERAL_PATHSPECS",
        "GIT_GLOB_PATHSPECS",
        "GIT_NOGLOB_PATHSPECS",
        "GIT_ICASE_PATHSPECS",
        "GIT_EXTERNAL_DIFF",
        "GIT_DIFF_OPTS",
        "GIT_REFLOG_ACTION",
    }
)
KEPT_NAMES = frozenset({"GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT"})
# Replace refs and grafts show other objects than those that are reviewed and merged. The first variable does not turn
# grafts off; with /dev/null in the second one, git would advise against grafts in every command (measured, git 2.39).
REAL_OBJECTS = {"GIT_NO_REPLACE_OBJECTS": "1", "GIT_GRAFT_FILE": ""}
_FIXED = {
    **REAL_OBJECTS,
    "LC_ALL": "C",
    "LANGUAGE": "",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_EDITOR": "false",
    "GIT_SEQUENCE_EDITOR": "false",
    "GIT_PAGER": "cat",
    "GIT_ADVICE": "0",
    "GIT_MERGE_AUTOEDIT": "no",
    "GIT_AGENT_HOOKS": "0",  # we know what our own git does: no background sync
}
_OPTIONS = (
    *("-c", "core.fsmonitor=false", "-c", "core.quotePath=false"),
    *("-c", "log.showSignature=false", "-c", "i18n.logOutputEncoding=UTF-8"),  # starts gpg.program; other bytes
)
_PATIENCE = 10.0  # seconds; git holds a ref, index or config lock for milliseconds
_LOCKED = (
    r"Unable to create '(?P<path>.*\.lock)': File exists"
    r"|could not lock config file (?P<config>.*): File exists"
    r"|failed to read (?P<common>.*commondir)"
)


class GitError(AgentError):
    """A git command that failed.

    argv: its arguments.
    status: its exit status, negative for a signal.
    stderr: what it said.
    """

    def __init__(self, argv: tuple[str, ...], status: int, stderr: str) -> None:
        if status == -signal.SIGXFSZ:
            stderr += f"fatal: git {_verb(argv)}: {os.strerror(errno.EFBIG)}\n"
        lines = tuple(line for line in stderr.splitlines() if line.strip())
        super().__init__("git-failed", _first_complaint(argv, status, lines), _hint(stderr), details=lines)
        self.argv = argv
        self.status = status
        self.stderr = stderr


class Done(Record):
    """The result of a git that ended: exit status, out (bytes) and err (text)."""

    status: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Return the output as text without its final newline; undecodable bytes survive as surrogates."""
        return decode(self.out.removesuffix(b"\n"))

    @property
    def fields(self) -> list[str]:
        """Return the parts of NUL-separated output; a final NUL ends the last part and starts none."""
        return decode(self.out).split("\0")[:-1] if self.out.endswith(b"\0") else decode(self.out).split("\0")


def decode(raw: bytes) -> str:
    """Decode git's output so that encoding the text again gives the same bytes."""
    return raw.decode("utf-8", "surrogateescape")


def git_environment(extra: Mapping[str, str] | None = None, cwd: str | None = None) -> dict[str, str]:
    """Return our environment without what ties git to the caller's repository; English messages, no prompts.

    extra: variables to add.
    cwd: the directory git runs in; its hooks and filters get that as PWD. None: the current one.
    """
    env = {name: value for name, value in os.environ.items() if name not in LOCAL_NAMES and name != "OLDPWD"}
    # Without symbolic links: where PWD is right, git builds paths from it, and ours are compared with real ones.
    there = {} if cwd is None else {"PWD": os.path.realpath(cwd)}
    return {**env, **_FIXED, **there, **(extra or {})}


def git(
    *args: str,
    cwd: str | None = None,
    git_dir: str | None = None,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    ok: Container[int] = (0,),
    terminal: bool = False,
    patient: bool = True,
    timeout: float | None = None,
) -> Done:
    """Run git and return its result.

    cwd: the directory it runs in; None: the current one.
    git_dir: the repository it works on; None: that of cwd.
    stdin: its input, None for none.
    env: environment variables to add.
    ok: exit statuses that are no error.
    terminal: pass git's stderr (progress) through to ours; the result then has none of it.
    patient: while another git holds a lock, retry for up to 10 s.
    timeout: seconds; for commands that use a network.
    Raises GitError for any other status, AgentError no-git without git, git-busy (exit 6) when a lock stays, git-slow
    (exit 6) after the timeout.
    """
    argv = _argv(args, git_dir)
    end = time.monotonic() + _PATIENCE
    while True:
        done = _once(argv, cwd, stdin, git_environment(env, cwd), terminal, timeout)
        if done.status in ok:
            return done
        lock = re.search(_LOCKED, done.err) if patient else None
        if lock is None:
            raise GitError(argv, done.status, with_reason(done.err, cwd or git_dir or "."))
        if time.monotonic() >= end:
            raise _busy(lock, cwd or ".")
        import random

        time.sleep(random.uniform(0.01, 0.05))


def start_git(
    *args: str,
    cwd: str | None = None,
    git_dir: str | None = None,
    env: Mapping[str, str] | None = None,
    ok: Container[int] = (0,),
) -> Callable[[], Done]:
    """Start a git command that only reads; return a function that waits for its result.

    Raises AgentError no-git without git. The returned function raises what git() raises.
    """
    argv = _argv(args, git_dir)
    began = time.monotonic()
    with _explaining(cwd):
        process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=git_environment(env, cwd),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def wait() -> Done:
        out, err = process.communicate()
        _trace(argv, began)
        if process.returncode in ok:
            return Done(process.returncode, out, decode(err))
        return git(*args, cwd=cwd, git_dir=git_dir, env=env, ok=ok)  # retries on a lock, and explains the error

    return wait


def _argv(args: tuple[str, ...], git_dir: str | None) -> tuple[str, ...]:
    place = ("--git-dir=" + git_dir,) if git_dir is not None else ()
    argv = ("git", *_OPTIONS, *place, *args)
    if any("\0" in each for each in argv):
        raise AgentError("nul-in-argument", "an argument has a NUL character", "leave it out", exit=Exit.USAGE)
    return argv


def _once(
    argv: tuple[str, ...],
    cwd: str | None,
    stdin: bytes | None,
    env: dict[str, str],
    terminal: bool,
    timeout: float | None,
) -> Done:
    began = time.monotonic()
    if terminal:
        sys.stderr.flush()
    given: dict[str, Any] = {"input": stdin} if stdin else {"stdin": subprocess.DEVNULL}
    with _explaining(cwd):
        ended = subprocess.run(
            argv,
            cwd=cwd,
            env=env,
            stdout=subprocess.PIPE,
            stderr=None if terminal else subprocess.PIPE,
            timeout=timeout,
            **given,
        )
    _trace(argv, began)
    return Done(ended.returncode, ended.stdout, decode(ended.stderr or b""))


@contextmanager
def _explaining(cwd: str | None) -> Iterator[None]:
    try:
        yield
    except subprocess.TimeoutExpired as error:
        says = f"git did not answer within {error.timeout:.0f} s"
        raise AgentError("git-slow", says, "try again", exit=Exit.BUSY) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        if cwd is not None and not os.path.isdir(cwd):
            raise AgentError("no-directory", f"no such directory: {cwd}", "git worktree list") from error
        raise AgentError("no-git", "git was not found on PATH", "install git 2.38 or newer") from error
    except OSError as error:
        raise system_error(error) from error


def _trace(argv: tuple[str, ...], began: float) -> None:
    if os.environ.get("GIT_AGENT_TRACE") == "1":
        print(f"{(time.monotonic() - began) * 1000:8.1f} ms  {list(argv)!a}", file=sys.stderr)


def _first_complaint(argv: tuple[str, ...], status: int, lines: tuple[str, ...]) -> str:
    # After a failed write, the fatal line names no reason.
    for line in sorted(lines, key=lambda each: not names_no_room(each)):
        for prefix in ("fatal: ", "error: "):
            if line.startswith(prefix):
                return line.removeprefix(prefix).rstrip(".")
    if lines:
        return lines[0].rstrip(".")
    how = f"was killed by signal {-status}" if status < 0 else f"failed with status {status}"
    return f"git {_verb(argv)} {how}"


def _verb(argv: tuple[str, ...]) -> str:
    return next((each for each in argv[1 + len(_OPTIONS) :] if not each.startswith("-")), "")


def _hint(stderr: str) -> str:
    """Return the command that solves the problem where it is known, else how to see the git commands that run."""
    if re.search(r"tell me who you are|unable to auto-detect email|no (?:name|email) was given|empty ident", stderr):
        return "git config --global user.name NAME, and git config --global user.email EMAIL"
    if hint := room_hint(stderr):
        return hint
    return "this is git's own error: GIT_AGENT_TRACE=1 shows the git commands that run"


def _busy(found: re.Match[str], cwd: str) -> AgentError:
    path = found["path"] or (found["config"] + ".lock" if found["config"] else found["common"])
    path = os.path.abspath(os.path.join(cwd, path))
    try:
        age = f"{time.time() - os.stat(path).st_mtime:.0f} s old"
    except OSError:
        age = "gone now"
    if who := lock_holder(path):
        return AgentError("git-busy", f"{who} holds {path} ({age})", "try again when it has ended", exit=Exit.BUSY)
    hint = "when it is ten minutes old and no process has it open: git agent doctor --fix"
    return AgentError("git-busy", f"another git holds {path} ({age})", hint, exit=Exit.BUSY)
