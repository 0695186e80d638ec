"""Who and where we are, with how each fact is known."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T = TypeVar("T")


class Known(Enum):
    """How a fact is known (design, 1): read from bytes or a signed token, typed by a person, looked up, or not at all."""

    OBSERVED = "observed"
    DECLARED = "declared"
    RESOLVED = "resolved"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Fact(Generic[T]):
    """A value with how it is known and where from, e.g. `Fact("sha256:…", Known.OBSERVED, "GITHUB_JOB container")`."""

    value: T | None
    known: Known
    source: str = ""


class Visibility(Enum):
    """Who may see the repository; UNKNOWN counts as private."""

    PUBLIC = "public"
    INTERNAL = "internal"
    PRIVATE = "private"
    UNKNOWN = "unknown"


class Provider(Enum):
    """Where this process runs."""

    GITHUB = "github"
    GITLAB = "gitlab"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class GitState:
    """The source repository, as git itself says (hooks, fsmonitor and filters off)."""

    root: str
    commit: str
    #: Unix seconds of the commit.
    commit_time: int
    dirty: bool
    shallow: bool
    #: Without credentials, `https://host/path` form where it can be told; None without a remote.
    remote: str | None
    tag: str | None


@dataclass(frozen=True, slots=True)
class CiRun:
    """One CI job: from the runner's environment, and from the token's claims where there is a token.

    GitHub and GitLab claim names are mapped to the words of Fulcio's extensions (fulcio docs/oid-info.md).
    """

    provider: Provider
    server_url: str
    repository: str
    repository_id: str | None
    owner: str | None
    owner_id: str | None
    commit: str
    ref: str
    event: str
    #: GitHub workflow_ref / GitLab ci_config_ref_uri, without scheme for GitLab: `host/group/project//.gitlab-ci.yml@ref`.
    config_uri: str | None
    config_commit: str | None
    #: GitHub job_workflow_ref (the workflow that signs); equals config_uri for GitLab and for in-job signing.
    builder_uri: str | None
    run_id: str
    run_attempt: str | None
    run_url: str
    job: str | None
    runner_environment: str | None
    visibility: Visibility
    actor: str | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """The claims of one OIDC identity token that matter here; never the token itself."""

    issuer: str
    subject: str
    audience: str
    expires: int
    #: True when the token speaks for a person (an e-mail), whose address signing would publish.
    personal: bool
    claims: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Context:
    """Everything that the runner and git say, in one value."""

    provider: Provider
    git: GitState | None
    run: CiRun | None
    identity: Identity | None
    #: `git+https://host/repo@<40 hex>` of the commit that releases.
    release_commit: Fact[str]
    training_commit: Fact[str]
    #: `sha256:…` of the container that the job runs in.
    container_digest: Fact[str]
    #: The container reference the digest belongs to, where known.
    container_image: str | None
    visibility: Visibility
    #: Seconds since 1970: SOURCE_DATE_EPOCH, else the release commit's time, else None (design, 1.3).
    epoch: int | None
