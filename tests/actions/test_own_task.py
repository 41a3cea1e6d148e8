"""A worker does not review its own task, whatever it points git at; what it tried stands in the events."""

from __future__ import annotations

from pathlib import Path

from tests.sandbox import Sandbox


def test_who_stands_in_a_worktree_is_its_worker_wherever_git_is_pointed(repo: Sandbox, tmp_path: Path) -> None:
    own, other = (Path(repo.agent("spawn", title, "--name", title).out.strip()) for title in ("own", "other"))
    repo.commit(own, "login.txt", "login\n")
    repo.agent("done", "1")
    repo.write(".git/info/exclude", "deep/\n")
    (own / "deep").mkdir()
    repo.git("init", "--quiet", "deep/nested", cwd=own)
    (tmp_path / "link").symlink_to(own)
    common, somebody = repo.path / ".git", {"GIT_AUTHOR_NAME": "Somebody", "GIT_COMMITTER_NAME": "Somebody"}
    pointed = {"GIT_DIR": str(common), "GIT_WORK_TREE": str(repo.path)}
    tries: list[tuple[Path, dict[str, str]]] = [
        (own / "deep", somebody),
        (tmp_path / "link", {}),
        (own, {"GIT_DIR": str(common)}),
        (own, pointed),
        (own, {"GIT_DIR": str(common / "worktrees" / "2-other")}),
        (own / "deep" / "nested", pointed),
        (common / "worktrees" / "1-own", {}),
        (repo.path, {"GIT_DIR": str(common / "worktrees" / "1-own")}),
        (repo.path, {"GIT_AGENT_TASK": "01", "GIT_AGENT_ACTOR": "Somebody"}),
    ]
    for where, env in tries:
        for verb in (("approve", "1"), ("request-changes", "1", "-m", "no")):
            refused = repo.agent(*verb, cwd=where, env=env, exit=None)
            assert (refused.code, "you are its worker" in refused.err) == (3, True), (where, env, refused)
    assert (repo.tasks()[1]["state"], repo.tasks()[1]["reviewed_oid"]) == ("IN_REVIEW", None)
    events = [line for line in repo.agent("log", "1").out.splitlines() if "task.refused" in line]
    assert len(events) == 2 * len(tries), events
    repo.git("config", "agent.workersReview", "true")
    repo.agent("approve", "1", cwd=other, env={"GIT_AGENT_TASK": "7" * 30})
