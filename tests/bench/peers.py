"""Programs of others that do some of the same: how to get them from a package registry, and how they are called.

Each is installed into an environment of its own below the user's cache directory, with whatever pip is configured to
use. One that cannot be had is left out, with the reason.
"""

from __future__ import annotations

import os
import subprocess
import venv
from collections.abc import Callable
from pathlib import Path

from git_agent.record import Record
from tests.bench.stage import Stage

_TEXT = "the parser takes empty lines now; please look at 3f9c2a1 before you go on with the printer"


class Peer(Record):
    """A program of others. package: its name in the registry of Python packages."""

    program: str
    package: str


PEERS = (
    Peer("worktree-aid", "worktree-aid"),
    Peer("agent-mail", "agent-mail-cli"),
    Peer("agent-bus", "agent-bus-team"),
    Peer("claude-swarm", "claude-swarm"),
    Peer("agentmesh", "agentmesh-core"),
    Peer("hcom", "hcom"),
)


class Found(Record):
    """The peers that can be run. programs: by name; versions: of their packages; missing: the others, and why."""

    programs: dict[str, Path]
    versions: dict[str, str]
    missing: dict[str, str]


def install(cache: Path, peers: tuple[Peer, ...] = PEERS) -> Found:
    """Install peers that are not installed yet, each into an environment below `cache`; return what can be run."""
    found = Found({}, {}, {})
    for peer in peers:
        home = cache / peer.package
        program = home / "bin" / peer.program
        if reason := "" if program.exists() else _install(home, peer, program):
            found.missing[peer.program] = reason
        else:
            found.programs[peer.program] = program
            found.versions[peer.program] = _version(home, peer)
    return found


def cache_directory() -> Path:
    """Return the directory of the user where the peers are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "git-agent" / "bench"


def _install(home: Path, peer: Peer, program: Path) -> str:
    """Install one peer. Return why it cannot be had, "" when it can."""
    try:
        venv.create(home, with_pip=True, clear=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no environment for it could be made: {error}"
    command: list[str | Path] = [home / "bin" / "python", "-m", "pip", "install", "--quiet", peer.package]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR: No matching distribution")]
        return said[-1].removeprefix("ERROR: ") if said else f"pip could not install {peer.package}"
    return "" if program.exists() else f"the package {peer.package} has no program of that name"


def _version(home: Path, peer: Peer) -> str:
    code = f"from importlib.metadata import version; print(version({peer.package!r}))"
    return subprocess.run([home / "bin" / "python", "-c", code], capture_output=True, text=True).stdout.strip()


class Mail(Record):
    """How a peer sends a message and how the recipient reads it. begin: what makes both known first."""

    begin: tuple[tuple[str, ...], ...]
    send: tuple[str, ...]
    receive: tuple[str, ...]


def mail() -> dict[str, Mail]:
    """Return how each peer that has messages is called."""
    listens = ("register", "--name", "luna", "--kind", "other", "--pid", str(os.getpid()))
    return {
        "hcom": Mail(
            (("start", "--as", "luna"),),
            ("send", "--from", "ada", "@luna", "--", _TEXT),
            ("listen", "--name", "luna", "--timeout", "1"),
        ),
        "agent-mail": Mail(
            (),
            ("send", "--from", "p:ada", "--to", "p:luna", "--subject", "Rebase", "--body", _TEXT),
            ("read", "p:luna"),
        ),
        "agent-bus": Mail(
            (listens,),
            ("send", "luna", "--from-name", "ada", "-m", _TEXT),
            ("inbox", "--target", "luna", "--unread"),
        ),
        "claude-swarm": Mail(
            (("init", "--sessions", "ada:one luna:two"),),
            ("message", "luna", _TEXT, "--from", "ada"),
            ("inbox", "--session", "luna"),
        ),
        "agentmesh": Mail(
            (("register", "-a", "ada"), ("register", "-a", "luna")),
            ("msg", "-a", "ada", "--to", "luna", _TEXT),
            ("inbox", "-a", "luna", "--unread"),
        ),
    }


WAITERS = {
    "hcom": ("listen", "--name", "luna", "--timeout", "60"),
    "agent-mail": ("watch", "p:luna", "--timeout-minutes", "5"),
}
"""How a peer waits for the next message and prints it."""


def correspondence(stage: Stage, where: Path) -> dict[str, tuple[Callable[[int], None], Callable[[int], None]]]:
    """Make each peer's runs of sending and of receiving one message."""
    found = {}
    for name, way in mail().items():
        if program := stage.peers.get(name):
            for words in way.begin:
                stage.run(program, *words, cwd=where)
            found[name] = (stage.work(program, *way.send, cwd=where), stage.work(program, *way.receive, cwd=where))
    return found


CHANGES = {
    "claude-swarm": (("init", "--sessions", "ada:one"), ("update", "ada", "--note", "busy")),
    "agentmesh": (("register", "-a", "ada"), ("heartbeat", "-a", "ada")),
}
"""What makes a worker known to a peer, and the smallest change of its state."""


def state_change(stage: Stage, where: Path) -> dict[str, Callable[[int], None]]:
    """Make each peer's run of the smallest change of state that it has."""
    found = {}
    for name, (begin, words) in CHANGES.items():
        if program := stage.peers.get(name):
            stage.run(program, *begin, cwd=where)
            found[name] = stage.work(program, *words, cwd=where)
    return found


def usable(stage: Stage, found: Found) -> Found:
    """Make every call of every peer once; leave out a peer of which one fails, and say which: versions differ."""
    failed = {name: said for name, program in found.programs.items() if (said := _try(stage, name, program))}
    works = {name: program for name, program in found.programs.items() if name not in failed}
    return found._replace(programs=works, missing={**found.missing, **failed})


def _try(stage: Stage, name: str, program: Path) -> str:
    """Return the call of a peer that fails, "" when all of them work."""
    where = ("-P", f"{stage.root}/{{worktree}}")
    series: list[tuple[tuple[str, ...], ...]] = [CHANGES[name]] if name in CHANGES else []
    if way := mail().get(name):
        series.append((*way.begin, way.send, way.receive))
    if name == "worktree-aid":
        series.append(((*where, "add", "-c", "tried"), ("ls",), (*where, "rm", "tried")))
    for number, calls in enumerate(series):
        place = stage.plain(f"{name}-{number}")
        for words in calls:
            try:
                stage.run(program, *words, cwd=place)
            except SystemExit:
                return f"this does not work: {name} {' '.join(each for each in words if each not in where)}"
    return ""
