"""14 · The files are exactly the signed ones: each listed, none missing, none extra, every digest equal, names bound.

The root digest does not cover names: a rename can keep it. The signed list does, and `files_digest` says it once more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from model_provenance.domain.digest import Digest
from model_provenance.domain.finding import Finding, failed, passed, undecided, warned
from model_provenance.domain.text import shown
from model_provenance.domain.verification import Observed, Scope, TargetKind
from model_provenance.formats.oms import files_digest
from model_provenance.formats.oms_content import SINGLE_FILE, SignedFiles
from model_provenance.verify.case import Case
from model_provenance.verify.outcome import blocked, unchecked

#: Findings of one kind that are listed by name; the rest is a number.
_SHOWN = 20


def check(case: Case) -> Sequence[Finding]:
    """Observed files against the signed list."""
    observed, signed = case.observed, case.oms.value
    if case.scope is Scope.BUNDLE and signed is None and case.oms.problem is None:
        return [unchecked("files", "files by name: this bundle lists none")]
    if case.scope is Scope.EVIDENCE:
        return [unchecked("files", "files: only evidence about a digest was looked at")]
    if observed is None:
        return [unchecked("files", "files: only a digest was given, so no file was read")]
    if case.scope is Scope.REMOTE and not observed.files and not observed.findings:
        return [unchecked("files", "files: no weight was fetched, only manifests and evidence")]
    findings = list(observed.findings)
    if not observed.files:
        # An empty model has no content that could be right (design, 1: nothing checked is not a pass).
        findings.append(undecided("files.none", "no file of the model was read"))
    elif signed is None:
        findings.append(blocked("there is no one valid list of files to compare with"))
    else:
        findings += _compare(case, observed, signed)
    if any(f.severity.value == "error" for f in findings):
        return findings
    total = sum(file.size for file in observed.files)
    return [*findings, passed("files", f"{len(observed.files)} files, {total} bytes, all as listed")]


def _compare(case: Case, observed: Observed, signed: SignedFiles) -> Iterator[Finding]:
    if signed.pieces:
        yield from _compare_pieces(case, observed, signed)
        return
    here = {file.path: file.digest for file in observed.files}
    if len(here) != len(observed.files):
        yield failed("files.extra", "one path is there twice")
    listed = listed_names(observed, signed)
    missing = [name for name in listed if name not in here]
    changed = [name for name in listed if name in here and here[name] != listed[name]]
    extra = [name for name in here if name not in listed]
    yield from _each("files.missing", missing, "is signed and not there")
    yield from _each("files.changed", changed, "has other content than was signed")
    yield from _extra(case, extra, signed)
    manifest = case.manifest.value
    if same_files(observed, signed) and manifest is not None and files_digest(observed.files) != manifest.files_digest:
        yield failed("files.names", "names and contents together are not those of the signed manifest")


def _compare_pieces(case: Case, observed: Observed, signed: SignedFiles) -> Iterator[Finding]:
    """Pieces of files, as an older signature lists them, by name and digest."""
    if observed.serialization != signed.serialization:
        yield undecided("oms.unsupported", "the files were not read in the way in which they were signed")
        return
    here, listed = dict(observed.pieces), dict(signed.pieces)
    if observed.kind is TargetKind.FILE and set(listed) == {SINGLE_FILE} and len(here) == 1:
        listed = {next(iter(here)): listed[SINGLE_FILE]}
    yield from _each("files.missing", [name for name in listed if name not in here], "is signed and not there")
    changed = [name for name in listed if name in here and here[name] != listed[name]]
    yield from _each("files.changed", changed, "has other content than was signed")
    known = {piece_of(name, signed) for name in listed}
    extra = dict.fromkeys(piece_of(name, signed) for name in here if name not in listed)
    yield from _each("files.changed", [name for name in extra if name in known], "is longer than was signed")
    yield from _extra(case, [name for name in extra if name not in known], signed)
    empty = [file.path for file in observed.files if file.size == 0]
    if signed.serialization.shard_size is not None and empty:
        yield warned("files.ignored", f"{len(empty)} empty files have no shard to be signed, e.g. {shown(empty[0])}")


def piece_of(name: str, signed: SignedFiles) -> str:
    """The file that a piece is of."""
    return name if signed.serialization.shard_size is None else name.rsplit(":", 2)[0]


def same_files(observed: Observed, signed: SignedFiles) -> bool:
    """Whether the observed files are the signed ones, by name and digest."""
    return {file.path: file.digest for file in observed.files} == listed_names(observed, signed)


def listed_names(observed: Observed, signed: SignedFiles) -> dict[str, Digest]:
    """The signed files by the names that they have here."""
    if signed.pieces:
        # The digests are those of the same read, of the files whose pieces hold.
        known = {piece_of(name, signed) for name, _ in signed.pieces}
        single = known == {SINGLE_FILE} and observed.kind is TargetKind.FILE
        return {file.path: file.digest for file in observed.files if single or file.path in known}
    listed = dict(signed.files)
    # Earlier model_signing calls the one file of a model `.`: the statement is about the file, whatever its name.
    if observed.kind is TargetKind.FILE and set(listed) == {SINGLE_FILE} and len(observed.files) == 1:
        return {observed.files[0].path: listed[SINGLE_FILE]}
    return listed


def _extra(case: Case, extra: list[str], signed: SignedFiles) -> Iterator[Finding]:
    """Unlisted files: a release has none; a single signature may tolerate those that signer or caller leave out."""
    if case.scope is not Scope.BUNDLE:
        yield from _each("files.extra", extra, "was not signed")
        return
    left_out = [name for name in extra if case.ignore_unsigned or _is_ignored(name, signed)]
    yield from _each("files.extra", [name for name in extra if name not in set(left_out)], "was not signed")
    if left_out:
        yield warned(
            "files.ignored",
            f"{len(left_out)} files were not signed and not verified, e.g. {shown(left_out[0])}",
            remedy="Remove them, or make sure that nothing loads them.",
        )


def _is_ignored(name: str, signed: SignedFiles) -> bool:
    return any(name == path or name.startswith(f"{path.rstrip('/')}/") for path in signed.ignored if path.strip("/."))


def _each(code: str, names: list[str], what: str) -> Iterator[Finding]:
    for name in names[:_SHOWN]:
        yield failed(code, what, location=shown(name))
    if len(names) > _SHOWN:
        yield failed(code, f"and {len(names) - _SHOWN} more files: {what}")
