"""An OAuth authorisation server for tests, on loopback: it signs tokens, and serves its keys and metadata."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import jwt
from anyio.abc import SocketStream
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "https://edit.example.org/mcp"


class Issuer:
    """asked: how often each path was; `answers` are what else it serves, by path."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: Counter[str] = Counter()
        self.keys: dict[str, rsa.RSAPrivateKey] = {}
        self.curve = ec.generate_private_key(ec.SECP256R1())
        self.answers: dict[str, bytes] = {}
        self.rotate("first")

    def rotate(self, kid: str) -> None:
        """From now on this key alone is served and signs."""
        self.keys = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048)}

    @property
    def private(self) -> rsa.RSAPrivateKey:
        return next(iter(self.keys.values()))

    @property
    def pem(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def claims(self, subject: str = "anna", **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        usual = {"iss": self.url, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + 600}
        return {name: value for name, value in {**usual, **changes}.items() if value is not None}

    def token(self, subject: str = "anna", *, kid: str | None = None, **changes: Any) -> str:
        header = {"kid": kid or next(iter(self.keys)), "typ": "at+jwt"}
        return jwt.encode(self.claims(subject, **changes), self.private, "RS256", headers=header)

    def jwks(self) -> dict[str, Any]:
        keys = [
            {**RSAAlgorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig"}
            for kid, key in self.keys.items()
        ]
        curve = {**ECAlgorithm.to_jwk(self.curve.public_key(), as_dict=True), "kid": "curve"}
        secret = {"kty": "oct", "kid": "secret", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U"}
        return {"keys": [*keys, curve, secret]}

    def answer(self, path: str) -> bytes | None:
        if path in self.answers:
            return self.answers[path]
        documents = {
            "/keys": self.jwks(),
            "/.well-known/openid-configuration": {"issuer": self.url, "jwks_uri": f"{self.url}/keys"},
        }
        return json.dumps(documents[path]).encode() if path in documents else None


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    issuer.url = f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"

    async def serve(stream: SocketStream) -> None:
        async with stream:
            path = (await stream.receive()).split()[1].decode()
            issuer.asked[path] += 1
            body = issuer.answer(path)
            head = f"HTTP/1.1 {404 if body is None else 200} X\r\nContent-Length: {len(body or b'')}\r\n\r\n"
            await stream.send(head.encode() + (body or b""))

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        yield issuer
        tasks.cancel_scope.cancel()
