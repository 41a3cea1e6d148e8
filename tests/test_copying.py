"""What is put back is as the copy of it, whatever was done to it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tests.copying import copied, put_back


def look(root: Path) -> dict[str, object]:
    """Return kind, mode, times and content of everything in a directory."""
    found: dict[str, object] = {}
    for path in (root, *sorted(root.rglob("*"))):
        held = path.lstat()
        text = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        when = 0 if path.is_symlink() else held.st_mtime_ns
        found[str(path.relative_to(root))] = (stat.filemode(held.st_mode), when, text)
    return found


def change(made: Path) -> None:
    """Change files, kinds, modes and directories."""
    (made / "a").write_text("A")  # as long as it was
    (made / "d/b").chmod(0o600)
    (made / "d/c").unlink()
    (made / "gone/x").unlink()
    (made / "gone").rmdir()
    (made / "file").unlink()
    (made / "file").mkdir()
    (made / "file/deep").write_text("new")
    (made / "e/f/g").unlink()
    (made / "e/f").rmdir()
    (made / "e/f").symlink_to("../d")
    (made / "objects/12/34").unlink()
    (made / "objects/56").mkdir()
    (made / "link").unlink()
    (made / "link").symlink_to("a")
    (made / "empty/now").write_text("not")
    (made / "d").chmod(0o500)


def test_what_is_put_back_is_as_it_was(tmp_path: Path) -> None:
    made, kept = tmp_path / "made", tmp_path / "kept"
    for name in ("a", "d/b", "d/c", "gone/x", "objects/12/34", "file", "e/f/g"):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(name)
    (made / "objects/12/34").chmod(0o444)
    (made / "link").symlink_to("d/b")
    (made / "empty").mkdir()
    before = look(made)
    copied(made, kept)
    assert look(kept) == before
    assert (made / "objects/12/34").samefile(kept / "objects/12/34")
    change(made)
    put_back(kept, made)
    assert look(made) == before == look(kept)
    (made / "a").unlink()
    os.rename(made, tmp_path / "moved")
    put_back(kept, made)
    assert look(made) == before
