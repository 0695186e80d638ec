"""The SLSA build level that a release's signature supports, with the facts that justify it. Derived, never asked.

SLSA v1.2, build track. The certificate is the only witness: what a job says about itself is declared. Level 3 needs the
signing to be out of reach of the job that ran the user's code, and only a review of the builder can tell that; so the
builders that reach it are a table, by path and by commit of the workflow: this file's, and that of the caller's own policy
(SLSA v1.2, "Verifying artifacts": the level comes from the verifier's roots of trust, never from the release).
"""

from __future__ import annotations

from dataclasses import dataclass

from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.text import shown
from model_provenance.formats.holder import BUILDER, BUILDER_DIGEST, CONFIG, RUNNER, split_uri
from model_provenance.formats.identity import ISSUERS

_HOSTED = ("github-hosted", "gitlab-hosted")


@dataclass(frozen=True, slots=True)
class ReviewedBuilder:
    """A reusable workflow that has been reviewed: it signs in a job of its own, out of reach of the caller's code."""

    #: `https://github.com/OWNER/REPO/.github/workflows/FILE`
    uri: str
    #: Commits (extension .10) at which it was reviewed.
    commits: frozenset[str]


#: Ours. A release cannot name its own commit, so the row of a version is added in the one after it (CONTRIBUTING.md, "The
#: reviewed builder").
REVIEWED_BUILDERS: tuple[ReviewedBuilder, ...] = ()


def slsa_level(
    signer: SignerIdentity, *, has_provenance: bool, reviewed: tuple[ReviewedBuilder, ...] | None = None
) -> tuple[int, tuple[str, ...]]:
    """Level and reasons of a verified release; 0 without provenance. `reviewed` is whose review counts, by default ours."""
    reviewed = REVIEWED_BUILDERS if reviewed is None else reviewed
    if not has_provenance:
        return 0, ("no provenance",)
    if signer.method != "keyless":
        return 1, ("provenance exists", "a key says nothing about where it was used")
    if signer.issuer not in ISSUERS.values():
        return 1, ("provenance exists", f"the signer is not a CI job of a known service: {shown(signer.subject)}")
    runner = signer.extension(RUNNER)
    if runner not in _HOSTED:
        return 1, (
            "provenance exists",
            f"the runner is {shown(runner or 'not named')}, not one that the CI service hosts",
        )
    hosted = ("provenance is signed with the identity of the CI job", f"the runner is {runner}")
    if _is_reviewed(signer, reviewed):
        return 3, (*hosted, "signed by a reviewed builder that the job's own code cannot reach")
    builder, _ = split_uri(signer.extension(BUILDER) or "")
    caller, _ = split_uri(signer.extension(CONFIG) or "")
    if builder and builder != caller:
        commit = signer.extension(BUILDER_DIGEST) or "a commit that is not named"
        return 2, (*hosted, f"3 for who has reviewed the builder, {shown(builder)} at {shown(commit, 64)}")
    return 2, (*hosted, "the job that ran the code of the build also signed")


def _is_reviewed(signer: SignerIdentity, reviewed: tuple[ReviewedBuilder, ...]) -> bool:
    builder, _ = split_uri(signer.extension(BUILDER) or "")
    caller, _ = split_uri(signer.extension(CONFIG) or "")
    commit = signer.extension(BUILDER_DIGEST)
    return builder != caller and any(builder == known.uri and commit in known.commits for known in reviewed)
