"""A sign-in service for tests: Ed25519 keys, tokens signed with them, and a JWKS like that of Better Auth."""

import base64
import time
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class SignIn:
    """A sign-in service.

    Attributes:
        issuer: The issuer in its tokens.
        url: Its URL.
        keys: Its private keys by id; the last one signs.
        down: Whether it answers 503.
        fetches: How many times its keys were fetched.
        request_ids: The request ids of these fetches.
    """

    issuer: str = "http://ai-todo-frontend-service:3000"
    url: str = ""
    keys: dict[str, Ed25519PrivateKey] = field(default_factory=lambda: {"first": Ed25519PrivateKey.generate()})
    down: bool = False
    fetches: int = 0
    request_ids: list[str] = field(default_factory=list)

    @property
    def jwks_url(self) -> str:
        """The URL of its public keys."""
        return f"{self.url}/api/auth/jwks"

    def token(self, user: str, *, key_id: str | None = None, **changes: Any) -> str:  # noqa: ANN401 - any claim
        """Return a token for a user with changed claims; None removes a claim."""
        key_id = key_id or list(self.keys)[-1]
        now = int(time.time())
        claims: dict[str, Any] = {"sub": user, "email": f"{user}@example.org", "name": user, "iss": self.issuer}
        claims |= {"aud": "ai-todo-backend", "iat": now, "exp": now + 900, **changes}
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, self.keys[key_id], algorithm="EdDSA", headers={"kid": key_id})

    def jwks(self) -> dict[str, Any]:
        """Return its public keys, and one of an unknown type."""
        ours = [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "alg": "EdDSA",
                "kid": key_id,
                "x": base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode(),
            }
            for key_id, key in self.keys.items()
        ]
        return {"keys": [{"kty": "XYZ", "kid": "odd"}, *ours]}

    def app(self) -> Starlette:
        """Return an app that publishes the keys."""

        async def jwks(request: Request) -> Response:
            self.fetches += 1
            self.request_ids.append(request.headers.get("X-Request-ID", ""))
            return Response(status_code=503) if self.down else JSONResponse(self.jwks())

        return Starlette(routes=[Route("/api/auth/jwks", jwks)])
