"""Notice that refs may have moved without running git: git changes a directory when it moves a ref in it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping

_ROOTS = ("refs/heads", "refs/remotes", "reftable")
_PACKED = "packed-refs"
_MOST = 64  # directories: a check reads all of their times, which takes 0.1 ms


class RefChanges:
    """What git changes when it moves a branch or a remote-tracking branch.

    git makes a lock file beside each ref that it writes, so the time of the directory changes, also for a ref that is
    packed. One check cannot tell two changes within the same tick of the file system's clock (4 ms) apart.

    complete: whether all directories are watched; False where there are too many
    """

    def __init__(self, common_dir: str, *others: str) -> None:
        """others: further directories to watch."""
        self._common_dir, self._others = common_dir, others
        self._seen: Mapping[str, int] = {}
        self.complete = True

    @property
    def directories(self) -> list[str]:
        """Return the directories that are watched."""
        return [path for path in self._seen if not path.endswith(_PACKED)]

    def happened(self) -> bool:
        """Return whether anything changed since the last call; True for the first."""
        if self._seen and all(_changed_at(path) == before for path, before in self._seen.items()):
            return False
        # A time is read before its directory is listed, so that what changes in between is found by the next call.
        self._seen = {path: _changed_at(path) for path in self._others}
        for path in self._walk():
            if len(self._seen) >= _MOST:
                self.complete = False
                return True
            self._seen[path] = _changed_at(path)
        self.complete = True
        return True

    def _walk(self) -> Iterator[str]:
        """Yield packed-refs and the directories of refs, the upper ones first."""
        yield os.path.join(self._common_dir, _PACKED)
        level = [os.path.join(self._common_dir, root) for root in _ROOTS]
        while level:
            yield from level
            level = [path for above in level for path in _folders(above)]


def _folders(path: str) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []


def _changed_at(path: str) -> int:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return 0
