"""What is new on a base since the last check."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property

from git_agent.git import history
from git_agent.git.repo import Repo
from git_agent.record import Record

TRAILER = "Agent-Task"
# How many commits of the base's line are searched for a squash that was edited since; merge-tree takes 1 to 3 ms each.
WALK = 50
# How many new commits of a base are compared with a branch; beyond that only ancestry, trailers and the tip count.
PATCHES = 500
MESSAGES = 5000  # new commits whose messages and trailers are read: 20 us each (measured)
Paths = Mapping[str, str]


class CommitMessage(Record):
    """A commit's message. tasks: the values of its trailers that name tasks, separated by commas."""

    oid: str
    tasks: str
    text: str


class Movement(Record):
    """What is new on one base, shared by all tasks that are examined together; git is asked each question once.

    old: the base's commit at the last check, a full oid. It may be None (never checked), no ancestor of new (the base
        was rewritten), or new itself: then only ancestry can tell.
    new: the base's commit now, a full oid.
    tips: returns the full oids that tasks' branches have been at, as far as they are known; some may be missing.
    """

    repo: Repo
    old: str | None
    new: str
    tips: Callable[[], Collection[str]] = tuple

    @cached_property
    def _digests(self) -> dict[str, str | None]:
        return {}

    @cached_property
    def span(self) -> tuple[str, ...]:
        """Return the revisions that select the new commits."""
        return (self.new, f"^{self.old}") if self.knows_old else (self.new,)

    @cached_property
    def knows_old(self) -> bool:
        """Tell whether the repository has the old commit."""
        return self.old is not None and self.repo.resolve(self.old) is not None

    @cached_property
    def rewritten(self) -> bool:
        """Tell whether the base no longer contains the old commit."""
        known = self.old not in (None, self.new) and self.knows_old
        return known and not self.repo.is_ancestor(self.old or "", self.new)

    @cached_property
    def line(self) -> dict[str, Paths]:
        """Return the newest new commits on the base's own line, newest first, with the paths that each changes."""
        how = ("--first-parent", "--diff-merges=first-parent")
        return dict(history.changed_by_commit(self.repo.git, *how, f"--max-count={WALK}", *self.span))

    @cached_property
    def changed(self) -> dict[str, Paths]:
        """Return the newest new commits without merges, newest first, with the paths that each changes."""
        return dict(history.changed_by_commit(self.repo.git, "--no-merges", f"--max-count={PATCHES}", *self.span))

    @cached_property
    def touched(self) -> frozenset[str]:
        """Return the paths that the new commits change."""
        return frozenset(path for part in (self.line, self.changed) for paths in part.values() for path in paths)

    @cached_property
    def said(self) -> dict[int, list[str]]:
        """Map tasks to the new commits whose trailers name them, newest first."""
        found: dict[int, list[str]] = {}
        for each in self.messages:
            for name in each.tasks.split(","):
                if re.fullmatch(r"[0-9]{1,18}", name.strip()):
                    found.setdefault(int(name), []).append(each.oid)
        return found

    @cached_property
    def authored(self) -> frozenset[str]:
        """Return the commits with a trailer that came from tasks' branches, themselves or as copies.

        A worker wrote their messages, so that their trailers prove nothing. A copy (rebased, picked) has the same
        change as a commit of a branch; so does the squash that a forge makes, with the messages of all commits.
        """
        tips = sorted(history.present(self.repo.git, self.tips()))
        said = {oid for oids in self.said.values() for oid in oids}
        if not tips or not said:
            return frozenset()
        known = [f"^{oid}" for oid in history.present(self.repo.git, [self.old] if self.old else [])]
        walk = "\n".join([*tips, *known]).encode()
        there = set(self.repo.git("rev-list", "--ignore-missing", "--stdin", stdin=walk).text.split())
        return frozenset(said & there) | self._copies(said - there, tips)

    def _copies(self, said: Collection[str], tips: Sequence[str]) -> frozenset[str]:
        """Return those of the commits that have the change of a commit, or of the whole, of a branch."""
        if not said:
            return frozenset()
        walk = "\n".join([*tips, f"^{self.new}"]).encode()
        how = ("--no-merges", f"--max-count={MESSAGES}", "--ignore-missing", "--stdin")
        own = self.repo.git("rev-list", *how, stdin=walk).text.split()
        starts = {tip: self.repo.merge_base(self.new, tip) for tip in tips if tip in own}
        wholes = history.patches(self.repo.git, [f"{tip} {start}" for tip, start in starts.items() if start])
        changes = {*wholes.values(), *history.patches(self.repo.git, own).values()}
        return frozenset(oid for oid, digest in self.digests([*said]).items() if digest in changes)

    @cached_property
    def trees(self) -> dict[str, str]:
        """Return the trees of the commits on the line."""
        names = (f"{oid}^{{tree}}" for oid in self.line)
        return dict(zip(self.line, self.repo.git("rev-parse", *names).text.split(), strict=True))

    @cached_property
    def drivers(self) -> tuple[str, ...]:
        """Return options that make every merge driver fail: one that keeps our side would hide unmerged work."""
        done = self.repo.git("config", "--null", "--name-only", "--get-regexp", r"^merge\..*\.driver$", ok=(0, 1))
        return tuple(word for name in done.fields if name for word in ("-c", f"{name}=false"))

    def digests(self, oids: Sequence[str]) -> dict[str, str | None]:
        """Return history.patches of commits with one parent; None for one that changes nothing."""
        lacking = [oid for oid in oids if oid not in self._digests]
        found = history.patches(self.repo.git, lacking)
        self._digests.update((oid, found.get(oid)) for oid in lacking)
        return {oid: self._digests[oid] for oid in oids}

    def names(self, oid: str) -> bool:
        """Tell whether a new commit's message names a commit whose work it took over: by a squash or cherry-pick -x."""
        return any(oid in text for text in self._named)

    @cached_property
    def _named(self) -> list[str]:
        texts = (each.text for each in self.messages)
        return [text for text in texts if "commit " in text.lower() and "This reverts commit" not in text]

    @cached_property
    def messages(self) -> list[CommitMessage]:
        """Return the messages of the newest new commits, newest first."""
        shape = f"%H%x00%(trailers:key={TRAILER},valueonly,unfold,separator=%x2C)%x00%B"
        how = ("-z", "--no-show-signature", "--no-color", "--encoding=UTF-8", f"--format={shape}")
        done = self.repo.git("-c", "trailer.separators=:", "log", *how, f"--max-count={MESSAGES}", *self.span, "--")
        fields = done.fields if done.out else []
        return [CommitMessage(*fields[at : at + 3]) for at in range(0, len(fields) - 2, 3)]
