"""Tokens of an OAuth server: which are taken, how often its keys are fetched, and what clients are told."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.server.issuer import AUDIENCE, Issuer, issuing
from tests.server.team import ANNA, team, token_file
from thinkedit.config import Config, OAuth
from thinkedit.errors import BusyError, SettingsError
from thinkedit.server.keys import AGAIN, LASTS, LONGEST, Keys
from thinkedit.server.oauth import OAuthTokens

pytestmark = pytest.mark.anyio


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hs256(issuer: Issuer, secret: bytes) -> str:
    """Signed with a secret, which PyJWT would not do with what is a public key."""
    import hashlib
    import hmac

    head, claims = {"alg": "HS256", "typ": "JWT", "kid": "first"}, issuer.claims()
    text = f"{part(head)}.{part(claims)}"
    return f"{text}.{part(hmac.digest(secret, text.encode(), hashlib.sha256))}"


def bad_tokens(issuer: Issuer) -> dict[str, str]:
    now = int(time.time())
    good = issuer.token()
    head, claims, signature = good.split(".")
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    own = RSAAlgorithm.to_jwk(stranger.public_key(), as_dict=True)
    weak = {"kid": "first", "jwk": own, "jku": f"{issuer.url}/evil", "x5u": f"{issuer.url}/evil"}
    other = part(issuer.claims("bert"))
    secret = issuer.jwks()["keys"][-1]["k"]
    return {
        "expired": issuer.token(exp=now - 60),
        "never expires": issuer.token(exp=None),
        "not yet valid": issuer.token(nbf=now + 120),
        "issued in the future": issuer.token(iat=now + 120),
        "another audience": issuer.token(aud="https://other.example.org/mcp"),
        "an audience that begins so": issuer.token(aud=f"{AUDIENCE}/more"),
        "no audience": issuer.token(aud=None),
        "another issuer": issuer.token(iss="https://evil.example"),
        "a slash more": issuer.token(iss=f"{issuer.url}/"),
        "no issuer": issuer.token(iss=None),
        "no subject": issuer.token(sub=None),
        "an empty subject": issuer.token(sub=""),
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        "alg None": f"{part({'alg': 'None', 'kid': 'first'})}.{claims}.",
        "unsigned": f"{head}.{claims}.",
        "signature of another": f"{head}.{other}.{signature}",
        "HS256 by the public key": hs256(issuer, issuer.pem),
        "HS256 by the public key, stripped": hs256(issuer, issuer.pem.strip()),
        "HS256 by a secret among the keys": hs256(issuer, base64.urlsafe_b64decode(secret + "=")),
        "unknown key": issuer.token(kid="unknown"),
        "key of a stranger": jwt.encode(issuer.claims(), stranger, "RS256", headers={"kid": "first"}),
        "key in the token": jwt.encode(issuer.claims(), stranger, "RS256", headers=weak),
        "algorithm not allowed": jwt.encode(
            issuer.claims(), issuer.private, "RS512", headers={"kid": "first"}
        ),
        "key of another kind": jwt.encode(issuer.claims(), issuer.private, "RS256", headers={"kid": "curve"}),
        "unknown crit": jwt.encode(
            issuer.claims(), issuer.private, "RS256", headers={"kid": "first", "crit": ["x"], "x": 1}
        ),
        "kid that is no text": f"{part({'alg': 'RS256', 'kid': ['first']})}.{claims}.{signature}",
        "no JSON": f"{part(b'{')}.{claims}.{signature}",
        "claims that are a list": f"{head}.{part([1])}.{signature}",
        "dots": "..",
        "deep": f"{part(b'[' * 5000)}.{claims}.{signature}",
    }


async def test_only_good_tokens_of_the_issuer(config: Config) -> None:
    async with issuing() as issuer:
        oauth = {"issuer": issuer.url, "audience": AUDIENCE}
        async with team(config, {"oauth": oauth}) as served, served.web() as web:
            for what, token in bad_tokens(issuer).items():
                answer = await web.get("/sessions", headers={"authorization": f"Bearer {token}"})
                assert answer.status_code == 401, what
                assert "invalid_token" in answer.headers["www-authenticate"], what
            now = int(time.time())
            curve = jwt.encode(issuer.claims(), issuer.curve, "ES256", headers={"kid": "curve"})
            for token in (
                issuer.token(),
                issuer.token(aud=["x", AUDIENCE]),
                issuer.token(exp=now - 10),  # within the leeway
                issuer.token(nbf=now - 5),
                curve,
            ):
                assert (
                    await web.get("/sessions", headers={"authorization": f"Bearer {token}"})
                ).status_code == 200
            # None of the bad ones made it ask for more than its keys, and not for what they pointed to.
            assert issuer.asked["/keys"] == 1
            assert "/evil" not in issuer.asked


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_through_mcp_and_with_scopes(config: Config, mode: str, tmp_path: Any) -> None:
    async with issuing() as issuer:
        server = {
            "oauth": {"issuer": issuer.url, "audience": AUDIENCE, "scopes": ["edit", "look"]},
            "tokens": token_file(tmp_path, anna=ANNA),
            "public_url": "https://edit.example.org",
        }
        where = "https://edit.example.org/.well-known/oauth-protected-resource/mcp"
        async with team(config, server) as served:
            for good in (issuer.token(scope="look edit"), issuer.token(scp=["edit", "look"]), ANNA):
                async with served.client(good, mode) as client:
                    assert len((await client.list_tools()).tools) == 5
            async with served.web(issuer.token(scope="edit looks")) as web:
                for path in ("/mcp", "/images", "/elsewhere"):
                    answer = await web.post(path, content=b"{}")
                    assert answer.status_code == 403
                    how = answer.headers["www-authenticate"]
                    assert 'error="insufficient_scope", scope="edit look"' in how
            async with served.web() as web:
                answer = await web.post("/mcp", content=b"{}")
                assert f'resource_metadata="{where}"' in answer.headers["www-authenticate"]
                assert "error=" not in answer.headers["www-authenticate"]  # RFC 6750, section 3.1
                for path in (where.removeprefix("https://edit.example.org"), where[24:].removesuffix("/mcp")):
                    metadata = (await web.get(path)).json()
                    assert metadata["resource"] == "https://edit.example.org/mcp"
                    assert metadata["authorization_servers"] == [issuer.url]
                    assert metadata["scopes_supported"] == ["edit", "look"]


async def test_keys_are_kept_and_fetched_again_when_they_rotate() -> None:
    now = 0.0
    async with issuing() as issuer:
        keys = Keys(issuer.url, f"{issuer.url}/keys", clock=lambda: now)
        tokens = OAuthTokens(OAuth(issuer=issuer.url, audience=AUDIENCE), keys)
        old = issuer.token()
        for _ in range(20):
            assert await tokens.verified(old) is not None
        assert issuer.asked["/keys"] == 1
        for number in range(20):  # invented ids do not make it ask again within half a minute
            assert await tokens.verified(issuer.token(kid=f"invented{number}")) is None
        assert issuer.asked["/keys"] == 1
        now += AGAIN
        for number in range(20):
            assert await tokens.verified(issuer.token(kid=f"invented{number}")) is None
        assert issuer.asked["/keys"] == 2
        issuer.rotate("second")
        assert await tokens.verified(issuer.token()) is None
        now += AGAIN
        assert await tokens.verified(issuer.token()) is not None
        assert issuer.asked["/keys"] == 3
        assert await tokens.verified(old) is None
        now += LASTS + 1
        assert await tokens.verified(issuer.token()) is not None
        assert issuer.asked["/keys"] == 4
        # Keys that cannot be fetched any more are believed for a day.
        issuer.answers["/keys"] = b"<html>"
        now += LASTS + 1
        assert await tokens.verified(issuer.token()) is not None
        now += LONGEST
        with pytest.raises(BusyError, match="cannot be had"):
            await tokens.verified(issuer.token())


async def test_a_caller_who_hangs_up_leaves_the_others_their_keys() -> None:
    import anyio

    async with issuing() as issuer:
        keys = Keys(issuer.url)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await keys.find("first", "RS256")
        assert await keys.find("first", "RS256") is not None
        assert issuer.asked["/keys"] == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/keys", b"x" * 600_000),
        ("/keys", b"[]"),
        ("/keys", b'{"keys": []}'),
        ("/keys", b'{"keys": 7}'),
        ("/.well-known/openid-configuration", b"{}"),
        ("/.well-known/openid-configuration", b'{"issuer": "https://evil.example", "jwks_uri": "x"}'),
        ("/.well-known/openid-configuration", b"MOVED"),
        (
            "/.well-known/oauth-authorization-server",
            b'{"issuer": "HERE", "jwks_uri": "http://192.0.2.1/keys"}',
        ),
        ("/.well-known/oauth-authorization-server", b'{"issuer": "HERE", "jwks_uri": "file:///etc/passwd"}'),
    ],
)
async def test_metadata_and_keys_that_are_none(config: Config, path: str, body: bytes) -> None:
    async with issuing() as issuer:
        issuer.answers[path] = body.replace(b"HERE", issuer.url.encode())
        async with team(config, {"oauth": {"issuer": issuer.url, "audience": AUDIENCE}}) as served:
            async with served.web(issuer.token()) as web:
                answer = await web.get("/sessions")
                assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
                assert (await web.get("/sessions")).status_code == 503
            assert issuer.asked[path] == 1
            async with served.web() as web:
                assert (await web.get("/sessions")).status_code == 401


async def test_metadata_of_an_issuer_with_a_path() -> None:
    async with issuing() as issuer:
        keys = json.dumps({"issuer": f"{issuer.url}/team", "jwks_uri": f"{issuer.url}/keys"}).encode()
        for path in (
            "/.well-known/oauth-authorization-server/team",
            "/team/.well-known/openid-configuration",
        ):
            issuer.answers = {path: keys}
            assert await Keys(f"{issuer.url}/team").find("first", "RS256") is not None
            assert issuer.asked[path] == 1


@pytest.mark.parametrize(
    "url", ["http://issuer.example", "issuer.example", "ftp://x", "", "http://127.0.0.1.x"]
)
def test_an_issuer_without_tls(url: str) -> None:
    with pytest.raises(SettingsError, match="https://"):
        Keys(url)


async def test_another_claim_may_name_the_caller() -> None:
    async with issuing() as issuer:
        tokens = OAuthTokens(OAuth(issuer=issuer.url, audience=AUDIENCE, owner="email"))
        known = await tokens.verified(issuer.token(email="anna@example.org"))
        assert known is not None
        assert known.owner == f"{issuer.url} anna@example.org"
        assert await tokens.verified(issuer.token()) is None
        assert await tokens.verified(issuer.token(email=["anna@example.org"])) is None
