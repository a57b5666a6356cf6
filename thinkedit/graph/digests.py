"""The keys under which model calls are recorded: all that a request holds, and the model's identity."""

from __future__ import annotations

import hashlib
import json

from thinkedit.adapters.base import CritiqueRequest, EditRequest, SafetyRequest

__all__ = ["digest_of_critique", "digest_of_edit", "digest_of_review"]


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def digest_of_edit(identity: str, request: EditRequest) -> str:
    mask = hashlib.sha256(request.mask).hexdigest() if request.mask else None
    references = [picture.sha256 for picture in request.references]
    return _digest(
        identity, request.source.sha256, request.prompt, request.seed, references, mask, request.size
    )


def digest_of_critique(identity: str, template: str, request: CritiqueRequest) -> str:
    """Further looks at an image have keys of their own; the first has the one of a single look."""
    history = [[p.turn, p.prompt, p.semantic, p.quality, p.reasoning, p.error] for p in request.history]
    further = [request.look] if request.look else []
    return _digest(
        identity,
        template,
        request.source.sha256,
        request.edited.sha256,
        request.instruction,
        request.prompt,
        history,
        request.threshold,
        request.error,
        *further,
    )


def digest_of_review(identity: str, request: SafetyRequest) -> str:
    return _digest(
        identity,
        request.stage,
        request.instruction,
        request.prompt,
        request.source.sha256,
        request.edited.sha256 if request.edited is not None else None,
    )
