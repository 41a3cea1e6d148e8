"""Errors that are planted into a copy of the program: a fuzzer is worth what it finds."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.sandbox import Sandbox
from tests.warm import ROOT, warm


class Error(NamedTuple):
    """One error.

    file: the module, below the package; right: the text that is replaced, once; wrong: what it becomes
    kinds: the promises one of which is then broken
    moves: what the histories are made of, so that few suffice
    mounts: whether only a history with mounts shows it
    """

    file: str
    right: str
    wrong: str
    kinds: frozenset[str]
    moves: frozenset[str]
    mounts: bool = False


USUAL = {"new", "onward", "merge", "worker: commit"}
ERRORS = {
    "a removal forgets ignored files": Error(
        "actions/removal/keep.py",
        "ignored = [c.path for c in changes if c.code == IGNORED and",
        "ignored = [c.path for c in changes if False and",
        frozenset({"lost file"}),
        frozenset(USUAL | {"worker: ignored"}),
    ),
    "a removal forgets what only the log of HEAD holds": Error(
        "git/rescues.py",
        "found = _logged_commits(git_dir)",
        "found = list[str]()",
        frozenset({"lost commit"}),
        frozenset(USUAL | {"worker: amend"}),
    ),
    "an approval holds for whatever comes later": Error(
        "git/merging/landed.py",
        "isinstance(first, Clean) and first == landed(repo, base, other, fork)",
        "isinstance(first, Clean)",
        frozenset({"carried"}),
        frozenset(USUAL),
    ),
    "ahead counts from the base": Error(
        "git/merging/fork.py",
        'tip, f"^{base}", f"^{fork}", "--"',
        'tip, f"^{base}", "--"',
        frozenset({"ahead"}),
        frozenset(USUAL | {"base: amend"}),
    ),
    "rebase lands without the fork point": Error(
        "actions/merging/candidate.py",
        """\
    made = rebase(app.repo, base_oid, tip, fork)
    if isinstance(made, Conflict):
        says, paths = "its commits conflict one by one, although the whole merges cleanly", made.paths
    elif found := changed_paths(app.repo, made, tree):
""",
        """\
    made = rebase(app.repo, base_oid, tip)
    if isinstance(made, Conflict):
        says, paths = "its commits conflict one by one, although the whole merges cleanly", made.paths
    elif found := ():
""",
        frozenset({"landed"}),
        frozenset({"new", "onward", "merge --strategy rebase", "worker: commit", "base: commit", "base: reset"}),
    ),
    "a removal sees no mounts": Error(
        "git/sweeper.py",
        'return sorted({path for path in found if path == root or path.startswith(root.rstrip("/") + "/")})',
        "return []",
        frozenset({"lost file"}),
        frozenset({"new", "onward", "cancel", "rm --force", "worker: bound", "worker: mounted"}),
        mounts=True,
    ),
}


def may_mount(root: Path) -> bool:
    """Tell whether this user may mount something. root: a directory, on which it is tried."""
    done = subprocess.run(["mount", "--bind", root, root], capture_output=True)
    return done.returncode == 0 and subprocess.run(["umount", root]).returncode == 0


@contextmanager
def planted(error: Error, root: Path) -> Iterator[None]:
    """Let the commands of tests be run by a copy of the program that has the error. root: an empty directory."""
    shutil.copytree(ROOT / "git_agent", root / "git_agent")
    (root / "tests").symlink_to(ROOT / "tests")
    (root / "hooks").symlink_to(ROOT / "hooks")
    module = root / "git_agent" / error.file
    assert module.read_text().count(error.right) == 1, f"{error.file} has changed: plant the error anew"
    module.write_text(module.read_text().replace(error.right, error.wrong))
    usual = Sandbox.warm
    with warm(root) as process:
        Sandbox.warm = process
        try:
            yield
        finally:
            Sandbox.warm = usual
