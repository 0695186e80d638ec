"""When a bundle says that it was signed: found, not verified. For people, and for annotations that must be reproducible."""

from __future__ import annotations

from model_provenance.domain.moment import rfc3339
from model_provenance.formats.bundle import ParsedBundle


def claimed_time(bundle: ParsedBundle) -> str | None:
    """RFC 3339, from the log that promises a time (Rekor v1), else from the first signed timestamp; None without either."""
    moments = [entry.integrated_time for entry in bundle.entries if entry.integrated_time]
    if bundle.timestamps and not moments:
        from rfc3161_client import decode_timestamp_response  # noqa: PLC0415 - where no log gives a time

        try:
            moments = [int(decode_timestamp_response(bundle.timestamps[0]).tst_info.gen_time.timestamp())]
        except ValueError:
            return None
    return rfc3339(min(moments)) if moments else None
