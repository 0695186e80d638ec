"""What can be said of a policy where a cluster admits images: who signs, what their statement says, and what is left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """A field of the provenance's `run` (`spec/release-buildtype-v1.md`) that must be one of `values`, or match one."""

    field: str
    values: tuple[str, ...]
    #: Whether the values are regular expressions (RE2, anchored).
    patterns: bool = False


@dataclass(frozen=True, slots=True)
class Attestor:
    """Who may have signed, and what the provenance that he signed must say about the run."""

    #: Exact subject and issuer of the certificate; `subject_pattern` (RE2, anchored) where no ref was named.
    subject: str | None = None
    subject_pattern: str | None = None
    issuer: str | None = None
    #: PEM, instead of a certificate.
    public_key: str | None = None
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True)
class Omission:
    """Something that the policy asks and a cluster does not: a gate, or a part of one."""

    gate: str
    why: str


@dataclass(frozen=True, slots=True)
class Admission:
    """A policy as a cluster can hold images to it: any of the attestors has signed every one of the predicate types."""

    name: str
    policy_digest: str
    #: Repositories, HOST/PATH, below which images must meet it.
    repositories: tuple[str, ...]
    attestors: tuple[Attestor, ...]
    predicate_types: tuple[str, ...]
    omissions: tuple[Omission, ...]
