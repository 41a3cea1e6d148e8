"""What a removal kept in one directory of the store."""

from __future__ import annotations

import os
from collections.abc import Iterator


def kept_files(directory: str) -> Iterator[str]:
    """Yield the paths of files and symbolic links below a directory; links, to directories, too, are not followed."""
    for at, directories, files in os.walk(directory):
        links = (name for name in directories if os.path.islink(os.path.join(at, name)))
        yield from (os.path.join(at, name) for name in (*files, *links))
