"""What would be so if some operations were undone already: for a look at those that they stand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from git_agent.domain.operation import CANCELLED, MERGED, REMOVED, Operation


@dataclass(frozen=True, slots=True)
class Assumed:
    """operations: names of those that count as undone; bases: oids of the bases that would have moved; heads: oids of
    branches that would be there again; tasks: ids of those that would be unfinished again.
    """

    operations: frozenset[str] = frozenset()
    bases: Mapping[str, str] = field(default_factory=dict)
    heads: Mapping[str, str] = field(default_factory=dict)
    tasks: frozenset[int | None] = frozenset()

    def then(self, operation: Operation) -> Assumed:
        """Count one more operation as undone."""
        bases, heads = dict(self.bases), dict(self.heads)
        for event in operation.events:
            if event.kind == MERGED:
                bases[event.data["base"]] = event.data["old"]
            elif event.kind == REMOVED:
                heads |= {gone["branch"]: gone["tip"] for gone in event.data["gone"] if gone["tip"]}
        again = {event.task for event in operation.events if event.kind in (CANCELLED, MERGED)}
        return Assumed(self.operations | {operation.name}, bases, heads, self.tasks | again)
