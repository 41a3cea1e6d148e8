"""Read a repository: where it is, its refs, its history, the state of its worktrees."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from git_agent.git import discover, history, worktree_state
from git_agent.git.history import Commit
from git_agent.git.place import Checkout, own_hooks, require_found, require_place
from git_agent.git.run import REAL_OBJECTS, Done, GitError, git, start_git
from git_agent.git.shallow import Shallow
from git_agent.git.worktree_state import StatusEntry
from git_agent.record import Record

HEADS = "refs/heads/"
REMOTES = "refs/remotes/"
FORKS = "refs/git-agent/fork/"
HANDED_IN = "refs/git-agent/handed-in/"
_REF_FORMAT = "--format=%(objectname) %(refname)"
_HEAD_FORMAT = "%00".join(["%(refname)", "%(objectname)", "%(worktreepath)", "%(upstream)", "%(upstream:track)", ""])


class Head(Record):
    """One local branch.

    branch: its name, without refs/heads/.
    oid: its tip.
    worktree: the worktree it is checked out in, None when in none.
    upstream: the full name of its upstream ref, None without one.
    track: how far it is from its upstream: "", "[gone]", "[ahead 1]", "[behind 2]" or "[ahead 1, behind 2]".
    """

    branch: str
    oid: str
    worktree: str | None
    upstream: str | None
    track: str


class Tips(Record):
    """Where branches point.

    heads: the oid of each local branch, by name.
    remotes: the oid of each remote-tracking branch, by full ref name.
    forks: by the number of the task, the fork point of each branch whose base does not contain it.
    handed_in: by the number of the task, the commit that was handed in or approved last.
    """

    heads: dict[str, str]
    remotes: dict[str, str]
    forks: dict[int, str]
    handed_in: dict[int, str]

    @cached_property
    def arrived(self) -> dict[str, str]:
        """Map commits that are the tip of a remote-tracking branch to that branch's full ref name."""
        return {oid: ref for ref, oid in self.remotes.items()}

    def on_remotes(self, branch: str) -> list[str]:
        """Return where a branch is on each remote, as far as remote-tracking branches show it."""
        return [oid for ref, oid in self.remotes.items() if ref.split("/", 3)[3:] == [branch]]


class Repo(Record):
    """A repository as seen from the directory it was opened in.

    common_dir: absolute path of the common git directory.
    git_dir: absolute path of the git directory: the common one, or that of the linked worktree.
    worktree: top level of the current worktree; None in a bare repository or inside .git.
    main_worktree: top level of the main worktree; None when bare, or when git itself can't tell (--separate-git-dir
        seen from a linked worktree).
    bare: whether it is bare.
    """

    common_dir: str
    git_dir: str
    worktree: str | None
    main_worktree: str | None
    bare: bool

    @classmethod
    def open(cls, path: str | None = None) -> Repo:
        """Find the repository of a path, honouring the caller's GIT_DIR.

        path: a directory; None: the current one.
        Raises AgentError not-a-repository, unsafe-repository with git's own hint, or worktree-not-ours (exit 3) in a
        worktree whose .git was replaced.
        """
        found = discover.discover(path)
        require_found(found.common_dir, found.git_dir, found.worktree)
        return cls(found.common_dir, found.git_dir, found.worktree, found.main_worktree, found.bare)

    @cached_property
    def shallow(self) -> Shallow:
        """Return the shallow file, which may hide history."""
        return Shallow(self.common_dir)

    @property
    def real_objects(self) -> dict[str, str]:
        """Return the variables with which other programs' git sees the objects and the history that our git sees."""
        return {**REAL_OBJECTS, **self.shallow.environment()}

    def git(self, *args: str, **kw: Any) -> Done:
        """Run git on the repository itself, in no worktree; the current directory does not matter and may be gone."""
        env = {**self.shallow.environment(), **(kw.pop("env", None) or {})}
        return git(*args, git_dir=self.common_dir, env=env, **{"cwd": self.common_dir, **kw})

    def start(self, *args: str, **kw: Any) -> Callable[[], Done]:
        """Start git as git() does; return a function that waits for it."""
        env = self.shallow.environment()
        return start_git(*args, git_dir=self.common_dir, env=env, **{"cwd": self.common_dir, **kw})

    def checkout(self, worktree: str) -> Checkout:
        """Return a worktree of this repository in which git may run.

        worktree: its top level.
        Raises AgentError (exit 3) worktree-not-ours where git would work on another repository, or as its own
        configuration says.
        """
        require_place(self.common_dir, self.main_worktree, worktree)
        main = self.main_worktree or self.common_dir
        hooks = None if worktree == main else lambda path: own_hooks(self._hooks_path, main, path)
        return Checkout(worktree, env=self.shallow.environment(), hooks=hooks)

    @cached_property
    def _hooks_path(self) -> str | None:
        return self.config("core.hooksPath", kind="path")

    def git_in(self, worktree: str, *args: str, **kw: Any) -> Done:
        """Run git in a worktree. Raises what checkout() and git() raise."""
        return self.checkout(worktree).git(*args, **kw)

    @property
    def remotes_from(self) -> str:
        """Return the directory against which git resolves a remote's relative path when a person pushes or fetches."""
        top = self.main_worktree
        return top if top and os.path.isdir(top) else self.common_dir

    @property
    def name(self) -> str:
        """Return the name of the repository's directory, without `.git`."""
        if self.main_worktree:
            return os.path.basename(self.main_worktree) or "repository"
        base = os.path.basename(self.common_dir)
        if base in (".git", ".bare"):
            base = os.path.basename(os.path.dirname(self.common_dir))
        return base.removesuffix(".git") or "repository"

    @property
    def admin(self) -> str | None:
        """Return the name under worktrees/ of the current linked worktree, None when not in one."""
        inside = discover.is_admin_dir(self.common_dir, self.git_dir)
        return os.path.basename(self.git_dir) if inside else None

    def admin_dir(self, admin: str) -> str:
        """Return the git directory of a linked worktree, existing or not.

        admin: the worktree's name under worktrees/; "" for the directory of all of them.
        """
        return discover.admin_dir(self.common_dir, admin)

    def resolve(self, rev: str) -> str | None:
        """Return the full oid of the commit that rev names, None when it names none."""
        done = self.git("rev-parse", "--verify", "--quiet", "--end-of-options", rev + "^{commit}", ok=(0, 1, 128))
        return done.text if done.status == 0 else None

    def branch_oid(self, branch: str) -> str | None:
        """Return the oid of a local branch's tip, None when there is no such branch."""
        return self.resolve(HEADS + branch)

    def heads(self) -> dict[str, Head]:
        """Return every local branch by name, with one for-each-ref."""
        return self._heads(HEADS)

    def head(self, branch: str) -> Head | None:
        """Return one local branch, None when there is none."""
        return self._heads(HEADS + branch).get(branch)

    def _heads(self, pattern: str) -> dict[str, Head]:
        fields = self.git("for-each-ref", f"--format={_HEAD_FORMAT}", pattern).text.split("\0")
        rows = (fields[at : at + 5] for at in range(0, len(fields) - 4, 5))
        found = (
            Head(ref.removeprefix("\n")[len(HEADS) :], oid, tree or None, up or None, track)
            for ref, oid, tree, up, track in rows
        )
        return {head.branch: head for head in found}

    def tips(self) -> dict[str, str]:
        """Return the oid of every local branch by name. Cheaper than heads(), which makes git read every worktree."""
        return {ref[len(HEADS) :]: oid for ref, oid in self.refs(HEADS).items()}

    def start_tips(self) -> Callable[[], Tips]:
        """Start one for-each-ref for all branches; return a function that waits for the answer."""
        asked = self.start("for-each-ref", _REF_FORMAT, HEADS, REMOTES, FORKS, HANDED_IN)
        return lambda: _tips(_refs(asked()))

    def refs(self, *prefixes: str) -> dict[str, str]:
        """Map the full names of all refs under any of the prefixes, such as "refs/remotes/", to their oids."""
        return _refs(self.git("for-each-ref", _REF_FORMAT, *prefixes))

    def current_branch(self) -> str | None:
        """Return the branch of the main worktree's HEAD (or of the bare repository), None when detached."""
        if (branch := discover.head_branch(self.common_dir)) is not None:
            return branch
        done = self.git("symbolic-ref", "--quiet", "HEAD", ok=(0, 1))
        return done.text.removeprefix(HEADS) if done.text.startswith(HEADS) else None

    def has_commits(self) -> bool:
        """Tell whether any branch, or HEAD, has a commit."""
        return (
            bool(self.git("for-each-ref", "--count=1", "--format=%(refname)", HEADS).out)
            or self.resolve("HEAD") is not None
        )

    def is_ancestor(self, a: str, b: str) -> bool:
        """Tell whether commit a (full oid) is b or an ancestor of b."""
        return self.git("merge-base", "--is-ancestor", "--end-of-options", a, b, ok=(0, 1)).status == 0

    def merge_base(self, a: str, b: str) -> str | None:
        """Return the best common ancestor of two commits (full oids), None when they have none."""
        done = self.git("merge-base", "--end-of-options", a, b, ok=(0, 1))
        return done.text.partition("\n")[0] or None

    def ahead_behind(self, tip: str, base: str) -> tuple[int, int]:
        """Count the commits of tip (full oid) that base lacks, and of base that tip lacks."""
        return history.ahead_behind(self.git, tip, base)

    def ahead_behind_many(self, pairs: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
        """Return ahead_behind of many (tip, base) pairs of full oids, keyed by the pair."""
        return history.ahead_behind_many(self.git, self.common_dir, pairs)

    def commits(self, base: str, tip: str, limit: int = 100) -> list[Commit]:
        """List the commits of tip that base lacks (full oids), newest first, at most limit."""
        return history.commits(self.git, base, tip, limit)

    def identity(self) -> str:
        """Return "Name <email>" of the committer as git resolves it, else the login name."""
        return self._identity

    @cached_property
    def _identity(self) -> str:
        try:
            said = git("var", "GIT_COMMITTER_IDENT", git_dir=self.common_dir, cwd=self.common_dir).text
        except GitError:
            return discover.login()
        return said.rsplit(" ", 2)[0]

    def in_progress(self, worktree: str) -> str | None:
        """Name the operation in progress in a worktree: rebase, am, merge, cherry-pick, revert or bisect; else None."""
        return worktree_state.in_progress(worktree)

    def rebasing(self, branch: str) -> str | None:
        """Return the worktree in which a branch is being rebased or bisected, None when there is none."""
        return worktree_state.rebasing(self.common_dir, self.main_worktree or self.common_dir, branch)

    def status(self, worktree: str, ignored: bool = False) -> list[StatusEntry]:
        """List what differs from HEAD in a worktree, including untracked files.

        ignored: list ignored files, too.
        """
        return worktree_state.read_status(self.checkout(worktree), ignored)

    def tracked(self, worktree: str, path: str) -> bool:
        """Tell whether a path (relative to worktree) is in the index, or is a directory with files that are."""
        return bool(self.git_in(worktree, "--literal-pathspecs", "ls-files", "-z", "--", path).out)

    def ignored(self, worktree: str, paths: Sequence[str]) -> set[str]:
        """Return the paths (relative to worktree) that git ignores there."""
        return worktree_state.ignored_paths(self.checkout(worktree), paths)

    def config(self, key: str, *, kind: str = "", env: Mapping[str, str] | None = None) -> str | None:
        """Return one effective setting of git, None when unset.

        key: such as merge.ff.
        kind: a type of git config: with "bool" the answer is "true" or "false".
        env: environment variables to add.
        """
        how = (f"--type={kind}",) if kind else ()
        done = self.git("config", "--null", *how, "--get", key, ok=(0, 1), env=env)
        return done.fields[-1] if done.status == 0 else None


def _tips(refs: dict[str, str]) -> Tips:
    heads = {ref[len(HEADS) :]: oid for ref, oid in refs.items() if ref.startswith(HEADS)}
    remotes = {ref: oid for ref, oid in refs.items() if ref.startswith(REMOTES)}
    return Tips(heads, remotes, _numbered(refs, FORKS), _numbered(refs, HANDED_IN))


def _numbered(refs: dict[str, str], prefix: str) -> dict[int, str]:
    """Map the numbers of tasks to their refs under a prefix; refs with other names are somebody else's."""
    named = {ref[len(prefix) :]: oid for ref, oid in refs.items() if ref.startswith(prefix)}
    return {int(number): oid for number, oid in named.items() if number.isdecimal()}


def _refs(listed: Done) -> dict[str, str]:
    return {ref: oid for oid, _, ref in (line.partition(" ") for line in listed.text.split("\n") if line)}
