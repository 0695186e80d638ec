"""The signatures of a release: new ones, or those that an earlier run left where this one publishes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from model_provenance.domain.context import Context
from model_provenance.domain.package import Package
from model_provenance.errors import Exit, ModelProvenanceError
from model_provenance.flows.request import Described, ReleaseRequest
from model_provenance.flows.signing import Prepared, Signed
from model_provenance.flows.spool import kept, refuse_difference

if TYPE_CHECKING:
    from model_provenance.flows.push import Pushing


def seal(
    request: ReleaseRequest,
    prepared: Prepared | None,
    context: Context,
    described: Described,
    pushing: Pushing | None,
) -> Signed:
    """Sign; or take over what says the same and was made by the same signer. Without `prepared` nothing is signed.

    Raises `registry.tag_moved` before anything is signed, what the signer raises, and `spool.*` where an outage is waited for.
    """
    if request.kept is not None:
        refuse_difference(described.statements, request.kept)
    if prepared is None:
        return Signed(described.statements, (), None)
    if pushing is not None:
        pushing.check(described.package)
    found = _attached(request, described.package, pushing)
    if found:
        from model_provenance.flows.reuse import reusable  # noqa: PLC0415 - only where something is attached

        earlier = reusable(found, described.statements, described.sboms, described.package, prepared, context)
        if earlier is not None:
            return earlier
    try:
        bundles = prepared.signer.sign(described.statements)
    except ModelProvenanceError as error:
        if not request.sign_later or error.exit_status is not Exit.SERVICE:
            raise
        raise kept(request, described.statements, error) from error
    return Signed(described.statements, bundles, prepared.signer.identity)


def _attached(request: ReleaseRequest, package: Package, pushing: Pushing | None) -> Sequence[tuple[str, bytes]]:
    """Bundles that an earlier run left where this one publishes."""
    if pushing is not None:
        return pushing.attached(package)
    if request.oci_layout is None:
        return ()
    from model_provenance.oci.bundles import attached_bundles  # noqa: PLC0415 - only when a layout is asked for

    return attached_bundles(request.oci_layout, package.package_digest)
