"""Model cards: front matter as text and nothing else, bounded, with the licence, data and lineage it declares."""

from __future__ import annotations

import contextlib
import time

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from model_provenance.domain.facts import DatasetFact, Inspection, LicenseFact
from model_provenance.formats import yaml_events as module
from model_provenance.readers.cursor import ReaderError
from model_provenance.readers.front_matter import front_matter

from .build import codes, facts_of, file_facts

CARD = b"""---
license: other
license_name: acme-1.0
license_link: https://example.org/acme
language: [en, no]
datasets:
- s2orc
- acme/data
base_model:
  - acme/base
base_model_relation: finetune
pipeline_tag: text-generation
library_name: transformers
tags: [a, b]
date: 2024-01-02
co2_eq_emissions:
  emissions: 12.5
model-index:
- name: m
  results:
  - task: {type: text-generation}
    dataset: {name: Squad, type: squad}
    metrics:
    - {type: accuracy, value: 0.91}
---
# The model
---
not: yaml: here
"""


@pytest.fixture(params=["CSafeLoader", "SafeLoader"])
def loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both parsers of PyYAML; the one over libyaml is not built everywhere."""
    monkeypatch.setattr(module, "_LOADER", getattr(yaml, request.param))


@pytest.mark.usefixtures("loader")
def test_a_card_declares_licence_data_and_lineage() -> None:
    """Every field that a release needs is read, as text: `no` is Norwegian, dates stay as written."""
    facts = facts_of({"README.md": CARD})
    assert facts.licenses == (LicenseFact("other", "README.md", "acme-1.0", "https://example.org/acme"),)
    assert facts.languages == ("en", "no")
    assert facts.datasets == (DatasetFact("s2orc", "README.md"), DatasetFact("acme/data", "README.md"))
    assert facts.base_models == ("acme/base",)
    assert (facts.task, facts.library) == ("text-generation", "transformers")
    details = facts.files[0].details
    assert details["base_model_relation"] == "finetune"
    assert details["co2_eq_emissions"] == {"emissions": "12.5"}
    assert details["results"] == [
        {"task": "text-generation", "dataset": "Squad", "metric": "accuracy", "value": "0.91"}
    ]
    assert front_matter(CARD)["date"] == "2024-01-02"  # type: ignore[index]


def test_a_readme_without_front_matter_is_read_and_says_nothing() -> None:
    """Plain Markdown is no error."""
    facts = facts_of({"README.md": b"# Hello\n---\na: b\n---\n"})
    assert facts.files[0].inspection is Inspection.READ
    assert facts.licenses == ()
    assert not facts.findings


@pytest.mark.parametrize(
    "data", [b"\xef\xbb\xbf---\na: b\n---\n", b"\n\n---\r\na: b\r\n---\r\n", b"---  \na: b\n--- \nx"]
)
def test_byte_order_marks_and_line_ends_do_not_matter(data: bytes) -> None:
    """What editors leave behind is accepted."""
    assert front_matter(data) == {"a": "b"}


def test_aliases_share_and_are_few() -> None:
    """A few aliases are resolved; the value is shared, not copied."""
    value = front_matter(b"---\na: &x [1, 2]\nb: *x\n---\n")
    assert value is not None
    assert value["b"] is value["a"]


LAUGHS = b"---\na0: &a0 [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 10)
)
BROKEN = {
    "python object": b"---\na: !!python/object/apply:os.system [true]\n---\n",
    "local tag": b"---\na: !thing x\n---\n",
    "binary tag": b"---\na: !!binary aGk=\n---\n",
    "billion laughs": LAUGHS + b"---\n",
    "alias of nothing": b"---\na: *x\n---\n",
    "alias of itself": b"---\na: &x [*x]\n---\n",
    "duplicate key": b"---\nlicense: mit\nlicense: apache-2.0\n---\n",
    "duplicate nested key": b"---\na: {b: 1, b: 2}\n---\n",
    "list as key": b"---\n? [a, b]\n: c\n---\n",
    "a list": b"---\n- a\n---\n",
    "a scalar": b"---\nhello\n---\n",
    "two documents": b"---\na: b\n--- {}\nc: d\n---\n",
    "deep": b"---\na: " + b"[" * 100 + b"]" * 100 + b"\n---\n",
    "very deep": b"---\na: " + b"[" * 200_000 + b"\n---\n",
    "very deep mapping": b"---\na: " + b"{a: " * 100_000 + b"\n---\n",
    "many values": b"---\na: [" + b"1," * 300_000 + b"]\n---\n",
    "tabs": b"---\na:\n\t- b\n---\n",
    "open quote": b"---\na: 'b\n---\n",
    "control character": b"---\na: \x07\n---\n",
    "escape that is no character": b'---\na: "\\UFFFFFFFF"\n---\n',
    "not UTF-8": b"---\na: \xff\xfe\n---\n",
    "no end": b"---\na: b\n",
    "no end within the limit": b"---\na: " + b"b" * 1_100_000 + b"\n---\n",
    "anchors without end": b"---\n" + b"".join(b"k%d: &a%d x\n" % (n, n) for n in range(40_000)) + b"---\n",
    "a thousand datasets and one": b"---\ndatasets: [" + b",".join(b"d%d" % n for n in range(1001)) + b"]\n---\n",
}


@pytest.mark.usefixtures("loader")
@pytest.mark.parametrize("case", BROKEN)
def test_front_matter_that_is_not_plain_is_unreadable(case: str) -> None:
    """Tags, bombs, duplicates and everything else that is not small plain YAML has one finding and no facts."""
    start = time.thread_time()
    facts = facts_of({"README.md": BROKEN[case]})
    assert time.thread_time() - start < 10
    assert facts.files[0].inspection is Inspection.UNREADABLE
    assert codes(facts) == ["readers.card"]
    assert facts.licenses == ()
    assert facts.datasets == ()


@given(st.dictionaries(st.text(min_size=1), st.text() | st.lists(st.text()), max_size=5))
def test_what_a_yaml_writer_writes_is_read_back(value: dict[str, object]) -> None:
    """Any mapping of texts comes back equal, whatever characters it holds."""
    dumped = yaml.safe_dump(value)
    if any(line.startswith(("---", "...")) for line in dumped.splitlines()):
        return
    assert front_matter(b"---\n" + dumped.encode() + b"\n---\n") == value


@given(st.binary(max_size=200))
def test_any_bytes_between_the_lines_are_read_or_refused(data: bytes) -> None:
    """No input leaves the parser in another way than a value or a ReaderError."""
    with contextlib.suppress(ReaderError):
        front_matter(b"---\n" + data + b"\n---\n")


def test_control_characters_of_a_card_do_not_reach_the_facts() -> None:
    """A terminal escape in a licence name becomes a space."""
    facts = file_facts("README.md", b'---\nlicense: "mit\\x1b[2Jx\\u202e"\n---\n')
    assert facts.details["license"] == ["mit [2Jx"]
