"""Pictures as reports hold them: small."""

from __future__ import annotations

from thinkedit.errors import NotFoundError, StoreError
from thinkedit.images import Picture
from thinkedit.store import Store

__all__ = ["kept", "small"]

_BYTES, _SIDE = 40_000, 320


def small(picture: Picture) -> Picture:
    """At most 320 pixels and 40 kB; what is so already stays as it is, to the pixel."""
    if max(picture.size) <= _SIDE and len(picture.data) <= _BYTES:
        return picture
    return picture.preview(_BYTES, _SIDE)


def kept(store: Store, sha: str | None) -> Picture | None:
    """The picture of that hash; None where it is lost or damaged, since a report shows what there is."""
    if sha is None:
        return None
    try:
        return store.get(sha)
    except (NotFoundError, StoreError):
        return None
