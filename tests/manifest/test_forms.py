"""The forms of text in a manifest: what is taken, and that a refusal says why without repeating secrets."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.formats.commits import parse_commit, unresolved
from model_provenance.formats.licenses import expression_of
from model_provenance.formats.manifest_forms import FORMS
from model_provenance.formats.spdx_identifiers import spdx_identifiers

HEX = "0123456789abcdef" * 4

TAKEN = {
    "commit": [
        "0123456",
        HEX,
        HEX[:40],
        f"git+https://github.com/a/b@{HEX[:40]}",
        "git+https://host:8443/a/b/c.git@0123456",
    ],
    "contact": ["sbom@example.com", "a.b+c@mail.example.co.uk", "https://example.com/contact"],
    "date": ["2026-02-28", "2028-02-29"],
    "digest": [f"sha256:{HEX}"],
    "hex-digest": [HEX],
    "license": [
        "MIT",
        "apache-2.0",
        "MIT OR Apache-2.0",
        "GPL-2.0-only WITH Classpath-exception-2.0",
        "LicenseRef-acme.1",
    ],
    "line": ["a b", "ünïcode"],
    "number": ["0", "0.7", "-1", "1e-05", "2E+3", "73.0"],
    "model-name": ["acme/minilm"],
    "moment": ["2026-02-28", "2026-11-23T12:00:00Z"],
    "retention": ["2027-12-31", "P5Y", "P1Y6M", "P90D", "P2W", "PT12H", "P1DT1M"],
    "timestamp": ["2026-11-23T12:00:00Z"],
    "url": ["https://example.com", "https://example.com:8443/a?b=c#d", "http://[::1]/", "https://example.com/a@b"],
    "version": ["1.0"],
}
REFUSED = {
    "commit": [
        "",
        "HEAD",
        "012345",
        HEX[:41],
        HEX[:40].upper(),
        f"git+http://h/r@{HEX}",
        f"git+ssh://git@h/r@{HEX}",
        f"h/r@{HEX}",
        "v1.0",
    ],
    "contact": [
        "",
        "Ann",
        "ann@example",
        "Ann <ann@example.com>",
        "mailto:ann@example.com",
        "ann@example.com\n",
        "ann@exa mple.com",
        "ann@-example.com",
        "https://user:secret@example.com/",
        "ftp://example.com",
    ],
    "date": ["2026-02-30", "2026-2-3", "23.11.2026", "2026-11-23T00:00:00Z", "0000-01-01", "2026-11-23\n"],
    "digest": [
        "",
        HEX,
        f"sha256:{HEX.upper()}",
        f"SHA256:{HEX}",
        f"sha256: {HEX}",
        f"sha512:{HEX}",
        f"sha256:{HEX}\n",
        "sha256:",
    ],
    "hex-digest": ["", f"sha256:{HEX}", HEX.upper(), HEX[:63], HEX + "\n"],
    "license": ["", "other", "unknown", "llama3.1", "MIT AND", "gpl", "Apache License 2.0", "MIT WITH MIT", "(MIT"],
    "line": ["a\nb", "a\tb"],
    "model-name": ["Acme"],
    "moment": ["", "2026", "2026-02-30", "2026-11-23T12:00:00", "2026-11-23T25:00:00Z", "2026-11-23\n", "P1Y"],
    "number": [
        "",
        "x",
        "70%",
        "0,7",
        " 1",
        "1 ",
        ".5",
        "5.",
        "NaN",
        "Infinity",
        "1e9999",
        "0x10",
        "1_000",
        "1" * 31,
        "\u0661",
    ],
    "retention": ["", "forever", "P", "PT", "P1", "1Y", "P1H", "P1W2D", "P-1Y", "2026-13-01", "P1Y\n"],
    "timestamp": [
        "2026-11-23",
        "2026-11-23T12:00:00",
        "2026-11-23T12:00:00+01:00",
        "2026-11-23T25:00:00Z",
        "2026-02-30T12:00:00Z",
    ],
    "url": [
        "",
        "example.com",
        "//example.com",
        "ftp://example.com",
        "file:///etc",
        "https://a b",
        "javascript:alert(1)",
        "https://u@h/",
        "https://h/\n",
        'https://h/"><',
    ],
    "version": ["latest"],
}


def one_line(text: str) -> bool:
    """Whether `text` holds no control, format or line-breaking character."""
    return (
        not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in text)
        and len(text.splitlines()) == 1
    )


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, texts in TAKEN.items() for text in texts])
def test_forms_are_taken(form: str, text: str) -> None:
    """What people mean is taken as it is."""
    assert FORMS[form](text) is None


@pytest.mark.parametrize(("form", "text"), [(form, text) for form, texts in REFUSED.items() for text in texts])
def test_other_texts_are_refused_with_a_reason(form: str, text: str) -> None:
    """A refusal has a code of the manifest and a message on one line."""
    problem = FORMS[form](text)

    assert problem is not None
    assert problem.code.startswith("manifest.")
    assert one_line(problem.message)


def test_every_form_is_tested() -> None:
    """A form that is added here without examples is a failure."""
    assert set(FORMS) == set(TAKEN) == set(REFUSED)


@given(st.text(max_size=100), st.sampled_from(sorted(FORMS)))
def test_any_text_is_answered(text: str, form: str) -> None:
    """No text makes a form raise; messages are printable."""
    problem = FORMS[form](text)
    assert problem is None or one_line(problem.message)


@pytest.mark.parametrize("form", sorted(FORMS))
@pytest.mark.parametrize(
    "unit", ["a", "1", ".", "/", "-", "a.", "https://", "P1", "git+https://a@", "sha256:", "(", "MIT AND ", "\u202e"]
)
def test_long_hostile_texts_are_answered_at_once(form: str, unit: str) -> None:
    """No pattern goes back and forth over a megabyte."""
    start = time.process_time()
    FORMS[form](unit * (200_000 // len(unit)) + "!")
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    "text",
    [
        "https://ghp_secret@github.com/a/b",
        "https://me:ghp_secret@github.com/a/b@0123456",
        "git+https://ghp_secret@github.com/a/b@0123456",
        "me:ghp_secret@github.com/a/b@0123456",
        "ghp_secret@github.com@0123456",
    ],
)
@pytest.mark.parametrize("form", ["commit", "url"])
def test_a_password_is_never_repeated(form: str, text: str) -> None:
    """An address with a token in it is refused without printing the token."""
    problem = FORMS[form](text)
    if problem is None or not text.startswith("http"):
        problem = FORMS["commit"](text)
    assert problem is not None
    assert "secret" not in problem.message


def test_the_fast_path_for_one_identifier_agrees_with_the_grammar() -> None:
    """Each identifier of the SPDX list is one, in any case, for the check and for the grammar; exceptions are none."""
    licenses, exceptions = spdx_identifiers()
    assert len(licenses) > 500
    for name in licenses.values():
        assert FORMS["license"](name) is None
        assert expression_of(name.upper()) == name
    for name in list(exceptions.values())[:20]:
        assert FORMS["license"](name) is not None


def test_a_commit_of_another_repository_is_not_looked_for() -> None:
    """Only an id without an address is of the checkout at hand."""
    assert unresolved(f"git+https://h/r@{HEX[:40]}", resolve=lambda _: None, shallow=lambda: False) == ()
    assert unresolved("no commit", resolve=lambda _: None, shallow=lambda: False) == ()


def test_a_commit_that_a_shallow_clone_does_not_hold_is_skipped() -> None:
    """The finding is no pass and names the setting that fetches the history."""
    (finding,) = unresolved("0123456", resolve=lambda _: None, shallow=lambda: True, location="m.yaml:1:1")
    assert (finding.id, finding.status.value) == ("manifest.commit_unchecked", "skipped")
    assert "fetch-depth: 0" in finding.remedy
    assert finding.location == "m.yaml:1:1"


def test_a_commit_that_a_whole_clone_does_not_hold_is_an_error() -> None:
    """A short id that resolves is fine; one that does not is an error."""
    assert unresolved("0123456", resolve={"0123456": HEX[:40]}.get, shallow=lambda: False) == ()
    (finding,) = unresolved("0123456", resolve=lambda _: None, shallow=lambda: False)
    assert (finding.id, finding.severity.value) == ("manifest.commit", "error")


def test_parts_of_a_commit() -> None:
    """The address holds no `@`, so the last one begins the id."""
    reference = parse_commit(f"git+https://h/r@{HEX}")
    assert reference is not None
    assert (reference.repository, reference.id) == ("git+https://h/r", HEX)
    assert parse_commit("git+https://a@b@0123456") is None
