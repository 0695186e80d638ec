"""What is attached to a manifest: read from the referrers API and the fallback tag, written without losing anybody's entry.

distribution-spec v1.1, "Listing Referrers" and "Referrers Tag Schema". Reading unites both: a registry that has no API may
still answer it with an empty list, and one that gained it later still holds the old tag. Writing the tag is
read-modify-write on a registry that ignores conditional requests, so it is written once a run, read again until it is
stable, and merged again where somebody else's write took ours away.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from model_provenance.domain.digest import Digest
from model_provenance.domain.package import Blob, Descriptor
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.canonical import canonical, parse_json
from model_provenance.formats.oci import INDEX, MANIFEST, descriptor_of, descriptor_value, parse_index, parse_manifest
from model_provenance.oci.registry import MANIFEST_LIMIT, Registry, next_page
from model_provenance.oci.store import fallback_tag
from model_provenance.oci.together import together
from model_provenance.oci.transport import Answer

#: Far beyond what belongs to one model; a hostile registry could list without end (design, 4.4.5).
ENTRIES_LIMIT = 1024
_PAGES = 32
#: Times that the fallback indexes are merged again.
_ROUNDS = 30
#: Reads in a row that must show our entries, and seconds between them: longer than another writer takes from its read,
#: which may not have had our entries, to its write.
_CALM_ROUNDS = 1
_CALM = 0.5
#: Reads in a row that must show everything, and seconds between them.
_READS = 2
_SETTLED = 0.1
#: Reads that may show an older list before an entry counts as lost.
_PATIENT_READS = 3
_OK = 200


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest to attach, with what it names already stored."""

    manifest: Blob
    subject: Descriptor


def list_referrers(registry: Registry, subject: Digest) -> tuple[Descriptor, ...]:
    """Every referrer of `subject`, each once. Raises `registry.evidence_many`, `registry.malformed`."""
    listed = _by_api(registry, subject)
    stored = registry.find_manifest(fallback_tag(subject))
    if stored is not None:
        listed = [*listed, *parse_index(stored.data, code="registry.malformed", location=registry.where).manifests]
    found = {each.digest: each for each in reversed(listed)}
    _bound(registry, len(found))
    return tuple(reversed(found.values()))


def attach(registry: Registry, referrers: Sequence[Referrer]) -> None:
    """Store referrers by digest, then list them where the registry does not by itself, then see that they are listed.

    Raises `registry.evidence_lost` when one is not listed in the end: never a success that nobody can find.
    """
    unlisted: dict[Digest, list[Descriptor]] = {}
    answers = together(lambda referrer: registry.put_manifest(referrer.manifest), referrers)
    for referrer, answer in zip(referrers, answers, strict=True):
        if answer.header("oci-subject") != str(referrer.subject.digest):
            unlisted.setdefault(referrer.subject.digest, []).append(_entry(referrer.manifest))
    missing = {}
    for subject, entries in unlisted.items():
        known = {each.digest for each in _by_api(registry, subject)}
        missing[subject] = [entry for entry in entries if entry.digest not in known]
    _list(registry, {subject: entries for subject, entries in missing.items() if entries})
    _settle(registry, referrers)


def _settle(registry: Registry, referrers: Sequence[Referrer]) -> None:
    """Wait until two reads in a row list all; what is not listed after some reads is stored again.

    A registry can lose an entry of its own list when several write at once (olareg 0.2.2 does): the same bytes under the
    same digest list it again and change nothing else.
    """
    subjects = {referrer.subject.digest for referrer in referrers}
    seen = 0
    for attempt in range(_ROUNDS):
        listed = {subject: {each.digest for each in list_referrers(registry, subject)} for subject in subjects}
        lost = [each for each in referrers if each.manifest.digest not in listed[each.subject.digest]]
        seen = 0 if lost else seen + 1
        if seen == _READS or not referrers:
            return
        if lost and attempt == _ROUNDS - 1:
            raise _lost(registry, lost[0].subject.digest, [each.manifest.digest for each in lost])
        if attempt % _PATIENT_READS == _PATIENT_READS - 1:
            for each in lost:
                registry.put_manifest(each.manifest)
        if lost:
            _wait(registry, attempt)
        else:
            registry.session.retrying.sleep(_SETTLED)
    raise _lost(registry, referrers[0].subject.digest, [each.manifest.digest for each in referrers])


def check_listed(registry: Registry, wanted: dict[Digest, list[Digest]]) -> None:
    """Each digest is listed at its subject, now or after a bounded wait. Raises `registry.evidence_lost`."""
    for subject, digests in wanted.items():
        for attempt in range(_ROUNDS):
            listed = {each.digest for each in list_referrers(registry, subject)}
            lost = [digest for digest in digests if digest not in listed]
            if not lost:
                break
            if attempt == _ROUNDS - 1:
                raise _lost(registry, subject, lost)
            _wait(registry, attempt)


def _by_api(registry: Registry, subject: Digest) -> list[Descriptor]:
    """What the API lists; nothing where there is none."""
    found: list[Descriptor] = []
    url = registry.session.url(f"referrers/{subject}")
    for _ in range(_PAGES):
        answer = registry.session.ask(
            "GET", url, {"Accept": INDEX}, limit=MANIFEST_LIMIT, doing="list what is attached"
        )
        if answer.status != _OK:
            if found or answer.status not in (400, 404, 405, 406, 415, 501):
                raise registry.session.refusal(answer, "list what is attached")
            return []
        found += _page(registry, answer)
        _bound(registry, len(found))
        following = next_page(answer)
        if following is None:
            return found
        url = following
    raise ModelProvenanceError(
        "registry.evidence_many", f"more than {_PAGES} pages are listed", location=registry.where
    )


def _page(registry: Registry, answer: Answer) -> Iterable[Descriptor]:
    """An answer that is not an index (a web page, `{}`) is no list, and no error: the fallback tag is read as well."""
    kind = (answer.header("content-type") or "").partition(";")[0].strip()
    if kind not in (INDEX, "application/json", ""):
        return ()
    if not answer.body.strip() or b"manifests" not in answer.body:
        return ()
    return parse_index(answer.body, code="registry.malformed", location=f"{registry.where}: referrers").manifests


def _list(registry: Registry, wanted: dict[Digest, list[Descriptor]]) -> None:
    """Write every fallback index once, and again where somebody's write took ours away, until nothing changes."""
    calm = 0
    for attempt in range(_ROUNDS):
        lost = [subject for subject, entries in wanted.items() if not _merge(registry, subject, entries)]
        calm = 0 if lost else calm + 1
        if calm > _CALM_ROUNDS or not wanted:
            return
        if lost:
            _wait(registry, attempt)
        else:
            registry.session.retrying.sleep(_CALM)
    raise _lost(registry, *next((subject, [entry.digest for entry in entries]) for subject, entries in wanted.items()))


def _merge(registry: Registry, subject: Digest, entries: Sequence[Descriptor]) -> bool:
    """Add what is missing of `entries` to the fallback index and keep everybody else's; True when nothing was."""
    tag = fallback_tag(subject)
    stored = registry.find_manifest(tag)
    listed = [] if stored is None else _raw_entries(registry, stored.data)
    here = {entry.get("digest") for entry in listed}
    lost = [entry for entry in entries if str(entry.digest) not in here]
    if not lost:
        return True
    _bound(registry, len(listed) + len(lost))
    value = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*listed, *map(descriptor_value, lost)]}
    registry.put_manifest(Blob(INDEX, canonical(value)), tag)
    return False


def _raw_entries(registry: Registry, data: bytes) -> list[dict[str, object]]:
    """The entries as they stand: another tool's fields must survive our write."""
    where = f"{registry.where}: referrers"
    parse_index(data, code="registry.malformed", location=where)
    value = parse_json(data, what="the list of referrers", limit=MANIFEST_LIMIT, code="registry.malformed")
    return list(value["manifests"])


def _entry(manifest: Blob) -> Descriptor:
    """The list repeats artifact type and annotations, or tools that read only the list find nothing."""
    parsed = parse_manifest(manifest.data, code="internal.error", location="referrer")
    return descriptor_of(
        Blob(MANIFEST, manifest.data),
        artifact_type=parsed.artifact_type or parsed.config.media_type,
        annotations=dict(parsed.annotations),
    )


def _wait(registry: Registry, attempt: int) -> None:
    """Long enough for another writer to finish, of random length so that two do not follow each other for ever."""
    registry.session.retrying.sleep(min(0.05 * 2**attempt, 2.0) * random.random())  # noqa: S311 - not a secret


def _bound(registry: Registry, count: int) -> None:
    if count > ENTRIES_LIMIT:
        raise ModelProvenanceError(
            "registry.evidence_many",
            f"{count} things are attached, more than the {ENTRIES_LIMIT} that are read",
            location=registry.where,
        )


def _lost(registry: Registry, subject: Digest, lost: Sequence[Digest]) -> ModelProvenanceError:
    names = ", ".join(str(digest) for digest in lost[:5])
    return ModelProvenanceError(
        "registry.evidence_lost", f"attached to {subject} and not listed: {names}", location=registry.where
    )
