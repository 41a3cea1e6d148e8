"""What a person can see in a repository and its worktrees, read with plain git: commits and the content of files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

from tests.sandbox import Sandbox

NOT_KEPT = "build"  # the ignored directory of all histories: the manual says that such are not kept
KEPT = "git-agent/kept"


class Place(NamedTuple):
    """One worktree. branch: None for a detached HEAD; files: the contents by path, named as git names them."""

    path: Path
    branch: str | None
    head: str
    files: dict[str, str]


class Sight(NamedTuple):
    """Everything at one moment.

    refs: all refs with what they name
    objects: what git's own gc would keep, by refs, HEADs, their logs and indexes
    places: the worktrees that exist, by their paths relative to the main one
    aside: contents that are files elsewhere: those that were kept, and those outside of the repository
    """

    refs: dict[str, str]
    objects: frozenset[str]
    places: dict[str, Place]
    aside: dict[str, str]

    def tip(self, branch: str) -> str | None:
        """Return where a branch is; None where there is none."""
        return self.refs.get(f"refs/heads/{branch}")

    def contents(self) -> dict[str, str]:
        """Map the content of each file to where it is."""
        found = {oid: path for path, oid in self.aside.items()}
        for name, place in self.places.items():
            found.update({oid: f"{name}/{path}" for path, oid in place.files.items()})
        return found


class Eyes:
    """What looks at one repository. It remembers from which blob git makes which file."""

    def __init__(self, box: Sandbox) -> None:
        self.box = box
        self._made: dict[tuple[str, str, str], bool] = {}

    def look(self) -> Sight:
        """Read everything as it is now; this changes nothing, not even an index."""
        git, root = self.box.git, self.box.path
        refs = dict(line.split(" ") for line in git("for-each-ref", "--format=%(refname) %(objectname)").splitlines())
        how = ("--objects", "--no-object-names", "--all", "--reflog", "--indexed-objects")
        objects = frozenset(git("--no-replace-objects", "rev-list", *how).split())
        places = {}
        for record in git("worktree", "list", "--porcelain", "-z").split("\0\0"):
            said = dict(line.partition(" ")[::2] for line in record.split("\0") if line)
            path = Path(said.get("worktree", "/nowhere"))
            if (path / ".git").is_file() or (path == root and path.is_dir()):
                branch = said.get("branch", "").removeprefix("refs/heads/") or None
                places[os.path.relpath(path, root)] = Place(path, branch, said.get("HEAD", ""), self._files(path))
        aside = {**_plain(root / ".git" / KEPT), **_plain(root.parent / "outside")}
        return Sight(refs, objects, places, aside)

    def _files(self, root: Path) -> dict[str, str]:
        """Map a worktree's files to their contents: raw, or the blob from which git makes that file again."""
        staged, found = self._staged(root), {}
        for directory, names, files in os.walk(root):
            links = [name for name in names if os.path.islink(os.path.join(directory, name))]
            names[:] = [name for name in names if name not in (".git", NOT_KEPT) and name not in links]
            for file in (*files, *links):
                path = Path(directory, file)
                if file not in (".git", ".worker-ctx.json"):
                    name = str(path.relative_to(root))
                    found[name] = self._content(root, path, staged.get(name, set()))
        return found

    def _content(self, root: Path, path: Path, staged: set[str]) -> str:
        raw = _hash(path)
        if path.is_symlink() or raw in staged:
            return raw
        return next((oid for oid in staged if self._makes(root, path, oid, raw)), raw)

    def _makes(self, root: Path, path: Path, oid: str, raw: str) -> bool:
        """Tell whether git makes this content of a blob. The attributes of all histories depend on suffixes alone.

        Of line endings and ident only what git stores counts: the file can be made again, with the same text.
        """
        key = (oid, path.suffix, raw)
        if key not in self._made:
            name = path.relative_to(root)
            if path.suffix in (".crlf", ".ident"):
                self._made[key] = self.box.git("hash-object", f"--path={name}", path, cwd=root) == oid
            else:
                made = self.box.run("git", "cat-file", "--filters", f"--path={name}", oid, cwd=root)
                self._made[key] = made.code == 0 and made.out.encode() == path.read_bytes()
        return self._made[key]

    def _staged(self, root: Path) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for line in self.box.git("ls-files", "--stage", "-z", cwd=root).split("\0"):
            if line:
                what, _, name = line.partition("\t")
                found.setdefault(name, set()).add(what.split()[1])
        return found


def _plain(root: Path) -> dict[str, str]:
    return {str(path): _hash(path) for path in root.rglob("*") if path.is_symlink() or path.is_file()}


def _hash(path: Path) -> str:
    data = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()


def lost(box: Sandbox, before: Sight, after: Sight) -> list[str]:
    """Name the commits and contents that could be seen before and that nothing holds afterwards.

    What a filter dropped is git's to lose when it updates a worktree that stays, as git merge and git rebase do.
    """
    gone = sorted(before.objects - after.objects)
    files = after.contents()
    lines = []
    kinds = box.run("git", "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin="\n".join(gone)).out
    for oid, kind in (line.split(" ", 1) for line in kinds.splitlines()):
        if kind == "commit" or (kind == "blob" and oid not in files):
            lines.append(f"lost {kind}: {oid}")
    stays = tuple(f"{name}/" for name in after.places)
    return lines + [
        f"lost file: {path} ({oid})"
        for oid, path in before.contents().items()
        if oid not in files and oid not in after.objects
        if not (path.endswith(".note") and path.startswith(stays))
    ]
