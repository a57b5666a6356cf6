"""The keys of recorded calls: apart where the request is another, and the same as ever where it is not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

from tests.graph.kit import SOURCE
from thinkedit.adapters.base import CritiqueRequest, Past, SafetyRequest
from thinkedit.graph.digests import digest_of_critique, digest_of_review
from thinkedit.images import Picture

PICTURE = Picture.from_bytes(SOURCE)
REQUEST = CritiqueRequest(PICTURE, PICTURE, "warm", "warmer", (Past(1, "warm", 3, 4, "cold"),))


def test_a_single_look_is_found_under_the_key_that_it_always_had() -> None:
    sha = PICTURE.sha256
    parts = ["m", "t", sha, sha, "warm", "warmer", [[1, "warm", 3, 4, "cold", None]], 8.0, None]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    assert digest_of_critique("m", "t", REQUEST) == key


def test_each_further_look_has_a_key_of_its_own() -> None:
    keys = {digest_of_critique("m", "t", replace(REQUEST, look=look)) for look in range(8)}
    assert len(keys) == 8


def test_each_thing_that_is_checked_has_a_key_of_its_own() -> None:
    requests = [
        SafetyRequest("instruction", "warm", "", PICTURE),
        SafetyRequest("prompt", "warm", "warm", PICTURE),
        SafetyRequest("prompt", "warm", "warmer", PICTURE),
        SafetyRequest("image", "warm", "warm", PICTURE, PICTURE),
    ]
    assert len({digest_of_review(name, request) for request in requests for name in ("a", "b")}) == 8
