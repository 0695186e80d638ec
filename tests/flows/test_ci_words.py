"""What a job is told in its own words."""

from __future__ import annotations

import pytest

from model_provenance.flows.ci_words import as_inputs

ENV = {"MODEL_PROVENANCE_ALLOW_PUBLIC_LOG": "false", "MODEL_PROVENANCE_TRUST_CONFIG": ""}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("allow it with --allow-public-log.", "allow it with the input `allow-public-log`."),
        (
            "a private one (--trust-config) or a key (--key)",
            "a private one (the input `trust-config`) or a key (--key)",
        ),
        ("--trust-config-file and x--trust-config", "--trust-config-file and x--trust-config"),
        ("run `sign --trust-config FILE` or `--trust-config`", "run `sign --trust-config FILE` or `--trust-config`"),
    ],
)
def test_options_that_a_job_has_are_its_inputs(text: str, told: str) -> None:
    """An option without an input stays what it is, and so does a command that somebody is to type."""
    assert as_inputs(text, ENV) == told
