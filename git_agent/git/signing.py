"""Explain why git could not sign a commit: its own message is empty, or does not name the program."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from git_agent.errors import AgentError
from git_agent.git.errors import names_no_room
from git_agent.git.run import Done, GitError

# gpg.format, the keys that name its program (git-config(1), the last one that is set counts), and git's default.
_PROGRAMS: Mapping[str, tuple[tuple[str, ...], str]] = {
    "openpgp": (("gpg.program", "gpg.openpgp.program"), "gpg"),
    "x509": (("gpg.x509.program",), "gpgsm"),
    "ssh": (("gpg.ssh.program",), "ssh-keygen"),
}
# git 2.39 passes on what ssh-keygen says after `error: `, which may be nothing.
_OF_SIGNING = r"(?im)failed to sign|signingkey|public key|ssh signing|(?:error|fatal): *$"
_SAYS_NOTHING = (
    r"(?:error|fatal): *(?:gpg failed to sign the data:?|failed to write (?:the )?commit object)?$|hint:|\[GNUPG:\]"
    r"|Rebasing \(|Could not apply"
)


def signer_error(run: Callable[..., Done], error: GitError) -> AgentError | None:
    """Return an error that names the program which did not sign a commit, and why; None if that is not what happened.

    run: runs git where the commit was to be made.
    error: of the command that was to sign.
    """
    if not re.search(_OF_SIGNING, error.stderr) or any(map(names_no_room, error.details)):
        return None
    lines = [line.rpartition("\r")[2] for line in error.details]
    told = next((line for line in lines if not re.match(_SAYS_NOTHING, line)), "")
    why = re.sub(r"^(?:error|fatal|warning): ", "", told).strip(" .?") or "it does not say why"
    hint = "git commit-tree -S -m try 'HEAD^{tree}' tries it; git config commit.gpgSign false turns signing off"
    return AgentError("not-signed", f"{_program(run)} did not sign the commit: {why}", hint, details=error.details)


def _program(run: Callable[..., Done]) -> str:
    fields = run("config", "--null", "--get-regexp", r"^gpg\.", ok=(0, 1)).fields
    given = dict(field.partition("\n")[::2] for field in fields if field)
    keys, program = _PROGRAMS.get(given.get("gpg.format", "openpgp"), _PROGRAMS["openpgp"])
    return next((given[key] for key in reversed(keys) if given.get(key)), program)
