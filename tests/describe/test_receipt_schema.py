"""`receipt.v1.json` describes what is written, strictly enough to catch what is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from model_provenance.domain.evidence import Bundle, LogEntry, SignerIdentity
from model_provenance.domain.finding import passed, warned
from model_provenance.domain.package import Layout
from model_provenance.domain.receipt import Receipt, ReleaseResult
from model_provenance.formats.receipt import receipt_value
from model_provenance.formats.schema_check import load_schema

SIGNER = SignerIdentity(
    "keyless", "https://github.com/acme/minilm", "https://issuer", ((12, "https://github.com/acme"),)
)
ENTRY = LogEntry("https://rekor.example.com", 42, "dsse 0.0.1", 1_700_000_000, None)


def errors(value: Any) -> list[str]:
    """What the schema finds wrong."""
    return [error.message for error in jsonschema.Draft202012Validator(load_schema("receipt.v1")).iter_errors(value)]


@pytest.fixture(name="receipt")
def _receipt(release: Any) -> Callable[..., dict[str, Any]]:
    """The value of a receipt, signed or not."""

    def make(*, signed: bool = True, layout: Layout = Layout.LAYERS) -> dict[str, Any]:
        made = release(context="github", layout=layout)
        bundles = [Bundle(s.name, s.predicate_type, b"{}", s.payload, (ENTRY,)) for s in made.statements]
        receipt = Receipt(
            result=ReleaseResult.SIGNED if signed else ReleaseResult.UNSIGNED,
            name=made.name,
            version=made.version,
            package=made.package,
            statements=made.statements,
            bundles=tuple(bundles) if signed else (),
            signer=SIGNER if signed else None,
            findings=(passed("x.y", "held"), warned("x.z", "did not", location="a:1:2")),
            sbom_engine="native",
            timings=(("read", 1.5), ("sign", 0.25)),
            verify_options=(),
            slsa_level=2 if signed else None,
            slsa_reasons=("because",) if signed else (),
        )
        return receipt_value(receipt)

    return make


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("layout", [Layout.LAYERS, Layout.TAR_ZST])
def test_receipts_are_valid(receipt: Callable[..., dict[str, Any]], signed: bool, layout: Layout) -> None:
    """What a run writes is what the schema describes."""
    assert errors(receipt(signed=signed, layout=layout)) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "x"},
        {"result": "PASS"},
        {"model_digest": "a" * 64},
        {"package_digest": ...},
        {"manifest_digests": []},
        {"files": -1},
        {"signer": None},
        {"log_entries": [{}]},
        {"references": ["ghcr.io/acme/minilm:1.2.0"]},
        {"slsa_level": 4},
        {"timings": {"read": 1.5}},
        {"findings": [{"id": "x"}]},
        {"extra": 1},
    ],
    ids=str,
)
def test_a_receipt_with_one_wrong_field_is_not_valid(
    receipt: Callable[..., dict[str, Any]], changes: dict[str, Any]
) -> None:
    """Types, forms, closed objects, and what a signed release has to have."""
    value = {key: new for key, new in {**receipt(), **changes}.items() if new is not ...}
    assert errors(value)


def test_an_unsigned_receipt_cannot_look_signed(receipt: Callable[..., dict[str, Any]]) -> None:
    """UNSIGNED has no signer, no log entry, no reference and no bundle."""
    signed, unsigned = receipt(), receipt(signed=False)
    for field in ("signer", "log_entries", "statements"):
        assert errors({**unsigned, field: signed[field]})
    assert errors({**signed, "statements": unsigned["statements"]})
