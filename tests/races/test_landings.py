"""Several land in one checkout at once: one does, the others hear that the base moved, and the checkout is whole."""

from __future__ import annotations

import json

import pytest

from tests.sandbox import Sandbox
from tests.store.children import answer

LANDING = """
from git_agent.git.merging.land import land_commit
from git_agent.git import refs
from git_agent.git.repo import Repo

old, commits = sys.argv[2], sys.argv[3:]
def work(number):
    os.chdir(sys.argv[1])
    try:
        land_commit(Repo.open(), "main", commits[number], old, "race")
        return "landed"
    except refs.RefMoved:
        return "moved"
    except AgentError as error:
        return [error.code, error.message, *error.details]
say(json.dumps(at_once(len(commits), work)))
"""


@pytest.mark.timeout(100)
def test_of_six_landings_in_one_checkout_one_lands_and_nothing_of_the_others_is_left(repo: Sandbox) -> None:
    for turn in range(6):
        old = repo.git("rev-parse", "main")
        commits = []
        for number in range(6):
            repo.git("switch", "--quiet", "--detach", old)
            for file in range(30):  # enough to write that one is still writing when another begins
                repo.write(f"turn-{turn}/by-{number}/{file}.txt", f"{file}\n" * 50)
            repo.git("add", "--all")
            repo.git("commit", "--quiet", "--message", f"Turn {turn}, {number}")
            commits.append(repo.git("rev-parse", "HEAD"))
        repo.git("switch", "--quiet", "main")
        results = answer(LANDING, repo.path, old, *commits)
        assert sorted(map(json.dumps, results)) == ['"landed"'] + ['"moved"'] * 5, (turn, results)
        assert repo.git("rev-parse", "main") == commits[results.index("landed")], turn
        assert repo.git("status", "--porcelain") == "", turn
