"""Verify what one bundle alone says: an OMS signature, any statement about a thing, or a signature over a file."""

from __future__ import annotations

from model_provenance.domain.digest import Digest
from model_provenance.domain.verification import Expectation, Observed, Report, Trust
from model_provenance.verify.assemble import bundle_case
from model_provenance.verify.run import report_of


def verify_bundle(
    bundle: bytes,
    observed: Observed | None,
    expectation: Expectation,
    trust: Trust,
    *,
    digest: Digest | None = None,
    ignore_unsigned: bool = False,
) -> Report:
    """The verdict over one bundle and its target, or the target's `digest`; `not_checked` says what it leaves open.

    `ignore_unsigned` tolerates files that an OMS signature does not list; every listed one is checked all the same.
    Raises only for what the caller got wrong: `key.malformed`, `key.unsupported`, `trust.root_invalid`.
    """
    return report_of(bundle_case(bundle, observed, expectation, trust, digest=digest, ignore_unsigned=ignore_unsigned))
