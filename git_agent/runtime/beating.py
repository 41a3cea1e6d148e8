"""Renew a worker's lease while a process lives."""

from __future__ import annotations

import random
import time

from git_agent.actions.liveness.heartbeat import heartbeat
from git_agent.app import App
from git_agent.domain.task import Task
from git_agent.errors import AgentError
from git_agent.proc import processes


def beat_while(app: App, task: Task, pid: int) -> Task:
    """Beat every agent.beat seconds, with 10 % jitter, until a process ends.

    pid: the process
    Returns the task as it was at the last beat.
    Raises AgentError: exit 1 when there is no such process, exit 5 when the worker is superseded.
    """
    watched = processes.describe(pid)
    if watched is None:
        raise AgentError("no-process", f"there is no process {pid}", "give the pid of a running process")
    pause = app.config.seconds("agent.beat")
    while not processes.is_gone(watched):
        task = heartbeat(app, task)
        until = time.monotonic() + pause * random.uniform(0.9, 1.1)
        while (left := until - time.monotonic()) > 0 and not processes.is_gone(watched):
            processes.await_end(pid, left)
    return task
