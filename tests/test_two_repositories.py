"""Two repositories in one process: their Apps, and the threads that use them, never see each other's rows."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from git_agent.actions.tasks.create import add
from git_agent.app import App
from git_agent.domain.spec import TaskSpec
from git_agent.git.repo import Repo
from tests.sandbox import Sandbox, copied

TASKS = 40


def _app(sandbox: Sandbox) -> App:
    sandbox.agent("init", "--no-hooks")
    app = App(env=dict(os.environ))
    app.repo = Repo.open(str(sandbox.path))
    return app


def _write(app: App, word: str, failures: list[BaseException]) -> None:
    try:
        for number in range(TASKS):
            add(app, TaskSpec(title=f"{word} {number}"))
        app.close()
    except BaseException as error:
        failures.append(error)


def test_apps_on_two_repositories_in_two_threads_never_see_each_others_rows(repo: Sandbox, tmp_path: Path) -> None:
    other = Sandbox(copied(repo.path, tmp_path / "other"))
    apps = {"Apple": _app(repo), "Pear": _app(other)}
    failures: list[BaseException] = []
    threads = [threading.Thread(target=_write, args=(app, word, failures)) for word, app in apps.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for word, app in apps.items():
        assert sorted(task.title for task in app.store.tasks.listing()) == sorted(f"{word} {n}" for n in range(TASKS))
        assert [event.task for event in app.store.events.of_task(None)] == list(range(1, TASKS + 1))
        assert app.store.events.take_news() and not app.store.events.take_news()
        app.close()
