"""Git, run through GitPython so that nothing of the repository runs. The only place that imports GitPython.

A repository's own configuration can name programs that git would start: hooks, a file-system monitor, filters,
signature checkers, transports. Reading a hostile checkout must start none of them. So every call overrides each key
that names a program; replaced objects, lazy fetches and every transport are off; the index is not written. (Filters
have names of their own: `repository` turns each off.) Git's ownership check stays on. The configuration of the system
and of the user stays too: it belongs to whoever runs this, and holds what a correct answer needs (`safe.directory` in
containers, `core.autocrlf` on Windows).
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from model_provenance.context.remote import without_credentials
from model_provenance.domain.text import shown
from model_provenance.errors import ModelProvenanceError

if TYPE_CHECKING:
    from git.cmd import Git

#: Keys that name programs or transports; the command line outranks every configuration file.
_OVERRIDES = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.sshCommand=false",
    "core.askPass=",
    "core.pager=cat",
    "credential.helper=",
    "gpg.program=false",
    "gpg.ssh.program=false",
    "gpg.x509.program=false",
    "log.showSignature=false",
    "status.submoduleSummary=false",
    "submodule.recurse=false",
)
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
}
#: Git sets these for its hooks: they would lead to another repository or index than the one asked about.
_REDIRECTING = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)
_SECONDS = 60.0
_LIMIT = 16 << 20


@dataclass(frozen=True, slots=True)
class Answer:
    """What one git process said."""

    status: int
    out: bytes
    #: The output was longer than the limit; `out` is its beginning.
    cut: bool
    err: str


class GitCommand:
    """Runs git in one folder."""

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        """`env` tells which of git's variables must be taken away; errors: `context.git_missing`."""
        self.root = root
        self._git, self._missing = _gitpython(root)
        unset = [part for name in _REDIRECTING if name in env for part in ("-u", name)]
        # GitPython can add variables for the child but not take one away.
        self._program = [*(["env", *unset] if unset else []), self._git.GIT_PYTHON_GIT_EXECUTABLE or "git"]

    def run(
        self,
        *arguments: str,
        overrides: Sequence[str] = (),
        stdin: int | None = None,
        limit: int = _LIMIT,
    ) -> Answer:
        """One process, with at most `limit` bytes of output and a minute of time; it may well fail.

        Errors: `context.git_ownership`, and `context.git_unreadable` where git cannot start or does not end.
        """
        settings = [part for setting in (*_OVERRIDES, *overrides) for part in ("-c", setting)]
        environment = {**_ENVIRONMENT, "GIT_CEILING_DIRECTORIES": str(self.root.parent)}
        command = [*self._program, "--no-pager", *settings, *arguments]
        try:
            started = self._git.execute(command, istream=stdin, as_process=True, shell=False, env=environment)
        except (self._missing, OSError) as error:
            raise _no_git() from error
        answer = _gather(cast("subprocess.Popen[bytes]", started.proc), limit)
        if "dubious ownership" in answer.err:
            raise self._not_ours()
        return answer

    def read(self, *arguments: str, stdin: int | None = None) -> bytes:
        """The output of a command that must succeed, without its last newline."""
        answer = self.run(*arguments, stdin=stdin)
        if answer.status != 0 or answer.cut:
            raise self.unreadable(answer.err)
        return answer.out.removesuffix(b"\n")

    def unreadable(self, why: str) -> ModelProvenanceError:
        """The error for a repository that is there but cannot be read; git's own words may hold a remote's password."""
        said = shown(without_credentials(why.strip().partition("\n")[0])) or "git gave no reason"
        return ModelProvenanceError(
            "context.git_unreadable", f"git cannot read this repository: {said}", location=str(self.root)
        )

    def _not_ours(self) -> ModelProvenanceError:
        command = f"git config --global --add safe.directory {shlex.quote(str(self.root))}"
        return ModelProvenanceError(
            "context.git_ownership",
            "git refuses to read this repository because it belongs to another user than the one of this process "
            "(usual in containers, where the checkout belongs to the host's user)",
            remedy=f"Run, before the release: {command}",
            location=str(self.root),
        )


def _gitpython(root: Path) -> tuple[Git, type[Exception]]:
    """GitPython's command for a folder, and what it raises where git is gone."""
    try:
        from git.cmd import Git  # noqa: PLC0415 - 0.12 s, and only where there is a repository
        from git.exc import GitCommandNotFound  # noqa: PLC0415 - as above
    except ImportError as error:  # GitPython raises it where no git is on PATH
        raise _no_git() from error
    return Git(str(root)), GitCommandNotFound


def _no_git() -> ModelProvenanceError:
    return ModelProvenanceError(
        "context.git_missing", "the model lies in a git repository, but there is no git to read it with"
    )


def _gather(process: subprocess.Popen[bytes], limit: int) -> Answer:
    """Read both pipes to their ends, or to the limit; a process that does not end is killed."""
    output, complaints = cast("IO[bytes]", process.stdout), cast("IO[bytes]", process.stderr)  # GitPython opens both
    errors: list[bytes] = []
    listener = threading.Thread(target=_listen, args=(complaints, errors), daemon=True)
    clock = threading.Timer(_SECONDS, process.kill)
    with process:
        listener.start()
        clock.start()
        try:
            out = output.read(limit + 1)
            if len(out) > limit:
                process.kill()
            status = process.wait()
        finally:
            clock.cancel()
            listener.join(1)
    err = errors[0].decode("utf-8", "replace") if errors else ""
    if status == -signal.SIGKILL and len(out) <= limit:
        err = f"git did not answer within {_SECONDS:.0f} s"
    return Answer(status, out[:limit], len(out) > limit, err)


def _listen(pipe: IO[bytes], kept: list[bytes]) -> None:
    """Keep the beginning of what git complains about, and drain the rest so that git never waits for us."""
    kept.append(pipe.read(4096))
    while pipe.read(1 << 16):
        pass
