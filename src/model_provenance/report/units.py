"""Numbers as people read them."""

from __future__ import annotations

_STEP = 1000


def size(count: int) -> str:
    """Bytes in decimal units, as disks, registries and hubs print them."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < _STEP or unit == "TB":
            return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= _STEP
    raise AssertionError  # pragma: no cover - the loop returns


def duration(seconds: float) -> str:
    """Seconds with the precision that matters."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def plural(count: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def parameters(count: int) -> str:
    """A parameter count the way models are named: `22.7M`, `8.0B`."""
    for unit, factor in (("T", 10**12), ("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= factor:
            return f"{count / factor:.1f}{unit}"
    return str(count)
