"""Programs that configuration and attributes name: what only reads starts none of them, what writes only git's own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.sandbox import Sandbox

PROGRAMS = {
    "core.fsmonitor": "fsmonitor",
    "diff.external": "external-diff",
    "diff.any.command": "external-diff",
    "diff.any.textconv": "textconv",
    "filter.any.clean": "clean",
    "filter.any.smudge": "smudge",
    "merge.any.driver": "merge-driver",
    "core.pager": "pager",
    "pager.log": "pager",
    "pager.config": "pager",
    "pager.for-each-ref": "pager",
    "pager.diff": "pager",
    "core.editor": "editor",
    "sequence.editor": "editor",
    "gpg.program": "gpg",
    "core.askPass": "askpass",
    "credential.helper": "credential",
    "core.sshCommand": "ssh",
    "core.gitProxy": "proxy",
    "core.alternateRefsCommand": "alternates",
    "interactive.diffFilter": "diff-filter",
    "alias.status": "!alias",
    "alias.done": "!alias",
    "alias.rev-parse": "!alias",
}
SETTINGS = {
    "log.showSignature": "true",
    "color.ui": "always",
    "merge.verifySignatures": "false",
    "diff.noprefix": "true",
}
HOOKS = ("post-checkout", "post-index-change", "reference-transaction", "post-commit", "commit-msg", "post-merge")
HOOKS += ("pre-commit", "prepare-commit-msg", "pre-auto-gc", "pre-rebase", "post-rewrite", "pre-merge-commit")
ENVIRONMENT = {"GIT_EXTERNAL_DIFF": "env-diff", "GIT_PAGER": "pager", "PAGER": "pager", "GIT_ASKPASS": "askpass"}
ENVIRONMENT |= {"SSH_ASKPASS": "askpass", "GIT_EDITOR": "editor", "GIT_SEQUENCE_EDITOR": "editor"}
SIGNATURE = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\n"


class Hostile:
    """A repository in which each program that git could be told to start leaves a mark of its name."""

    def __init__(self, repo: Sandbox, at: Path) -> None:
        self.repo, self.marks, self._at = repo, at / "marks", at
        self.marks.mkdir()
        self.env = {name: self._program(mark) for name, mark in ENVIRONMENT.items()}

    def plant(self) -> None:
        """Configure all of them."""
        common = self.repo.path / ".git"
        (common / "info" / "attributes").write_text("* filter=any diff=any merge=any\n")
        lines = [f'{_section(key)} = "{self._program(mark)}"' for key, mark in PROGRAMS.items()]
        lines += [f"{_section(key)} = {value}" for key, value in SETTINGS.items()]
        for name in HOOKS:
            Path(self._program(f"hook-{name}")).rename(self._at / name)
        lines.append(f'{_section("core.hooksPath")} = "{self._at}"')
        with (common / "config").open("a") as file:
            file.write("\n".join(lines) + "\n")

    def agent(self, *args: str) -> set[str]:
        """Run a verb; return the names of the programs that it had started."""
        for mark in self.marks.iterdir():
            mark.unlink()
        self.repo.agent(*args, env=self.env)
        return {mark.name for mark in self.marks.iterdir()}

    def _program(self, mark: str) -> str:
        shell, name = mark.startswith("!"), mark.removeprefix("!")
        path = self._at / name
        path.write_text(
            f'#!/bin/sh\n: >"{self.marks}/{name}"\ncase $0 in *clean|*smudge) cat ;; *textconv) cat "$1" ;; esac\n'
        )
        path.chmod(0o755)
        return f"{'!' if shell else ''}{path}"


def _section(key: str) -> str:
    section, _, name = key.rpartition(".")
    first, _, second = section.partition(".")
    return f'[{first} "{second}"]\n\t{name}' if second else f"[{first}]\n\t{name}"


@pytest.fixture
def hostile(repo: Sandbox, tmp_path: Path) -> Hostile:
    """One task in review, one at work in a dirty worktree, one open; base and branches are signed merges."""
    made = Hostile(repo, tmp_path)
    for number in (1, 2):
        where = Path(repo.agent("spawn", f"Task {number}").out.strip())
        repo.commit(where, "docs/guide.md", f"{number}\n")
        _sign(repo, where)
    repo.agent("done", "2")
    repo.agent("add", "Task 3")
    repo.write("docs/new.md", "not committed\n", cwd=where.with_name("1-task-1"))
    repo.commit(None, "base.txt", "base\n")
    _sign(repo, repo.path)
    repo.agent("sync")
    made.plant()
    repo.agent("hooks")  # is told once where hooks are
    return made


def _sign(repo: Sandbox, where: Path) -> None:
    head = repo.git("cat-file", "commit", "HEAD", cwd=where).replace("\n\n", "\n" + SIGNATURE, 1) + "\n"
    oid = repo.run("git", "hash-object", "-w", "-t", "commit", "--stdin", cwd=where, stdin=head).out.strip()
    repo.git("update-ref", "HEAD", oid, cwd=where)


READERS = """status; status 1; list --all; show 1; show 2; log; log 2 --since 1w; path 1; ready --why; stats; ps; inbox
prime 1; config; hooks; sync; diff 2 --json; diff 2 --stat --json; tail topic; clean -n; show 2 --json; status --json"""


@pytest.mark.rest
def test_what_reads_starts_no_program(hostile: Hostile) -> None:
    started = {line: hostile.agent(*line.split()) for line in re.split(r"[;\n] *", READERS)}
    assert {line: marks for line, marks in started.items() if marks} == {}
    assert "\x1b" not in hostile.repo.agent_json("diff", "2")["diff"]


def test_a_signed_commit_that_names_a_task_is_read_and_not_verified(hostile: Hostile) -> None:
    repo = hostile.repo
    repo.commit(None, "docs/guide.md", "2, edited\n", "Take it over\n\nAgent-Task: 2")
    _sign(repo, repo.path)
    assert hostile.agent("sync") == set()
    assert (repo.tasks()[2]["state"], repo.tasks()[2]["merged_by"]) == ("COMPLETED", "squash")


WRITING = {"smudge", *(f"hook-{name}" for name in ("post-checkout", "post-index-change", "reference-transaction"))}


@pytest.mark.rest
def test_what_writes_starts_only_what_git_does_for_such_a_change(hostile: Hostile) -> None:
    assert hostile.agent("spawn", "Task 4") == WRITING
    assert hostile.agent("ask", "What?", "--task", "1") == set()
    assert hostile.agent("approve", "2") == set()
    merging = hostile.agent("merge", "2")
    # `clean` where git asks whether a file that was touched has changed.
    of_merge = {f"hook-{name}" for name in ("pre-merge-commit", "prepare-commit-msg", "commit-msg", "post-merge")}
    assert merging - WRITING - {"clean"} == of_merge, merging
    assert hostile.agent("cancel", "1") == set()
    removing = hostile.agent("rm", "1", "--force", "--unmerged")
    assert removing <= {"clean", "hook-reference-transaction", "hook-post-index-change"}, removing
