"""What `verify` and `pull` are told to expect, from their options."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_provenance.cli.access import access
from model_provenance.cli.status_options import memory, moment_of

if TYPE_CHECKING:
    from model_provenance.flows.memory import Memory
    from model_provenance.flows.verify import VerifyRequest
    from model_provenance.oci.access import Access
    from model_provenance.policy.document import Policy

SCHEME = "oci://"


def verify_request(target: str, given: Mapping[str, Any]) -> VerifyRequest:
    """The request; `oci://…` is a model in a registry, everything else a path or a digest."""
    from model_provenance.flows.expectation import SignerOptions  # noqa: PLC0415 - loaded when used
    from model_provenance.flows.tree_heads import open_heads  # noqa: PLC0415
    from model_provenance.flows.verify import VerifyRequest  # noqa: PLC0415

    remote = target.startswith(SCHEME)
    policy = _policy(target, given)
    return VerifyRequest(
        target=Path(target),
        signer=SignerOptions(
            key=given["key"],
            certificate_chain=given.get("certificate_chain"),
            signer=given["signer"],
            builder=given["builder"],
            environment=given.get("environment"),
            certificate_identity=given["certificate_identity"],
            certificate_identity_regexp=given["certificate_identity_regexp"],
            certificate_oidc_issuer=given["certificate_oidc_issuer"],
            source_repository=given["source_repository"],
            allow_events=given["allow_event"],
        ),
        evidence=given["evidence"],
        bundles=tuple(Path(path) for path in given.get("bundle", ())),
        name=given["name"],
        version=given["version"],
        digest=given["digest"],
        require=given["require"],
        trust_config=given["trust_config"],
        trusted_root=given["trusted_root"],
        allow_symlinks=given.get("allow_symlinks", False),
        ignore=given.get("ignore_path", ()),
        ignore_unsigned_files=given.get("ignore_unsigned_files", False),
        reference=target if remote else None,
        access=access(given) if remote or _about_registries(given) else None,
        remote=given.get("remote", False),
        policy=policy,
        waivers=_paths(given, "waiver"),
        base_evidence=_paths(given, "base_evidence"),
        summaries=_paths(given, "accept_vsa"),
        resource=given.get("resource_uri"),
        status_list=given.get("status_list"),
        status_as_of=moment_of(given.get("status_as_of"), "--status-as-of"),
        status_memory=memory(os.environ),
        status_access=_list_access(given, policy),
        env=os.environ,
        opa=given.get("opa"),
        memory=_memory(target, given),
        log_heads=open_heads(given.get("log_heads"), os.environ),
    )


def _memory(target: str, given: Mapping[str, Any]) -> Memory | None:
    """What `--cache` remembers."""
    if given.get("cache") is None:
        return None
    from model_provenance.flows.memory import open_memory  # noqa: PLC0415 - only with a cache
    from model_provenance.flows.places import places  # noqa: PLC0415

    return open_memory(given["cache"], os.environ, decided_about=places(Path(target), (given["evidence"],)))


def _list_access(given: Mapping[str, Any], policy: Policy | None) -> Access | None:
    """How the registry of a status list is reached; a command that takes no logins looks them up."""
    section = None if policy is None else policy.revocation
    source = given.get("status_list") or (None if section is None else section.source)
    if not str(source).startswith(SCHEME):
        return None
    from model_provenance.oci.access import Access  # noqa: PLC0415 - only for registries

    return access(given) if "username" in given else Access(os.environ)


def _policy(target: str, given: Mapping[str, Any]) -> Policy | None:
    """The policy of `--policy`, never from the target or its evidence."""
    if given.get("policy") is None:
        return None
    from model_provenance.flows.places import places  # noqa: PLC0415 - only with a policy
    from model_provenance.flows.policy import load_policy  # noqa: PLC0415

    return load_policy(
        given["policy"], decided_about=places(Path(target), (given["evidence"], *_paths(given, "base_evidence")))
    )


def _paths(given: Mapping[str, Any], name: str) -> tuple[Path, ...]:
    return tuple(Path(path) for path in given.get(name, ()))


def _about_registries(given: Mapping[str, Any]) -> bool:
    return (
        given.get("username") is not None
        or bool(given.get("password_stdin"))
        or bool(given.get("plain_http"))
        or bool(given.get("token_service"))
    )
