"""Licence files: recognised by a few distinctive phrases; what is none of them, or several, is never guessed."""

from __future__ import annotations

import re
from typing import NamedTuple

from model_provenance.domain.facts import LicenseFact
from model_provenance.domain.files import Role
from model_provenance.domain.finding import Finding, Severity, Status
from model_provenance.domain.text import shown
from model_provenance.readers.cursor import Cursor
from model_provenance.readers.reading import Head, Reader, Reading, never

READS = (
    "the text, up to 256 KiB: Apache-2.0, MIT, BSD, GPL, LGPL, AGPL, MPL, Creative Commons, OpenRAIL, Llama, Gemma",
    "a text that is none or several of these is a finding, and no licence fact",
)

_SIZE_LIMIT = 256 << 10
#: Titles stand at the beginning; licences quote one another's titles further down.
_TITLE_LENGTH = 600


class _Phrases(NamedTuple):
    """One licence: all of `title` among the first words, all of `body` anywhere, none of `without` anywhere."""

    identifier: str
    title: tuple[str, ...] = ()
    body: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def fit(self, title: str, text: str) -> bool:
        """Whether a flattened text with this beginning is this licence."""
        begins = all(phrase in title for phrase in self.title)
        return (
            begins
            and all(phrase in text for phrase in self.body)
            and not any(phrase in text for phrase in self.without)
        )


_REDISTRIBUTION = ("redistributions of source code must retain", "redistributions in binary form must reproduce")

#: Lower case, without punctuation that `identify` takes out. The first that fits wins: the more particular before the
#: more general; those without a title are all found. Identifiers of the SPDX list, else those of model hubs.
_LICENSES = (
    _Phrases("llama4", ("llama 4 community license",)),
    _Phrases("llama3.3", ("llama 3.3 community license",)),
    _Phrases("llama3.2", ("llama 3.2 community license",)),
    _Phrases("llama3.1", ("llama 3.1 community license",)),
    _Phrases("llama3", ("llama 3 community license",)),
    _Phrases("llama2", ("llama 2 community license",)),
    _Phrases("gemma", ("gemma terms of use",)),
    _Phrases("openrail++", ("open rail++-m",)),
    _Phrases("creativeml-openrail-m", ("creativeml open rail-m",)),
    _Phrases("bigscience-bloom-rail-1.0", ("bigscience rail license v1.0",)),
    _Phrases("bigscience-openrail-m", ("bigscience open rail-m",)),
    _Phrases("bigcode-openrail-m", ("bigcode open rail-m",)),
    _Phrases("openrail", ("rail",), ("use-based restrictions", "derivatives of the model")),
    _Phrases("AGPL-3.0", ("gnu affero general public license version 3",)),
    _Phrases("LGPL-3.0", ("gnu lesser general public license version 3",)),
    _Phrases("GPL-3.0", ("gnu general public license version 3",)),
    _Phrases("LGPL-2.1", ("gnu lesser general public license version 2.1",)),
    _Phrases("GPL-2.0", ("gnu general public license version 2",)),
    _Phrases("Apache-2.0", ("apache license version 2.0",)),
    _Phrases("MPL-2.0", ("mozilla public license version 2.0",)),
    _Phrases("CC0-1.0", ("cc0 1.0 universal",)),
    _Phrases("CC-BY-NC-SA-4.0", ("attribution-noncommercial-sharealike 4.0 international",)),
    _Phrases("CC-BY-NC-ND-4.0", ("attribution-noncommercial-noderivatives 4.0 international",)),
    _Phrases("CC-BY-NC-4.0", ("attribution-noncommercial 4.0 international",)),
    _Phrases("CC-BY-SA-4.0", ("attribution-sharealike 4.0 international",)),
    _Phrases("CC-BY-4.0", ("attribution 4.0 international",)),
    _Phrases("Apache-2.0", (), ("apache license version 2.0 january 2004",)),
    _Phrases("Unlicense", (), ("free and unencumbered software released into the public domain",)),
    _Phrases("BSD-3-Clause", (), (*_REDISTRIBUTION, "neither the name of"), ("all advertising materials",)),
    _Phrases("BSD-2-Clause", (), _REDISTRIBUTION, ("neither the name of", "all advertising materials")),
    _Phrases(
        "MIT",
        (),
        ("permission is hereby granted free of charge to any person obtaining a copy", "the above copyright notice"),
        ("except as contained in this notice",),
    ),
)


def identify(text: str) -> tuple[str, ...]:
    """The identifiers of the licences in a text: one title at most, and every licence known by its body."""
    flat = re.sub(r"[\s,*#=_>\"'\u2018\u2019\u201c\u201d`()]+", " ", text.lower()).strip()
    flat = flat.replace("openrail", "open rail")
    title = flat[:_TITLE_LENGTH]
    fitting = [phrases for phrases in _LICENSES if phrases.fit(title, flat)]
    titled = [phrases.identifier for phrases in fitting if phrases.title][:1]
    return tuple(dict.fromkeys([*titled, *(phrases.identifier for phrases in fitting if not phrases.title)]))


def _read(head: Head, cursor: Cursor) -> Reading:
    data = cursor.peek(min(cursor.remaining, _SIZE_LIMIT))
    identifiers = identify(data.decode("utf-8", "replace"))
    if len(identifiers) == 1:
        return Reading({"license": identifiers[0]}, licenses=(LicenseFact(identifiers[0], head.path),))
    if head.name.startswith("notice"):
        return Reading({"licenses": list(identifiers)})
    what = f"holds several licence texts ({', '.join(identifiers)})" if identifiers else "is not one of the texts known"
    finding = Finding(
        "readers.license",
        Severity.INFO,
        Status.SKIPPED,
        f"{shown(head.path)} {what}, so it does not say which licence applies",
        location=head.path,
    )
    return Reading({"licenses": list(identifiers)}, findings=(finding,))


def _by_name(head: Head) -> bool:
    return head.role is Role.LICENSE


READER = Reader("license", "readers.license", READS, never, _by_name, _read)
