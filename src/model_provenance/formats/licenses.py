"""Licences as people write them (SPDX identifiers and expressions, hub identifiers) to licences as SPDX writes them.

Nothing is guessed: a family name without a version stays ambiguous; what is not on the SPDX list becomes a
`LicenseRef-`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from model_provenance.domain.licenses import License, Restriction
from model_provenance.domain.text import shown
from model_provenance.formats.hub_licenses import FAMILIES, HUB, SAME_AS, SAYS_NOTHING
from model_provenance.formats.license_grammar import REFERENCE, normal_form
from model_provenance.formats.spdx_identifiers import spdx_identifiers

#: Of the SPDX list in `spdx-license-ids.txt`.
LIST_VERSION = "3.28"
_TEXT_LIMIT = 300
_URL = re.compile(
    r"https?://[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}(:\d{1,5})?"
    r"(/([A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*)?"
)
_URL_LIMIT = 500

_OF_IDENTIFIER: tuple[tuple[re.Pattern[str], Restriction], ...] = (
    (re.compile(r"CC-BY-NC\b.*|PolyForm-Noncommercial-.*"), Restriction.NON_COMMERCIAL),
    (re.compile(r"CC-BY-(NC-)?ND\b.*"), Restriction.NO_DERIVATIVES),
    (re.compile(r"CC-BY-(NC-)?SA\b.*|ODbL-.*|CDLA-Sharing-.*|A?GPL-.*|OSL-.*|EUPL-.*"), Restriction.SHARE_ALIKE),
)


def resolve(written: str, *, name: str | None = None, link: str | None = None) -> License | None:
    """The licence meant by `written`; None where it says nothing (`other` without a name, `unknown`, empty).

    `name` and `link` are the card's `license_name` and `license_link`, which give `other` its meaning.
    """
    text, name = (" ".join((words or "").split())[:_TEXT_LIMIT] for words in (written, name))
    key, label = text.lower(), shown(text)
    url = web_address(link)
    identifier = identifier_of(text) or SAME_AS.get(key)
    if identifier is not None:
        return License(identifier, label, url=url, restrictions=_restrictions([identifier]))
    if key in HUB:
        known = HUB[key]
        reference = f"LicenseRef-{known.slug or key}"
        return License(reference, label, ((reference, known.name),), url or known.url, known.restrictions)
    if key in FAMILIES:
        reference = f"LicenseRef-{key}"
        return License(reference, label, ((reference, FAMILIES[key]),), url, ambiguous=True)
    if key in SAYS_NOTHING:
        if name.lower() not in SAYS_NOTHING:
            return resolve(name, link=link)
        return _named("licence at the link given", label, url) if url else None
    compound = expression_of(text)
    if compound is not None:
        return _compound(compound, label, url)
    return _named(name or text, label, url)


def identifier_of(text: str) -> str | None:
    """The SPDX licence identifier that `text` is, in the list's own spelling; exceptions are not licences."""
    licenses, _ = spdx_identifiers()
    return licenses.get(text.lower())


def expression_of(text: str) -> str | None:
    """`text` as a normalised SPDX expression of listed identifiers and `LicenseRef-`s; None where it is not one."""
    return normal_form(text) if len(text) <= _TEXT_LIMIT else None


def web_address(link: str | None) -> str | None:
    """`link` where it is a plain web address that every format takes; else None: a hostile or local link is dropped."""
    return link if link is not None and len(link) <= _URL_LIMIT and _URL.fullmatch(link) else None


def _compound(expression: str, label: str, url: str | None) -> License:
    identifiers = re.findall(r"[0-9A-Za-z.+-]+", expression)
    references = tuple((ref, ref.removeprefix("LicenseRef-")) for ref in dict.fromkeys(REFERENCE.findall(expression)))
    return License(expression, label, references, url, _restrictions(identifiers))


def _named(name: str, label: str, url: str | None) -> License:
    """A licence that no list knows, by its own name; the digest keeps names apart that shorten to the same letters."""
    title = shown(name)
    slug = re.sub(r"[^0-9a-z.]+", "-", title.lower()).strip("-.")[:60]
    if slug != title.lower():
        digest = hashlib.sha256((title + (url or "")).encode()).hexdigest()[:8]
        slug = f"{slug}-{digest}" if slug else digest
    reference = f"LicenseRef-{slug}"
    return License(reference, label, ((reference, title),), url)


def _restrictions(identifiers: Iterable[str]) -> tuple[Restriction, ...]:
    """What any part of the expression restricts: for `A OR B` this says more than the choice of A would."""
    return tuple(
        dict.fromkeys(flag for name in identifiers for pattern, flag in _OF_IDENTIFIER if pattern.fullmatch(name))
    )
