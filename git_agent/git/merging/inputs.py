"""What a merge depends on besides its two commits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping

from git_agent.git import versions
from git_agent.git.repo import Repo
from git_agent.git.run import decode
from git_agent.record import Record

# filter.* and line endings matter with merge.renormalize. One command reads them all: a process takes 2 ms.
_SETTINGS = r"^(merge|diff|filter)\.|^core\.(attributesfile|autocrlf|eol)$"


class MergeInputs(Record):
    """What a merge depends on: a hash of everything, and the paths of the commit's .gitattributes."""

    digest: str
    attributes: tuple[str, ...]


def merge_inputs(repo: Repo, base_oid: str) -> MergeInputs:
    """Read what a merge depends on: git, its configuration, and the .gitattributes of a commit and of the user.

    base_oid: the commit, a full oid.
    Not covered: system attributes outside /etc, and changes inside a program that the configuration names.
    """
    fields = repo.git("config", "--null", "--get-regexp", _SETTINGS, ok=(0, 1)).fields
    entries = repo.git("ls-tree", "-r", "-z", base_oid).out.split(b"\0")
    attributes = [entry for entry in entries if entry.endswith((b"\t.gitattributes", b"/.gitattributes"))]
    settings = dict(field.partition("\n")[::2] for field in fields)  # the last one wins
    own = [_content(place) for place in _places(repo, settings)]
    said = repr((versions.git_version(), fields, own, attributes))
    paths = tuple(decode(entry.partition(b"\t")[2]) for entry in attributes)
    return MergeInputs(hashlib.sha256(said.encode()).hexdigest()[:16], paths)


def _places(repo: Repo, settings: Mapping[str, str]) -> Iterator[str]:
    """List the attributes files of gitattributes(5); ~ is the home, a relative path starts where git runs."""
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    user = settings.get("core.attributesfile", os.path.join(home, "git", "attributes"))
    yield os.path.join(repo.common_dir, "info", "attributes")
    yield os.path.join(repo.common_dir, os.path.expanduser(user))
    yield "/etc/gitattributes"


def _content(place: str) -> bytes | None:
    try:
        with open(place, "rb") as file:
            return file.read()
    except OSError:
        return None
