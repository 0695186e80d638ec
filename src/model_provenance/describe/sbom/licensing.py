"""What the manifest, the card and the licence files say about the licence, side by side; a conflict stays one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from model_provenance.domain.context import Known
from model_provenance.domain.facts import LicenseFact
from model_provenance.domain.files import Role
from model_provenance.domain.finding import Finding, warned
from model_provenance.domain.sbom import LicenseClaim, Licensing, Origin
from model_provenance.domain.text import shown
from model_provenance.formats.licenses import resolve

MANIFEST = "manifest"
#: A model names a handful of licences; more are noise, or an attack on the reader.
_CLAIM_LIMIT = 50
_SYMBOL = re.compile(r"[0-9A-Za-z.+-]+")
_OPERATORS = frozenset({"AND", "OR", "WITH"})


def licensing(
    declared: str | None, found: Sequence[LicenseFact], roles: Mapping[str, Role]
) -> tuple[Licensing, tuple[Finding, ...]]:
    """Licences of the manifest (`declared`) and of the model's files (`found`), with what is unclear about them.

    `roles` tell licence texts, which are observed, from what an author typed into a card.
    """
    claims = _claims(declared, found, roles)
    if not claims:
        unnamed = ", ".join(sorted({shown(fact.source) for fact in found}))
        why = f"what {unnamed} says names none" if unnamed else "manifest, model card and licence files name none"
        return Licensing(), (warned("sbom.license_missing", f"the licence of the model is unknown: {why}"),)
    findings = [*_ambiguities(claims)]
    conflict = _conflict(claims)
    comment = "; ".join(f"{claim.license.expression} {claim.origin}" for claim in claims)
    if conflict:
        findings.append(warned("sbom.license_conflict", conflict))
    leading = _leading(claims)
    side_by_side = len(leading) > 1
    if side_by_side:
        comment += "; listed side by side, whether all or one of them applies is not stated"
    expression = _joined(leading)
    settled = not conflict and not side_by_side and not any(claim.license.ambiguous for claim in claims)
    return Licensing(tuple(claims), expression, expression if settled else None, comment), tuple(findings)


def _claims(declared: str | None, found: Sequence[LicenseFact], roles: Mapping[str, Role]) -> list[LicenseClaim]:
    claims = []
    if declared is not None:
        license = resolve(declared)
        if license is not None:
            claims.append(LicenseClaim(license, Origin(Known.DECLARED, MANIFEST)))
    for fact in found[:_CLAIM_LIMIT]:
        license = resolve(fact.identifier, name=fact.name, link=fact.link)
        if license is not None:
            known = Known.OBSERVED if roles.get(fact.source) is Role.LICENSE else Known.DECLARED
            claims.append(LicenseClaim(license, Origin(known, shown(fact.source))))
    return list(dict.fromkeys(claims))


def _leading(claims: Sequence[LicenseClaim]) -> list[str]:
    """Expressions of whoever has the first word: the manifest, else what the files declare, else the licence texts."""
    for group in _groups(claims):
        if group:
            return list(dict.fromkeys(claim.license.expression for claim in group))
    return []


def _groups(claims: Sequence[LicenseClaim]) -> tuple[list[LicenseClaim], list[LicenseClaim], list[LicenseClaim]]:
    manifest = [c for c in claims if c.origin.source == MANIFEST]
    files = [c for c in claims if c.origin.known is Known.DECLARED and c.origin.source != MANIFEST]
    texts = [c for c in claims if c.origin.known is Known.OBSERVED]
    return manifest, files, texts


def _conflict(claims: Sequence[LicenseClaim]) -> str | None:
    """Why the sources contradict each other; licence texts may cover more (vendored code), never less."""
    manifest, files, texts = (_symbols(group) for group in _groups(claims))
    declared = manifest or files
    if (manifest and files and manifest != files) or (declared and texts and not declared <= texts):
        said = "; ".join(f"{claim.origin.source or claim.origin}: {claim.license.expression}" for claim in claims)
        return f"the licences that are named do not agree ({said})"
    return None


def _ambiguities(claims: Iterable[LicenseClaim]) -> Iterable[Finding]:
    for claim in claims:
        if claim.license.ambiguous:
            yield warned(
                "sbom.license_ambiguous",
                f"`{claim.license.written}` names a family of licences, and not which of them",
                location=claim.origin.source,
            )


def _symbols(claims: Iterable[LicenseClaim]) -> frozenset[str]:
    names = (name for claim in claims for name in _SYMBOL.findall(claim.license.expression))
    return frozenset(names) - _OPERATORS


def _joined(expressions: Sequence[str]) -> str:
    if len(expressions) == 1:
        return expressions[0]
    return " AND ".join(f"({text})" if " OR " in text or " AND " in text else text for text in expressions)
