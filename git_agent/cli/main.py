"""The entry point: find the verb, import only its module, and report errors in git's form with exit codes."""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import os
import re
import signal
import sys
from typing import Any, NoReturn

import click

from git_agent import __version__
from git_agent.errors import AgentError, Exit
from git_agent.verbs import ALIASES, SECTIONS, VERBS

_NO_MEMORY = b"error: there is not enough memory\nhint: ulimit -v shows the limit of a process, free -h what is left\n"


class VerbGroup(click.Group):
    """The group of all verbs. A verb's module is imported when the verb is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """List the verbs in the order of the help."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a verb's command."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in VERBS:
            return None
        module = __import__(f"git_agent.cli.{VERBS[name].module}", fromlist=["*"])
        return getattr(module, name.replace("-", "_") + "_verb")  # type: ignore[no-any-return]

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the verb, or suggest similar ones."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], VERBS, n=3)
            hint = "similar verbs: " + ", ".join(near) if near else "git agent -h"
            raise AgentError("unknown-verb", f"'{args[0]}' is not a verb of git agent", hint, exit=Exit.USAGE)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs by section, without importing any of them."""
        for section in SECTIONS:
            with formatter.section(section):
                formatter.write_dl([(n, v.summary) for n, v in VERBS.items() if v.section == section])


def _change_directory(ctx: click.Context, param: click.Parameter, paths: tuple[str, ...]) -> None:
    for path in paths:
        try:
            os.chdir(path)
        except OSError as error:
            raise AgentError(
                "no-directory", f"cannot change to '{path}': {error.strerror}", "give a directory"
            ) from error


@click.group(
    cls=VerbGroup,
    invoke_without_command=True,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="git agent VERB -h describes one verb; git agent --help opens the manual page.",
)
@click.version_option(__version__, "-v", "--version", message="git-agent version %(version)s")
@click.option(
    "-C",
    "directory",
    metavar="PATH",
    multiple=True,
    callback=_change_directory,
    expose_value=False,
    is_eager=True,
    help="Run as if started in PATH.",
)
@click.pass_context
def group(ctx: click.Context) -> None:
    """Run many coding agents in one repository: a task is a branch, a worktree and a worker."""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        ctx.exit(Exit.USAGE)


_ENDING = (signal.SIGTERM, signal.SIGHUP)


class _Ended(BaseException):
    """A signal asks us to end. The exception unwinds the stack, so that unfinished work is rolled back."""


def _end(number: int, frame: object) -> NoReturn:
    raise _Ended(number)


def run() -> NoReturn:
    """Run the command line and exit."""
    _use_utf8()
    _restore_python_path()
    _open_streams()
    try:
        status = _run(sys.argv[1:])
    except (KeyboardInterrupt, _Ended):  # a second signal, while the first one is reported
        status = int(Exit.INTERRUPTED)
    except (MemoryError, ImportError, OSError, SystemError) as error:
        if not _is_no_memory(error):
            raise
        _end_without_memory()
    for number in (*_ENDING, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # the exit code is final; a second signal must not change it
    gc.freeze()  # skip the last collection: the system frees the memory
    sys.exit(status)


def _restore_python_path() -> None:
    """Give the programs that we start the PYTHONPATH that bin/git-agent kept from us."""
    given = os.environ.pop("GIT_AGENT_PYTHONPATH", None)
    if given is not None:
        os.environ["PYTHONPATH"] = given


def _use_utf8() -> None:
    """Start again in Python's UTF-8 mode if the locale has another encoding: file names are bytes, as for git.

    An option, not PYTHONUTF8, which the programs that we start would inherit. The arguments come from the kernel where
    it shows them, because BIG5 and others don't encode every decoded text to the same bytes again.
    """
    if sys.getfilesystemencoding() == "utf-8" or not sys.executable:
        return
    try:
        with open("/proc/self/cmdline", "rb") as file:
            words = file.read().split(b"\0")[1:-1]
    except OSError:
        words = [os.fsencode(word) for word in sys.orig_argv[1:]]
    os.execv(sys.executable, [os.fsencode(sys.executable), b"-X", b"utf8", *words])


class _Result(io.FileIO):
    """Standard output.

    failed: whether a write failed; the buffer is then dropped, so that it does not fail again
    """

    failed = False

    def write(self, data: Any) -> int:
        """Write data, and record a failure."""
        try:
            return super().write(data)
        except OSError:
            _Result.failed = True
            raise


class _Talk(io.FileIO):
    """Standard error. A closed stream or a full disk does not stop the command."""

    def write(self, data: Any) -> int:
        """Write what can be written, and report everything as written."""
        with contextlib.suppress(OSError):
            return super().write(data)
        return len(data)


def _open_streams() -> None:
    """Open descriptors 0, 1 and 2 if they are closed, and use UTF-8, as git does.

    Otherwise the database could get one of these descriptors.
    """
    while (number := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(number)
    sys.stdin = sys.stdin or os.fdopen(0)
    result = io.BufferedWriter(_Result(1, "w", closefd=False))
    sys.stdout = io.TextIOWrapper(result, encoding="utf-8", errors="surrogateescape", line_buffering=os.isatty(1))
    talk = io.BufferedWriter(_Talk(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(talk, encoding="utf-8", errors="backslashreplace", line_buffering=True)


def _run(argv: list[str]) -> int:
    as_json = "--json" in (argv[: argv.index("--")] if "--" in argv else argv)
    try:
        _receive_signals()
        # Not group.main: it handles interruptions, closed pipes and exit codes in its own way.
        with group.make_context("git agent", argv) as context:
            group.invoke(context)
        sys.stdout.flush()
        return 0
    except click.exceptions.Exit as done:
        return done.exit_code
    except AgentError as error:
        error.hint = _naming_the_command(error.hint, argv)
        return _say(error, as_json)
    except click.ClickException as error:
        return _say(_usage(error), as_json)
    except (KeyboardInterrupt, click.Abort):
        print(end="\n" if sys.stderr.isatty() else "", file=sys.stderr)  # below the terminal's ^C
        return _say(AgentError("interrupted", "interrupted", "", exit=Exit.INTERRUPTED), as_json)
    except _Ended as ended:
        # Not as JSON: this is how `watch` ends, and each JSON object in its output is an event.
        print(f"error: ended by {signal.Signals(ended.args[0]).name}", file=sys.stderr)
        return 128 + int(ended.args[0])
    except BrokenPipeError:
        _drop_output()
        return 128 + signal.SIGPIPE
    except OSError as error:
        if error.errno == errno.ENOMEM:
            raise
        if not _Result.failed:
            from git_agent.runtime.invocation import explain

            return _say(explain(error), as_json)
        _drop_output()
        says = f"cannot write to standard output: {error.strerror}"
        return _say(AgentError("no-output", says, "the command has done its work: git agent status"), False)


def _is_no_memory(error: BaseException) -> bool:
    unmapped = isinstance(error, ImportError) and "failed to map segment" in str(error)
    # What Python says when it could not even make the MemoryError: "error return without exception set".
    unsaid = isinstance(error, SystemError) and "without" in str(error)
    return isinstance(error, MemoryError) or unmapped or unsaid or getattr(error, "errno", None) == errno.ENOMEM


def _end_without_memory() -> NoReturn:
    """Say that there is too little memory, and end, with nothing that needs more of it.

    Even setting signal handlers, or Python's own end, can fail then, with a traceback (measured under ulimit -v).
    """
    os.write(2, _NO_MEMORY)
    os._exit(int(Exit.ERROR))


def _receive_signals() -> None:
    for number in _ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, _end)
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _drop_output() -> None:
    """Discard further output. The interpreter's own flush at exit would report the error again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


_PLAIN_NUMBER = r"is not a valid (?:integer|float)(?: range)?"  # click names its types
_LONGEST = 500  # characters of a usage error: click repeats what was typed


_AGAIN = r"(?:try|run it) again(?: when (?:it has|that has|they have) ended)?"


def _naming_the_command(hint: str, argv: list[str]) -> str:
    """Say which command is to be tried again; one that is too long to be read is left out."""
    import shlex

    found = re.search(_AGAIN, hint)
    command = f": {shlex.join(['git', 'agent', *argv])}" if found else ""
    return hint if found is None or len(command) > _LONGEST else hint[: found.end()] + command + hint[found.end() :]


def _usage(error: click.ClickException) -> AgentError:
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} -h" if context else "git agent -h"
    message = " ".join(error.format_message().split()).rstrip(".")
    message = re.sub(_PLAIN_NUMBER, "is not a number", message)
    message = message if len(message) <= _LONGEST else message[:_LONGEST] + "…"
    return AgentError("usage", message[:1].lower() + message[1:], hint, exit=Exit.USAGE)


def _say(error: AgentError, as_json: bool) -> int:
    if as_json:
        from git_agent.render import json

        print(json.document(json.error_json(error)))
        return int(error.exit)
    from git_agent.render.text import error_lines

    for line in error_lines(error):
        print(line, file=sys.stderr)
    return int(error.exit)
