"""Is the holder of a certificate who was expected? The issuer first, then what it says about repository and workflow.

Without the issuer nothing else means anything: a GitLab instance of somebody else puts `https://gitlab.com/<path>` into
the source repository of its certificates (facts of Fulcio's templates), and anybody may name a project like ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from model_provenance.domain.context import Provider
from model_provenance.domain.evidence import SignerIdentity
from model_provenance.domain.finding import Finding, failed, warned
from model_provenance.domain.text import shown
from model_provenance.domain.verification import IdentityExpectation, RepositoryExpectation
from model_provenance.formats.identity import IDENTITY_LIMIT, ISSUERS, PATTERN_LIMIT, SERVERS

# Numbers of Fulcio's extensions, fulcio docs/oid-info.md.
ISSUER, BUILDER, BUILDER_DIGEST, RUNNER = 8, 9, 10, 11
REPOSITORY, COMMIT, REF, REPOSITORY_ID = 12, 13, 14, 15
CONFIG, EVENT, RUN, ENVIRONMENT = 18, 20, 21, 23
_LEGACY_EVENT = 2

_COMMIT_ID = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def repository_findings(expected: RepositoryExpectation, found: SignerIdentity) -> Iterator[Finding]:
    """What does not match, each with its own finding; the warnings about what was left open come last."""
    issuer = expected.issuer or ISSUERS[expected.provider]
    url = f"{expected.server_url or SERVERS[expected.provider]}/{expected.repository}"
    if found.extension(ISSUER) != issuer:
        yield _differs("signer.issuer", "the token issuer", found.extension(ISSUER), issuer)
    if found.extension(REPOSITORY) != url:
        yield _differs("signer.repository", "the source repository", found.extension(REPOSITORY), url)
    if expected.repository_id is None:
        yield warned(
            "signer.name_only",
            "the repository is expected by name alone, and names can be taken over",
            remedy=f"Add its ID: {expected.provider.value}:{expected.repository}#{_known_id(found)}",
        )
    elif found.extension(REPOSITORY_ID) != expected.repository_id:
        yield _differs(
            "signer.repository_id", "the repository's ID", found.extension(REPOSITORY_ID), expected.repository_id
        )
    yield from _config_findings(expected, found, url)
    yield from _ref_findings(expected, found)
    yield from _builder_findings(expected, found, url)
    if expected.environment is not None and found.extension(ENVIRONMENT) != expected.environment:
        environment = found.extension(ENVIRONMENT)
        yield _differs("signer.environment", "the deployment environment", environment, expected.environment)


def identity_findings(expected: IdentityExpectation, found: SignerIdentity) -> Iterator[Finding]:
    """The same for a bare certificate identity."""
    if found.issuer != expected.issuer:
        yield _differs("signer.issuer", "the token issuer", found.issuer, expected.issuer)
    if not _is_identity(expected, found.subject):
        kind = "a match of " if expected.is_regexp else ""
        yield _differs("signer.identity", "the certificate's identity", found.subject, kind + expected.identity)
    repository = found.extension(REPOSITORY)
    if expected.source_repository is not None:
        if repository != expected.source_repository:
            yield _differs("signer.repository", "the source repository", repository, expected.source_repository)
    elif repository is not None and not found.subject.startswith(f"{repository}/"):
        yield failed(
            "signer.source_repository",
            f"the workflow that signed lies outside the source repository {shown(repository)}, so its identity alone"
            " does not say whose model this is",
            remedy=f"Add --source-repository {shown(repository)} if that is the repository you expect.",
        )


def event_of(found: SignerIdentity) -> str | None:
    """What triggered the run: extension .20, or .2 of older certificates."""
    return found.extension(EVENT) or found.extension(_LEGACY_EVENT)


def split_uri(uri: str) -> tuple[str, str | None]:
    """A workflow or configuration URI as (file, ref). A ref is `refs/…` or a commit id; anything else is no ref.

    The file ends at the first `@`: were it the last, a branch could be named so that its own file looks like another.
    """
    file, at, ref = uri.partition("@")
    if not at or not (ref.startswith("refs/") or _COMMIT_ID.fullmatch(ref)):
        return uri, None
    return file, ref


def _config_findings(expected: RepositoryExpectation, found: SignerIdentity, url: str) -> Iterator[Finding]:
    """The workflow or pipeline file (.18): always one of the repository, and the expected one where it is named."""
    config = found.extension(CONFIG) or ""
    file, ref = split_uri(config)
    inside = f"{url}//" if expected.provider is Provider.GITLAB else f"{url}/"
    wanted = inside + (expected.workflow or "…")
    inside_repository = file.startswith(inside) and ref is not None
    if not inside_repository or (expected.workflow is not None and file != wanted):
        yield _differs("signer.workflow", "the workflow", config, wanted)
    elif expected.provider is Provider.GITLAB and ref not in (found.extension(REF), found.extension(COMMIT)):
        # The file's ref is that of the run, or part of the file's name has been taken for a ref.
        yield _differs(
            "signer.workflow", "the ref of the pipeline file", ref, found.extension(REF) or "that of the run"
        )


def _ref_findings(expected: RepositoryExpectation, found: SignerIdentity) -> Iterator[Finding]:
    ref = found.extension(REF)
    if ref is None or not ref.startswith("refs/"):
        yield _differs("signer.ref", "the ref", ref, expected.ref or "refs/…")
    elif expected.ref is None:
        yield warned(
            "signer.any_ref",
            f"any branch or tag of the repository may have signed; this was {shown(ref)}",
            remedy=f"Add @{shown(ref)} to --signer if only that ref may release.",
        )
    elif ref != expected.ref:
        yield _differs("signer.ref", "the ref", ref, expected.ref)


def _builder_findings(expected: RepositoryExpectation, found: SignerIdentity, url: str) -> Iterator[Finding]:
    """The workflow that signed (.9): in the repository itself, or exactly the builder that was named.

    Where a builder is named, nothing else will do: whoever names it wants signing kept away from the training job.
    """
    signed_by = found.extension(BUILDER) or ""
    file, ref = split_uri(signed_by)
    if expected.builder is not None:
        wanted = f"{expected.server_url or SERVERS[expected.provider]}/{expected.builder}"
        if (signed_by if "@" in wanted else file) != wanted or ref is None:
            yield _differs("signer.builder", "the workflow that signed", signed_by, wanted)
        return
    inside = f"{url}//" if expected.provider is Provider.GITLAB else f"{url}/"
    if not file.startswith(inside) or ref is None:
        server = f"{expected.server_url or SERVERS[expected.provider]}/"
        flag = f"--builder {shown(signed_by.removeprefix(server), 300)}"
        yield failed(
            "signer.builder",
            f"the workflow that signed is not one of the repository: {shown(signed_by) or 'none is named'}",
            remedy=f"Add {flag} if you trust that workflow to sign for this repository.",
        )


def _is_identity(expected: IdentityExpectation, subject: str) -> bool:
    if not expected.is_regexp:
        return subject == expected.identity
    # Both sides are bounded, which is what keeps a careless pattern from running for ever.
    if len(expected.identity) > PATTERN_LIMIT or len(subject) > IDENTITY_LIMIT:
        return False
    return re.fullmatch(expected.identity, subject) is not None


def _known_id(found: SignerIdentity) -> str:
    return shown(found.extension(REPOSITORY_ID) or "ID", 30)


def _differs(code: str, what: str, found: str | None, expected: str) -> Finding:
    return failed(code, f"{what} is {shown(found) if found else 'not named'}, expected {shown(expected)}")
