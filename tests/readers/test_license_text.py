"""Licence files: known by a few phrases, otherwise said not to be known."""

from __future__ import annotations

from pathlib import Path

import pytest

from model_provenance.domain.facts import Inspection
from model_provenance.domain.finding import Severity
from model_provenance.readers.license_text import identify

from .build import codes, facts_of

BSD = "Redistributions of source code must retain x. Redistributions in binary form must reproduce y. "
MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy. The above copyright notice"


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("MIT License\n\nCopyright (c) 2024 A\n\n" + MIT, "MIT"),
        (BSD + "Neither the name of the copyright holder", "BSD-3-Clause"),
        (BSD, "BSD-2-Clause"),
        ("   Apache License\n   Version 2.0, January 2004\n", "Apache-2.0"),
        ("GNU GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", "GPL-3.0"),
        ("GNU AFFERO GENERAL PUBLIC LICENSE\n Version 3, 19 November 2007", "AGPL-3.0"),
        ("GNU LESSER GENERAL PUBLIC LICENSE\n Version 3, 29 June 2007", "LGPL-3.0"),
        ("LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: July 23, 2024", "llama3.1"),
        ("META LLAMA 3 COMMUNITY LICENSE AGREEMENT", "llama3"),
        ("LLAMA 2 COMMUNITY LICENSE AGREEMENT", "llama2"),
        ("Gemma Terms of Use\nLast modified: April 1, 2024", "gemma"),
        ("Copyright (c) 2022\n\nCreativeML Open RAIL-M\ndated August 22, 2022", "creativeml-openrail-m"),
        ("BigCode OpenRAIL-M v1 License Agreement", "bigcode-openrail-m"),
        ("# Attribution-NonCommercial 4.0 International", "CC-BY-NC-4.0"),
    ],
)
def test_the_most_frequent_licences_are_recognised(text: str, identifier: str) -> None:
    """A few phrases of its own tell each licence, whatever its line breaks and punctuation."""
    facts = facts_of({"LICENSE": text.encode()})
    assert [license.identifier for license in facts.licenses] == [identifier]
    assert facts.licenses[0].source == "LICENSE"
    assert not facts.findings


def test_our_own_licence_is_recognised() -> None:
    """The whole text of Apache-2.0, as this project ships it."""
    assert identify((Path(__file__).parents[2] / "LICENSE").read_text()) == ("Apache-2.0",)


@pytest.mark.parametrize("text", ["All rights reserved.", "", MIT + "\n" + BSD, "licensed under MIT"])
def test_what_is_not_one_licence_is_never_guessed(text: str) -> None:
    """Unknown or several texts: no licence fact, and a finding for the record."""
    facts = facts_of({"LICENSE": text.encode()})
    assert facts.licenses == ()
    assert facts.files[0].inspection is Inspection.READ
    assert codes(facts) == ["readers.license"]
    assert facts.findings[0].severity is Severity.INFO


def test_a_notice_is_no_licence() -> None:
    """NOTICE files belong to licences and are none."""
    facts = facts_of({"NOTICE": b"This product includes software of A."})
    assert facts.licenses == ()
    assert not facts.findings


def test_a_large_or_binary_licence_is_no_problem() -> None:
    """Only the beginning is read; bytes that are no text are no licence."""
    assert (
        facts_of({"LICENSE": b"Apache License Version 2.0" + b" x" * 1_000_000}).licenses[0].identifier == "Apache-2.0"
    )
    assert facts_of({"LICENSE": bytes(range(256)) * 100}).licenses == ()
