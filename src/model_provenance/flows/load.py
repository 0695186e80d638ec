"""`load`: verify a model, and hand out the very bytes that were verified. Nothing is opened a second time by name."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from model_provenance.domain.finding import Finding, Severity
from model_provenance.domain.holding import HeldFile, LoadReceipt, LoadResult, Toctou, weakest
from model_provenance.domain.result import Result
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Report, TargetKind, Verified
from model_provenance.errors import Exit, ModelProvenanceError, exit_status_of
from model_provenance.flows.held import Held, refuse_changed
from model_provenance.flows.target import locate
from model_provenance.flows.verify import VerifyRequest, verify
from model_provenance.formats.load_receipt import receipt_line
from model_provenance.hold.holder import SMALL, Holder

#: The environment variable that lets a model be loaded although it does not verify; its value is the reason.
BYPASS = "MODEL_PROVENANCE_BYPASS"
#: A snapshot of revocations may be stale for so long (seconds) where a model is loaded; it is warned of. CI has no grace.
GRACE = 24 * 3600
#: What no word in the environment gets past: a command line or a defect, not a verdict.
_NOT_BYPASSED = (Exit.USAGE, Exit.INTERNAL)


class RefusedError(ModelProvenanceError):
    """The model was not verified, so nothing of it is handed out; `report` says everything that was found."""

    def __init__(self, report: Report) -> None:
        first, count = _most_telling(report)
        more = f" (and {count - 1} more)" if count > 1 else ""
        super().__init__(first.id, f"{first.message}{more}", remedy=first.remedy, location=first.location or None)
        self.report = report


@dataclass(frozen=True, slots=True)
class LoadRequest:
    """What to verify, and how to hold it."""

    verify: VerifyRequest
    #: Copy every file into sealed memory before it is hashed, or refuse; without it, small files alone.
    memory: bool = False
    #: Refuse if a file is less protected than this.
    at_least: Toctou = Toctou.UNPROTECTED
    #: Seconds for which a stale status list is only warned of.
    status_grace: int = GRACE
    #: File to append a receipt to.
    receipt: Path | None = None
    #: Why to go on without a verification; None is not to.
    bypass: str | None = None


def protection(word: str) -> Toctou:
    """The protection that a word names. Raises `usage.invalid`."""
    words = {toctou.value: toctou for toctou in Toctou}
    if word not in words:
        message = f"there is no protection called {shown(word, 80)}; there are {', '.join(words)}"
        raise ModelProvenanceError("usage.invalid", message, remedy="Use one of these words.")
    return words[word]


def hold(request: LoadRequest, progress: Callable[[int, int], None] | None = None) -> Held:
    """Verify and hold. Raises `RefusedError` with the report, or whatever kept the verification from being one.

    Every outcome is recorded first: a receipt that cannot be written means that nothing is loaded.
    """
    if request.bypass is not None and request.receipt is None:
        raise ModelProvenanceError("load.bypass", f"{BYPASS} is set, and there is no place to record that")
    holder = _holder(request)
    try:
        return _held(request, holder, progress)
    except BaseException:
        holder.close()
        raise


def _held(request: LoadRequest, holder: Holder, progress: Callable[[int, int], None] | None) -> Held:
    report: Report | None = None
    try:
        _refuse_unopened(request.verify)
        report = verify(replace(request.verify, keeper=holder, status_grace=request.status_grace), progress)
        if report.verified is None:
            raise RefusedError(report)
        files = _handed_out(report.verified, holder)
        _demand(request, weakest(tuple(files.values())))
        # A policy may take its time, and rules of it seconds: what is handed out is what was hashed before.
        refuse_changed(holder)
    except ModelProvenanceError as error:
        if request.bypass is not None and error.exit_status not in _NOT_BYPASSED:
            holder.close()
            return _bypassed(request, report, error)
        _record(request, _refusal(error, report), report, error=error.code)
        raise
    holder.keep_only(files)
    return _with_receipt(request, holder, files, LoadResult.PASS, report)


def _bypassed(request: LoadRequest, report: Report | None, problem: ModelProvenanceError) -> Held:
    """The files as they lie there, held like verified ones, and called what they are."""
    from model_provenance.pack.walk import walk  # noqa: PLC0415 - only here

    holder = _holder(request)
    try:
        with walk(request.verify.target, allow_symlinks=True, refuse_secrets=False, keeper=holder) as inventory:
            inventory.keep()
            files = {
                entry.path: HeldFile(entry.path, entry.size, None, holder.protection(entry.path))
                for entry in inventory.entries
            }
        return _with_receipt(request, holder, files, LoadResult.BYPASSED, report, problem)
    except BaseException as error:
        holder.close()
        if isinstance(error, ModelProvenanceError):
            # Files that cannot be held cannot be handed out either.
            _record(request, LoadResult.ERROR, report, error=error.code)
        raise


def _with_receipt(
    request: LoadRequest,
    holder: Holder,
    files: dict[str, HeldFile],
    result: LoadResult,
    report: Report | None,
    problem: ModelProvenanceError | None = None,
) -> Held:
    toctou = weakest(tuple(files.values()))
    _record(request, result, report, error=None if problem is None else problem.code, toctou=toctou)
    return Held(
        holder,
        files,
        root=request.verify.target,
        result=result,
        report=report,
        problem=problem,
        on_change=partial(_record_change, request, report, toctou),
    )


def _holder(request: LoadRequest) -> Holder:
    return Holder(seal_up_to=None if request.memory else SMALL)


def _refuse_unopened(request: VerifyRequest) -> None:
    """Archives and registries hold bytes of files, but no files to hand out."""
    if request.reference is not None:
        raise ModelProvenanceError(
            "load.target", "a model in a registry has no files to open", location=request.reference
        )
    kind = locate(request.target).kind
    if kind not in (TargetKind.DIRECTORY, TargetKind.FILE):
        message = f"this is an {kind.value}, not the files of a model"
        raise ModelProvenanceError("load.target", message, location=shown(str(request.target), 400))


def _handed_out(verified: Verified, holder: Holder) -> dict[str, HeldFile]:
    """What was verified and is held; a file of which only one of the two is true is our defect, never a second open."""
    held = holder.descriptors()
    if not verified.files:
        raise ModelProvenanceError("load.target", "the evidence lists no files of a model")
    if missing := [file.path for file in verified.files if file.path not in held]:
        raise ModelProvenanceError("internal.error", f"verified and not held: {shown(missing[0])}")
    return {
        file.path: HeldFile(file.path, file.size, file.digest, holder.protection(file.path)) for file in verified.files
    }


def _demand(request: LoadRequest, found: Toctou) -> None:
    """Who asks for memory gets memory, or nothing."""
    memory = Toctou.SEALED if request.memory else Toctou.UNPROTECTED
    least = min(request.at_least, memory, key=lambda toctou: toctou.rank)
    if found.rank > least.rank:
        message = f"the files are {found.value}, and {least.value} is demanded"
        raise ModelProvenanceError("load.unprotected", message)


def _refusal(error: ModelProvenanceError, report: Report | None) -> LoadResult:
    if report is not None and report.result is Result.FAIL:
        return LoadResult.FAIL
    if report is not None and report.verified is None:
        return LoadResult.ERROR
    is_verdict = error.exit_status in (Exit.CONTENT, Exit.SIGNATURE, Exit.REVOKED)
    return LoadResult.FAIL if is_verdict else LoadResult.ERROR


def _record_change(request: LoadRequest, report: Report | None, toctou: Toctou, error: ModelProvenanceError) -> None:
    _record(request, LoadResult.FAIL, report, error=error.code, toctou=toctou)


def _record(
    request: LoadRequest,
    result: LoadResult,
    report: Report | None,
    *,
    error: str | None = None,
    toctou: Toctou | None = None,
) -> None:
    """Append the receipt, where one is wanted. Raises `machine.*`: what is to be recorded is, or does not happen."""
    if request.receipt is None:
        return
    line = receipt_line(_receipt(request, result, report, error=error, toctou=toctou))
    try:
        descriptor = os.open(request.receipt, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        try:
            # One write: lines of several processes do not mix.
            written = os.write(descriptor, line)
        finally:
            os.close(descriptor)
    except OSError as problem:
        raise _receipt_failure(problem, request.receipt) from problem
    if written != len(line):
        raise ModelProvenanceError("machine.disk", "the receipt was written in part", location=str(request.receipt))


def _receipt_failure(problem: OSError, path: Path) -> ModelProvenanceError:
    from model_provenance.disk.failure import failure  # noqa: PLC0415 - only when something failed

    return failure(problem, str(path), doing="write the receipt")


def _receipt(
    request: LoadRequest, result: LoadResult, report: Report | None, *, error: str | None, toctou: Toctou | None
) -> LoadReceipt:
    verified = None if report is None else report.verified
    decision = None if report is None else report.decision
    policy = request.verify.policy
    memory = request.verify.memory
    signer = None if verified is None else verified.signer
    return LoadReceipt(
        time_ns=time.time_ns(),
        result=result,
        target=request.verify.reference or str(request.verify.target),
        process=os.getpid(),
        name=None if verified is None else verified.manifest.get("model_name"),
        version=None if verified is None else verified.manifest.get("version"),
        model_digest=None if verified is None else verified.model_digest,
        signer=None if signer is None else signer.subject,
        issuer=None if signer is None else signer.issuer,
        policy=None if policy is None else policy.name,
        policy_digest=None if policy is None else policy.digest,
        decision=None if decision is None else decision.result.value,
        toctou=toctou,
        cached=memory is not None and memory.recalled,
        error=error,
        bypass_reason=request.bypass if result is LoadResult.BYPASSED else None,
    )


def _most_telling(report: Report) -> tuple[Finding, int]:
    """The finding that the exit status comes from, and how many errors there are."""
    errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
    deciding = [finding for finding in errors if int(exit_status_of(finding.id)) == report.exit_status]
    return (deciding or errors)[0], len(errors)
