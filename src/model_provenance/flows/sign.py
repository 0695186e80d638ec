"""`sign`: the OMS statement of a model alone, in one bundle that model_signing accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model_provenance.context.collect import collect
from model_provenance.context.gates import check_may_sign, check_privacy
from model_provenance.domain.digest import Digest
from model_provenance.domain.evidence import LogEntry, SignerIdentity
from model_provenance.domain.package import Layout
from model_provenance.flows import folder
from model_provenance.flows.places import refuse_planted
from model_provenance.flows.signing import Signing, prepare, signing_inputs
from model_provenance.formats.oms import oms_statement
from model_provenance.pack.read import read
from model_provenance.pack.refuse import check_model
from model_provenance.pack.walk import walk


@dataclass(frozen=True, slots=True)
class SignedModel:
    """What `sign` did."""

    model_digest: Digest
    files: int
    signer: SignerIdentity
    log_entries: tuple[LogEntry, ...]


def sign_model(
    model: Path,
    *,
    bundle: Path,
    signing: Signing,
    ignore: Sequence[str],
    allow_symlinks: bool,
    env: Mapping[str, str],
) -> SignedModel:
    """Sign every file of a model, or one file, and write the bundle in one rename. The bundle itself is never signed."""
    refuse_planted(signing_inputs(signing), (model,))
    prepared = prepare(signing, env)
    if prepared.identity is not None:
        context, _ = collect(model, env=env, identity=prepared.identity)
        check_may_sign(context)
        check_privacy(context, private_instance=prepared.private, allow_public_log=prepared.allow_public_log)
    with walk(model, ignore=ignore, allow_symlinks=allow_symlinks, exclude=(bundle,)) as inventory:
        check_model(inventory)
        package = read(inventory, layout=Layout.RAW)
        inventory.recheck()
        statement = oms_statement(
            package.files,
            subject_name=model.resolve().name,
            ignored=inventory.ignored,
            allow_symlinks=allow_symlinks,
        )
    [signed] = prepared.signer.sign([statement])
    folder.write(bundle.parent, bundle.name, signed.data)
    return SignedModel(package.model_digest, len(package.files), prepared.signer.identity, signed.log_entries)
