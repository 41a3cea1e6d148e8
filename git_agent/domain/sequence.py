"""In which order branches are merged so that they clash least."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from git_agent.domain.task import Task


def sequence(
    waiting: Iterable[Task], parents: Mapping[int, Iterable[int]], clashes: Iterable[frozenset[int]]
) -> list[Task]:
    """Put tasks in the order to merge them: what others wait for, then by priority, then what clashes least first.

    parents: the tasks that each one waits for; clashes: pairs of ids. Fewest clashes with what is left: so one branch
    that clashes with many gives way to all of them, and is brought up to date once.
    """
    against: dict[int, set[int]] = {}
    for pair in clashes:
        for one in pair:
            against.setdefault(one, set()).update(pair - {one})
    left = {t.id: t for t in waiting}
    order: list[Task] = []
    while left:
        free = [t for t in left.values() if not left.keys() & set(parents.get(t.id, ()))] or list(left.values())
        chosen = min(free, key=lambda t: (t.priority, len(against.get(t.id, set()) & left.keys()), t.id))
        order.append(left.pop(chosen.id))
    return order
