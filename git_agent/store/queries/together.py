"""Queries that are run together, as one statement: each question to a database elsewhere takes a round trip."""

from __future__ import annotations

from git_agent.store.queries import attempts, events, leases, processes, tasks

BEFORE_EACH_COMMAND = (
    processes.INTENTS,
    processes.META_OF_EACH_COMMAND,
    tasks.SIGHTS,
    tasks.STACKED_ON_MERGED,
    attempts.STANDING_ATTEMPTS,
    leases.LEASE_SUMMARY,
)
"""What reconciling reads when nothing has happened."""

OF_VIEWS = (tasks.PARENTS, tasks.BLOCKERS, tasks.PATHS, leases.LEASES, events.UNREAD)
"""What belongs to tasks that are shown."""

OF_STATUS = (
    *OF_VIEWS,
    tasks.NUMBER_OF_TASKS_BY_STATE,
    processes.UNENDED_SESSIONS,
    events.MAIL_OF_PEOPLE,
    events.UNACKNOWLEDGED,
)
"""What a summary of all tasks shows beside them."""

OF_ONE_TASK = (
    *OF_VIEWS,
    attempts.PRESENT_ATTEMPTS,
    events.NEWEST_EVENTS_OF_TASK,
    events.EVENTS_THAT_MAY_HAVE_EVIDENCE,
    processes.UNENDED_SESSIONS_OF_TASK,
)
"""What is shown of one task."""
