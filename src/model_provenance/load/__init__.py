"""The door for programs: `with load.verified("model/", …) as model:` hands out the very bytes that were verified.

    from model_provenance import load

    with load.verified("model/", evidence="minilm-1.0.0", key="release.pub", name="minilm", version="1.0.0") as model:
        tensors = model.safetensors("model.safetensors")

Importing it costs next to nothing; loaders (safetensors, gguf, onnxruntime) are imported by who asks for them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_provenance.flows.load import RefusedError
    from model_provenance.load.model import Model
    from model_provenance.oci.access import Access
    from model_provenance.policy.document import Policy

__all__ = ["Model", "RefusedError", "verified"]

AnyPath = str | os.PathLike[str]
_LOG = logging.getLogger("model_provenance.load")


def __getattr__(name: str) -> object:
    """`Model` and `RefusedError`, imported when they are named."""
    if name == "RefusedError":
        from model_provenance.flows.load import RefusedError  # noqa: PLC0415

        return RefusedError
    if name == "Model":
        from model_provenance.load.model import Model  # noqa: PLC0415

        return Model
    raise AttributeError(name)


@contextmanager
def verified(
    target: AnyPath,
    *,
    policy: AnyPath | None = None,
    evidence: AnyPath | None = None,
    bundle: AnyPath | None = None,
    key: AnyPath | None = None,
    signer: str | None = None,
    builder: str | None = None,
    environment: str | None = None,
    certificate_chain: AnyPath | None = None,
    certificate_identity: str | None = None,
    certificate_identity_regexp: str | None = None,
    certificate_oidc_issuer: str | None = None,
    source_repository: str | None = None,
    allow_events: Sequence[str] = (),
    name: str | None = None,
    version: str | None = None,
    digest: str | None = None,
    require: str | None = None,
    trusted_root: AnyPath | None = None,
    trust_config: AnyPath | None = None,
    waivers: Sequence[AnyPath] = (),
    base_evidence: Sequence[AnyPath] = (),
    accept_vsa: Sequence[AnyPath] = (),
    resource_uri: str | None = None,
    status_list: AnyPath | None = None,
    status_as_of: datetime | None = None,
    status_grace: timedelta = timedelta(hours=24),
    opa: AnyPath | None = None,
    log_heads: AnyPath | None = None,
    cache: AnyPath | None = None,
    memory: bool = False,
    toctou: str = "unprotected",
    receipt: AnyPath | None = None,
) -> Iterator[Model]:
    """Verify the model at `target` and hold its files open; on leaving, check that nobody wrote to them.

    The arguments up to `opa` are the options of `model-provenance exec`; `status_as_of` has a time zone, `status_grace` is how
    long a stale status list is only warned of. `log_heads` is where tree heads of logs are remembered, in place of the user's
    state folder. `cache` is a folder that spares an unchanged model the reading, `memory` copies every file into sealed
    memory, `toctou` is the least protection that is accepted ("held", "leased", "sealed", "fs-verity"), `receipt` a file that
    a JSON line is appended to.

    Raises `RefusedError` (with `.report`) for a model that does not verify or that the policy denies, its base class
    `ModelProvenanceError` for what kept it from being verified, and on leaving `load.changed`. Nothing is handed out then.
    """
    from model_provenance.disk.state import state_folder  # noqa: PLC0415 - loaded when used
    from model_provenance.domain.text import shown  # noqa: PLC0415
    from model_provenance.flows.expectation import SignerOptions  # noqa: PLC0415
    from model_provenance.flows.load import BYPASS, LoadRequest, hold, protection  # noqa: PLC0415
    from model_provenance.flows.memory import open_memory  # noqa: PLC0415
    from model_provenance.flows.places import places  # noqa: PLC0415
    from model_provenance.flows.tree_heads import open_heads  # noqa: PLC0415
    from model_provenance.flows.verify import VerifyRequest  # noqa: PLC0415
    from model_provenance.load.model import Model  # noqa: PLC0415

    decided_about = places(Path(target), (_path(evidence), *_paths(base_evidence)))
    rules = _policy(policy, decided_about)
    list_ = None if status_list is None else os.fspath(status_list)
    state = state_folder(os.environ)
    expected = VerifyRequest(
        target=Path(target),
        signer=SignerOptions(
            key=_path(key),
            certificate_chain=_path(certificate_chain),
            signer=signer,
            builder=builder,
            environment=environment,
            certificate_identity=certificate_identity,
            certificate_identity_regexp=certificate_identity_regexp,
            certificate_oidc_issuer=certificate_oidc_issuer,
            source_repository=source_repository,
            allow_events=tuple(allow_events),
        ),
        evidence=_path(evidence),
        bundles=() if bundle is None else (Path(bundle),),
        name=name,
        version=version,
        digest=digest,
        require=require,
        trust_config=_path(trust_config),
        trusted_root=_path(trusted_root),
        policy=rules,
        waivers=_paths(waivers),
        base_evidence=_paths(base_evidence),
        summaries=_paths(accept_vsa),
        resource=resource_uri,
        status_list=list_,
        status_as_of=None if status_as_of is None else _moment(status_as_of),
        status_memory=None if state is None else state / "status",
        status_access=_list_access(list_, rules),
        env=os.environ,
        opa=_path(opa),
        log_heads=open_heads(_path(log_heads), os.environ),
        memory=open_memory(_path(cache), os.environ, decided_about=decided_about),
    )
    request = LoadRequest(
        expected,
        memory=memory,
        at_least=protection(toctou),
        status_grace=int(status_grace.total_seconds()),
        receipt=_path(receipt),
        bypass=os.environ.get(BYPASS) or None,
    )
    held = hold(request)
    try:
        if held.bypassed:
            where, why = shown(str(target), 400), shown(request.bypass or "", 400)
            _LOG.critical("BYPASSED: %s is loaded without having been verified: %s", where, why)
        yield Model(held)
        held.check()
    finally:
        held.close()


def _path(value: AnyPath | None) -> Path | None:
    return None if value is None else Path(value)


def _list_access(source: str | None, policy: Policy | None) -> Access | None:
    """The logins of this user, where the status list is in a registry."""
    section = None if policy is None else policy.revocation
    if not str(source or (None if section is None else section.source)).startswith("oci://"):
        return None
    from model_provenance.oci.access import Access  # noqa: PLC0415 - only for registries

    return Access(os.environ)


def _moment(value: datetime) -> int:
    """Unix seconds; a time without a zone could be any of a whole day."""
    if value.tzinfo is None:
        from model_provenance.errors import ModelProvenanceError  # noqa: PLC0415 - loaded when used

        raise ModelProvenanceError("usage.invalid", "status_as_of has no time zone", remedy="Use timezone.utc.")
    return int(value.timestamp())


def _paths(values: Sequence[AnyPath]) -> tuple[Path, ...]:
    return tuple(Path(value) for value in values)


def _policy(policy: AnyPath | None, decided_about: Sequence[Path]) -> Policy | None:
    """A profile or a file, never one from the model or its evidence."""
    if policy is None:
        return None
    from model_provenance.flows.policy import load_policy  # noqa: PLC0415 - only with a policy

    return load_policy(os.fspath(policy), decided_about=decided_about)
