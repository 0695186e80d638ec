"""The forms of text in a manifest: the schema's `x-form` names one of these, which says what is wrong with a text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime
from typing import NamedTuple

from model_provenance.domain.evaluation import number_of
from model_provenance.domain.names import ModelName, Version
from model_provenance.domain.text import shown, shown_name, unseen
from model_provenance.errors import ModelProvenanceError
from model_provenance.formats.commits import commit_problem
from model_provenance.formats.spdx_identifiers import spdx_identifiers


class Problem(NamedTuple):
    """What is wrong with one text."""

    code: str
    message: str
    remedy: str = ""


_HEX = re.compile(r"[0-9a-fA-F]+")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
#: ISO 8601-1, 5.5.2: at least one part, weeks alone.
_PERIOD = re.compile(
    r"P(?:\d{1,5}W|(?=\d|T\d)(?:\d{1,5}Y)?(?:\d{1,5}M)?(?:\d{1,5}D)?(?:T(?=\d)(?:\d{1,5}H)?(?:\d{1,5}M)?(?:\d{1,5}S)?)?)"
)
#: What an address may be made of (RFC 3986), with a host and without user information.
_URL = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:[/?#][A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]*)?")
_USER = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^/?#]*@|[^:/?#@\s]*:[^/?#@\s]*@")
#: What SBOM formats take for an e-mail address: a narrow part of RFC 5321, 4.1.2.
_MAILBOX = re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}")
#: What makes a text an expression and not a name.
_EXPRESSION = re.compile(r"[()]|\s(?:AND|OR|WITH)\s")
_OTHER_DIGESTS = {32: "MD5", 40: "SHA-1", 56: "SHA-224", 96: "SHA-384", 128: "SHA-512"}
_SHA256_DIGITS = 64
_NEAR_LIMIT = 60


def digest(text: str) -> Problem | None:
    """`sha256:` and 64 lower-case hex digits."""
    algorithm, colon, value = text.rpartition(":")
    if algorithm == "sha256" and len(value) == _SHA256_DIGITS and _HEX.fullmatch(value) and value == value.lower():
        return None
    return Problem("manifest.digest", f"`{shown(text, 150)}` is not a digest: {_digest_fault(algorithm, colon, value)}")


def like_a_digest(text: str) -> bool:
    """Whether somebody may have meant a digest: an algorithm before a colon, or as many hex digits as some hash has."""
    return ":" in text or (len(text) in (*_OTHER_DIGESTS, _SHA256_DIGITS) and _HEX.fullmatch(text) is not None)


def hex_digest(text: str) -> Problem | None:
    """64 bare lower-case hex digits: the published convention for `artifact_sha256`."""
    if len(text) == _SHA256_DIGITS and _HEX.fullmatch(text) and text == text.lower():
        return None
    remedy = "Write the 64 lower-case hex digits that `sha256sum` prints, without a prefix."
    return Problem("manifest.digest", f"`{shown(text, 150)}` is not 64 bare lower-case hex digits", remedy)


def commit(text: str) -> Problem | None:
    """A commit, perhaps by a short id."""
    fault = commit_problem(text)
    # The text itself is left out: an address with a password would end up in a log.
    return None if fault is None else Problem("manifest.commit", f"this is not a commit: {fault}")


def license_expression(text: str) -> Problem | None:
    """An SPDX licence expression."""
    if text.lower() in spdx_identifiers()[0]:
        return None
    from difflib import get_close_matches  # noqa: PLC0415 - only for a misspelling

    from model_provenance.formats.licenses import expression_of, resolve  # noqa: PLC0415 - 40 ms that few names need

    if expression_of(text) is not None:
        return None
    meant = resolve(text)
    if meant is None or meant.ambiguous:
        return Problem("manifest.license", f"`{shown(text)}` does not name one licence")
    if _EXPRESSION.search(text):
        return Problem("manifest.license", f"`{shown(text)}` is not an SPDX licence expression")
    near = get_close_matches(text[:_NEAR_LIMIT].lower().replace(" ", "-"), list(spdx_identifiers()[0]), 1, 0.8)
    name = spdx_identifiers()[0][near[0]] if near else meant.expression
    remedy = f"Write `{name}`, or another identifier of https://spdx.org/licenses/."
    return Problem("manifest.license", f"`{shown(text)}` is not an SPDX licence expression", remedy)


def timestamp(text: str) -> Problem | None:
    """An RFC 3339 time in UTC, to the second."""
    if _TIMESTAMP.fullmatch(text) and _exists(datetime.fromisoformat, text[:-1]):
        return None
    return Problem("manifest.date", f"`{shown(text)}` is not a time in UTC such as `2026-11-23T12:00:00Z`")


def day(text: str) -> Problem | None:
    """A calendar date."""
    if _DATE.fullmatch(text) and _exists(date.fromisoformat, text):
        return None
    return Problem("manifest.date", f"`{shown(text)}` is not a date such as `2027-12-31`")


def retention(text: str) -> Problem | None:
    """A date until which, or a period for which, data may be kept."""
    if _PERIOD.fullmatch(text) or day(text) is None:
        return None
    return Problem(
        "manifest.date",
        f"`{shown(text)}` is neither a date such as `2027-12-31` nor a period such as `P5Y` or `P90D`",
        "Write a date or an ISO 8601 period; put a rule in words under `notes`.",
    )


def url(text: str) -> Problem | None:
    """An absolute web address without user information."""
    if _URL.fullmatch(text):
        return None
    return secret(text) or Problem("manifest.url", f"`{shown(text)}` is not an absolute https:// address")


def secret(text: str) -> Problem | None:
    """Anything but an address with user information, also one that is written without its scheme."""
    if _USER.match(text):
        return Problem("manifest.url", "the address holds a user name or a password, which would be published")
    return None


def moment(text: str) -> Problem | None:
    """A calendar date, or a time in UTC."""
    if day(text) is None or timestamp(text) is None:
        return None
    return Problem(
        "manifest.date",
        f"`{shown(text)}` is neither a day such as `2024-01-31` nor a time such as `2024-01-31T12:00:00Z`",
    )


def contact(text: str) -> Problem | None:
    """An e-mail address or a web address; other formats have a place for no other way to reach somebody."""
    if text.startswith(("https://", "http://")):
        return url(text)
    if _MAILBOX.fullmatch(text):
        return None
    return Problem(
        "manifest.value",
        f"`{shown(text, 150)}` is neither an e-mail address nor a web address",
        "Write `security@example.com` or `https://example.com/contact`.",
    )


def line(text: str) -> Problem | None:
    """Text on one line."""
    return Problem("manifest.text", "a line break or a tab stands in it") if re.search(r"[\t\n\r]", text) else None


def dataset_name(text: str) -> Problem | None:
    """A name that a person tells from every other, and that policies deny by what is seen of it."""
    if line(text) is not None:
        return Problem("manifest.text", "the name holds a line break or a tab")
    if (character := unseen(text)) is not None:
        return Problem("manifest.text", f"the name holds the character U+{ord(character):04X}, which nobody sees")
    if unicodedata.is_normalized("NFC", text):
        return None
    remedy = f"Write `{shown_name(text)}`, composed."
    return Problem("manifest.text", "the name is not in Unicode normal form C (composed characters)", remedy)


def number(text: str) -> Problem | None:
    """A decimal number: with a fraction or an exponent, without spaces, units or a percent sign."""
    if number_of(text) is not None:
        return None
    return Problem("manifest.value", "it is no number: write `0.75`, without a unit")


def name(text: str) -> Problem | None:
    """A model name."""
    return _parsed(ModelName.parse, text)


def version(text: str) -> Problem | None:
    """A version."""
    return _parsed(Version.parse, text)


FORMS: dict[str, Callable[[str], Problem | None]] = {
    "commit": commit,
    "contact": contact,
    "date": day,
    "digest": digest,
    "hex-digest": hex_digest,
    "license": license_expression,
    "line": line,
    "model-name": name,
    "moment": moment,
    "number": number,
    "retention": retention,
    "timestamp": timestamp,
    "url": url,
    "version": version,
}


def _digest_fault(algorithm: str, colon: str, value: str) -> str:
    if algorithm not in ("", "sha256"):
        return f"`{shown(algorithm, 20)}` is not used here, only sha256"
    if not _HEX.fullmatch(value):
        return "after `sha256:` come 64 hex digits"
    if not colon and len(value) in _OTHER_DIGESTS:
        return f"{len(value)} hex digits are a {_OTHER_DIGESTS[len(value)]}; a SHA-256 has 64"
    if len(value) != _SHA256_DIGITS:
        return f"it has {len(value)} hex digits; a SHA-256 has 64"
    return "its hex digits are written in lower case" if colon else "`sha256:` is missing before the hex digits"


def _exists(parse: Callable[[str], object], text: str) -> bool:
    """The pattern holds the form; this holds the calendar (2026-02-30)."""
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _parsed(parse: Callable[[str], object], text: str) -> Problem | None:
    try:
        parse(text)
    except ModelProvenanceError as error:
        return Problem(error.code, error.message)
    return None
