"""Licences as people write them: resolved where the text says which, left open where it does not."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from importlib.resources import files

import license_expression  # type: ignore[import-untyped]  # it publishes no types
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.describe.sbom.licensing import licensing
from model_provenance.domain.facts import LicenseFact
from model_provenance.domain.files import Role
from model_provenance.domain.licenses import Restriction
from model_provenance.domain.sbom import Licensing
from model_provenance.formats.hub_licenses import FAMILIES, HUB, SAME_AS
from model_provenance.formats.licenses import expression_of, identifier_of, resolve, web_address

ROLES = {"README.md": Role.CARD, "LICENSE": Role.LICENSE, "model.gguf": Role.WEIGHT}


def told(*said: tuple[str, str], manifest: str | None = None) -> tuple[Licensing, list[str]]:
    """What follows from (source, licence) pairs, and the identifiers of the findings."""
    facts = [LicenseFact(identifier, source) for source, identifier in said]
    result, findings = licensing(manifest, facts, ROLES)
    return result, [finding.id for finding in findings]


@pytest.mark.parametrize(
    ("written", "expression"),
    [
        ("apache-2.0", "Apache-2.0"),
        (" MIT ", "MIT"),
        ("cc-by-nc-sa-4.0", "CC-BY-NC-SA-4.0"),
        ("gpl-3.0", "GPL-3.0"),
        ("odc-by", "ODC-By-1.0"),
        ("openmdw-1.0", "OpenMDW-1.0"),
        ("llama3.1", "LicenseRef-llama3.1"),
        ("openrail++", "LicenseRef-openrail-plus-plus"),
        ("gpl", "LicenseRef-gpl"),
        ("mit or apache-2.0", "MIT OR Apache-2.0"),
        ("Apache-2.0 with llvm-exception", "Apache-2.0 WITH LLVM-exception"),
        ("(mit and licenseref) or x", None),
        ("LicenseRef-acme", "LicenseRef-acme"),
        ("MIT AND LicenseRef-acme", "MIT AND LicenseRef-acme"),
        ("((mit)) AND (isc or (zlib or BSD-2-Clause)) and mit", "MIT AND (ISC OR Zlib OR BSD-2-Clause) AND MIT"),
    ],
)
def test_identifiers_and_expressions_are_written_as_spdx_writes_them(written: str, expression: str | None) -> None:
    """Letter case and hub spellings are the only things that change; an unknown part makes no expression."""
    license = resolve(written)

    assert license is not None
    if expression is None:
        assert license.expression.startswith("LicenseRef-")
    else:
        assert expression == license.expression


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_family_stays_ambiguous(family: str) -> None:
    """No member of a family is chosen, whatever a library would say that `gpl` means."""
    license = resolve(family)

    assert license is not None
    assert license.ambiguous
    assert f"LicenseRef-{family}" == license.expression


@pytest.mark.parametrize("written", ["other", "unknown", "", "  ", "Other"])
def test_what_names_no_licence_gives_none(written: str) -> None:
    """`other` without a name is not a licence."""
    assert resolve(written) is None


def test_other_is_named_by_the_card() -> None:
    """`license: other` takes its name from `license_name` and its address from `license_link`."""
    license = resolve("other", name="tongyi-qianwen", link="https://example.com/LICENSE")

    assert license is not None
    assert license.expression == "LicenseRef-tongyi-qianwen"
    assert license.references == (("LicenseRef-tongyi-qianwen", "tongyi-qianwen"),)
    assert license.url == "https://example.com/LICENSE"


def test_other_with_the_name_of_a_known_licence_is_that_licence() -> None:
    """`license: other, license_name: llama3.1` is Llama 3.1."""
    assert resolve("other", name="llama3.1") == resolve("llama3.1")


def test_names_that_shorten_alike_stay_apart() -> None:
    """Two licences whose names differ only in characters that SPDX does not take have two identifiers."""
    first, second = resolve("My Licence!"), resolve("My Licence?")

    assert first is not None
    assert second is not None
    assert first.expression != second.expression


@pytest.mark.parametrize(
    ("written", "flags"),
    [
        ("cc-by-nc-nd-4.0", {Restriction.NON_COMMERCIAL, Restriction.NO_DERIVATIVES}),
        ("cc-by-nc-sa-4.0", {Restriction.NON_COMMERCIAL, Restriction.SHARE_ALIKE}),
        ("llama3.1", {Restriction.ACCEPTABLE_USE, Restriction.USER_THRESHOLD}),
        ("creativeml-openrail-m", {Restriction.USE_RESTRICTED}),
        ("agpl-3.0", {Restriction.SHARE_ALIKE}),
        ("MIT AND CC-BY-NC-4.0", {Restriction.NON_COMMERCIAL}),
        ("apache-2.0", set()),
    ],
)
def test_restrictions_are_flagged(written: str, flags: set[Restriction]) -> None:
    """What a licence does not simply allow is said beside it."""
    license = resolve(written)

    assert license is not None
    assert flags == set(license.restrictions)


def test_exceptions_are_not_licences() -> None:
    """An exception stands only behind WITH, and a licence never does."""
    assert identifier_of("LLVM-exception") is None
    assert expression_of("LLVM-exception") is None
    assert expression_of("MIT WITH Apache-2.0") is None
    assert expression_of("MIT AND LLVM-exception") is None


@pytest.mark.parametrize(
    "text",
    [
        "(" * 200,
        "MIT OR",
        "AND",
        "MIT (Apache-2.0)",
        "MIT OR " * 60,
        "mit or\x00 x",
        ")(",
        "",
        "()",
        "(AND 0",
        "(" * 21 + "MIT" + ")" * 21,
    ],
)
def test_a_broken_expression_is_none(text: str) -> None:
    """Grammar errors of any kind, and texts beyond the limit, are not expressions."""
    assert expression_of(text) is None


@pytest.mark.parametrize(
    ("link", "accepted"),
    [
        ("https://example.com/a%20b?x=1#", False),
        ("https://example.com/a%20b?x=1", True),
        ("https://example.com", True),
        ("http://example.com:8080/x", True),
        ("javascript:alert(1)", False),
        ("https://user:secret@example.com/", False),
        ("https://example.com/\nX", False),
        ("https://example.com/%zz", False),
        ("https://localhost/x", False),
        ("file:///etc/passwd", False),
        ("LICENSE", False),
        ("https://example.com/" + "a" * 600, False),
    ],
)
def test_only_plain_web_addresses_pass(link: str, accepted: bool) -> None:
    """An address that some format or reader may trip over is dropped."""
    assert (link if accepted else None) == web_address(link)


def test_the_tables_do_not_contradict_the_list() -> None:
    """Hub identifiers are not SPDX identifiers, and aliases lead to listed ones."""
    assert not [name for name in (*HUB, *FAMILIES) if identifier_of(name)]
    assert list(SAME_AS.values()) == [identifier_of(name) for name in SAME_AS.values()]
    assert all(entry.url is None or web_address(entry.url) for entry in HUB.values())


def test_the_identifiers_are_those_of_the_cyclonedx_schema() -> None:
    """Licences and exceptions together are exactly what the strict validator accepts as `license.id`."""
    schema = json.loads(files("cyclonedx.schema._res").joinpath("spdx.SNAPSHOT.schema.json").read_text())
    ours = files("model_provenance.formats").joinpath("spdx-license-ids.txt").read_text().split("\n", 1)[1].split()

    assert set(schema["enum"]) == set(ours)
    assert len(ours) == len({name.lower() for name in ours})


@given(st.text(max_size=400), st.none() | st.text(max_size=400), st.none() | st.text(max_size=100))
def test_any_text_gives_a_writable_licence_or_none(written: str, name: str | None, link: str | None) -> None:
    """Whatever an author wrote, the expression is made of listed identifiers and well-formed references."""
    license = resolve(written, name=name, link=link)
    if license is None:
        return

    assert license.expression == expression_of(license.expression)
    for reference, title in license.references:
        assert re.fullmatch(r"LicenseRef-[0-9A-Za-z.-]+", reference)
        assert title


SYMBOLS = st.sampled_from(["MIT", "apache-2.0", "GPL-2.0-only", "LicenseRef-x"])
EXPRESSIONS = st.recursive(
    SYMBOLS | SYMBOLS.map(lambda name: f"{name} WITH Classpath-exception-2.0"),
    lambda inner: st.tuples(inner, st.sampled_from(["AND", "OR", "and", "or"]), inner).map(
        lambda parts: f"({parts[0]}) {parts[1]} ({parts[2]})"
    ),
    max_leaves=6,
).filter(lambda text: len(text) <= 300)
WORDS = st.lists(
    st.sampled_from(["MIT", "AND", "or", "WITH", "(", ")", "LLVM-exception", "LicenseRef-x", "gpl", "0", "+"]),
    max_size=12,
).map(" ".join)


@given(EXPRESSIONS)
def test_expressions_mean_what_the_reference_library_reads(text: str) -> None:
    """The normal form is equivalent to the text, and is its own normal form."""
    library = license_expression.Licensing()
    normal = expression_of(text)

    assert normal is not None
    assert expression_of(normal) == normal
    assert library.is_equivalent(normal.lower(), text.lower())


@given(WORDS)
def test_words_in_any_order_are_an_expression_or_not(text: str) -> None:
    """No order of operators, parentheses and names is a crash; what is accepted the reference library accepts too."""
    normal = expression_of(text)
    if normal is not None:
        assert license_expression.Licensing().parse(normal) is not None
    resolve(text)


def test_agreeing_sources_conclude_a_licence() -> None:
    """Card and licence text say the same: declared and concluded."""
    result, findings = told(("README.md", "apache-2.0"), ("LICENSE", "Apache-2.0"))

    assert (result.declared, result.concluded) == ("Apache-2.0", "Apache-2.0")
    assert result.comment == "Apache-2.0 declared (README.md); Apache-2.0 observed (LICENSE)"
    assert findings == []


@pytest.mark.parametrize(
    ("said", "manifest", "declared"),
    [
        ([("README.md", "apache-2.0"), ("LICENSE", "MIT")], None, "Apache-2.0"),
        ([("README.md", "apache-2.0")], "MIT", "MIT"),
        ([("LICENSE", "MIT")], "Apache-2.0", "Apache-2.0"),
        ([("README.md", "mit"), ("model.gguf", "apache-2.0"), ("LICENSE", "MIT")], None, "MIT AND Apache-2.0"),
    ],
)
def test_a_conflict_is_a_finding_and_concludes_nothing(
    said: Sequence[tuple[str, str]], manifest: str | None, declared: str
) -> None:
    """The manifest has the first word on what is declared; nobody has the last."""
    result, findings = told(*said, manifest=manifest)

    assert declared == result.declared
    assert result.concluded is None
    assert findings == ["sbom.license_conflict"]


def test_licence_texts_may_cover_more_than_is_declared() -> None:
    """The licence of vendored code beside the model's own is no conflict."""
    result, findings = told(("README.md", "mit"), ("LICENSE", "MIT"), ("LICENSE", "Apache-2.0"))

    assert result.concluded == "MIT"
    assert findings == []


def test_an_expression_agrees_with_the_texts_of_its_parts() -> None:
    """`MIT OR Apache-2.0` is what two licence files are about."""
    result, findings = told(("README.md", "mit or apache-2.0"), ("LICENSE", "MIT"), ("LICENSE", "Apache-2.0"))

    assert result.concluded == "MIT OR Apache-2.0"
    assert findings == []


def test_licences_side_by_side_are_joined_and_not_concluded() -> None:
    """A card's list does not say whether all or one applies; AND promises least."""
    result, findings = told(("README.md", "mit"), ("README.md", "cc-by-4.0 OR cc0-1.0"))

    assert result.declared == "MIT AND (CC-BY-4.0 OR CC0-1.0)"
    assert result.concluded is None
    assert findings == []


def test_an_ambiguous_licence_is_a_finding() -> None:
    """`gpl` is declared as it is and concluded by nobody."""
    result, findings = told(("README.md", "gpl"))

    assert (result.declared, result.concluded) == ("LicenseRef-gpl", None)
    assert findings == ["sbom.license_ambiguous"]


def test_no_licence_is_a_finding_that_says_where_one_was_looked_for() -> None:
    """Silence and `other` without a name are told apart."""
    nothing, findings = licensing(None, [], {})
    unnamed, more = licensing(None, [LicenseFact("other", "README.md")], ROLES)

    assert Licensing() == nothing == unnamed
    assert [finding.id for finding in findings] == ["sbom.license_missing"]
    assert "README.md" in more[0].message
