"""What `make test` runs, and what it leaves to `make test-rest`: together they are all of the tests.

The sample has every test function but those marked `rest`. Of a function that is run with many arguments and needs a
repository, it has the first variant: 1,200 such functions with 2,700 variants took four fifths of the time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import pytest

_REPOSITORY = "template"  # the fixture that all others with a repository take; without one, a test takes milliseconds


def left_out(items: Iterable[pytest.Item]) -> set[str]:
    """Return the ids of the tests that are not in the sample."""
    functions = defaultdict[str, list[pytest.Item]](list)
    for item in items:
        functions[item.nodeid.partition("[")[0]].append(item)
    return {
        item.nodeid
        for variants in functions.values()
        for number, item in enumerate(variants)
        if item.get_closest_marker("rest") or (number > 0 and _REPOSITORY in getattr(item, "fixturenames", ()))
    }
