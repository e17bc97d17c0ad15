"""Authentication: JWTs of the sign-in service, verified with the public keys that it publishes (JWKS)."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

import httpx2
import jwt
from fastapi import Depends, HTTPException, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from jwt import PyJWK

from todo_service.health import NotReadyError
from todo_service.timeouts import within

ALGORITHM = "EdDSA"
"""The only accepted algorithm, whatever the header of a token says: Ed25519, which Better Auth uses."""

LEEWAY_SECONDS = 10
"""How far the clocks of the two services may differ."""

MAX_AGE_SECONDS = 300.0
"""How long fetched keys are used. A key that was withdrawn is rejected after this time at the latest."""

MIN_INTERVAL_SECONDS = 1.0
"""Minimum time between two fetches, however many tokens name unknown keys."""

FETCH_SECONDS = 2.0

USER_ID_LENGTH = 255

log = logging.getLogger(__name__)


class TokenError(Exception):
    """There is no token, or it is not valid. The message is the reason."""


class KeysUnavailableError(NotReadyError):
    """The public keys cannot be fetched, so tokens cannot be verified."""


class KeySet:
    """The public keys of the sign-in service by id. They are fetched again when they are old or one is unknown."""

    def __init__(
        self,
        url: str,
        client: httpx2.AsyncClient,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._url, self._client, self._clock, self._pause = url, client, clock, pause
        self._keys: Mapping[str, PyJWK] = {}
        self._fetched_at = self._expires_at = float("-inf")
        self._error = ""
        self._lock = asyncio.Lock()

    async def key(self, key_id: str) -> PyJWK:
        """Return the key with an id.

        Raises:
            TokenError: There is no such key.
            KeysUnavailableError: The key is not known, and the sign-in service does not answer.
        """
        if key_id not in self._keys or self._clock() >= self._expires_at:
            await self._refresh(key_id, self._clock())
        if key_id in self._keys:
            return self._keys[key_id]
        if self._error:
            raise KeysUnavailableError(f"The keys of the sign-in service cannot be fetched: {self._error}")
        raise TokenError("The token is signed with a key that the sign-in service does not have")

    async def _refresh(self, key_id: str, wanted_at: float) -> None:
        """Fetch the keys, unless another call fetched them while this one waited for the lock."""
        async with self._lock:
            fresh = key_id in self._keys and self._clock() < self._expires_at
            if fresh or self._fetched_at > wanted_at:
                return
            if (early := self._fetched_at + MIN_INTERVAL_SECONDS - self._clock()) > 0:
                await self._pause(early)
            self._fetched_at = self._clock()
            try:
                self._keys = await within(FETCH_SECONDS, self._fetch())
                self._error = ""
            except (httpx2.HTTPError, TimeoutError, ValueError, TypeError, KeyError) as error:
                self._error = " ".join(str(error).split()) or type(error).__name__
                log.warning("Cannot fetch the keys of the sign-in service, keeping the old ones: %s", self._error)
            self._expires_at = self._clock() + MAX_AGE_SECONDS

    async def _fetch(self) -> Mapping[str, PyJWK]:
        """Fetch the keys; keys for other algorithms are ignored."""
        response = await self._client.get(self._url)
        if response.is_error:
            raise ValueError(f"{self._url} answered {response.status_code}")
        keys: dict[str, PyJWK] = {}
        for entry in response.json()["keys"]:
            try:
                keys[str(entry["kid"])] = PyJWK.from_dict(entry, algorithm=ALGORITHM)
            except (jwt.PyJWTError, KeyError):
                continue
        return keys


@dataclass(frozen=True, slots=True)
class TokenVerifier:
    """Verifies tokens.

    Attributes:
        keys: The keys of the sign-in service.
        issuer: The required issuer.
        audience: The required audience.
    """

    keys: KeySet
    issuer: str
    audience: str

    async def user_of(self, token: str) -> str:
        """Verify a token, and return the id of its user.

        Raises:
            TokenError: The token is not valid.
            KeysUnavailableError: There is no key to verify it with.
        """
        try:
            header = jwt.get_unverified_header(token)
            if header.get("alg") != ALGORITHM or not header.get("kid"):
                raise TokenError(f"The token is not signed with {ALGORITHM} and a named key")
            key = await self.keys.key(header["kid"])
            claims = self._claims(token, key)
        except jwt.PyJWTError as error:
            raise TokenError(f"The token is not valid: {error}") from error
        user: str = claims["sub"]
        if not 0 < len(user) <= USER_ID_LENGTH:
            raise TokenError("The token names no user")
        return user

    def _claims(self, token: str, key: PyJWK) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=self.issuer,
            audience=self.audience,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="From /api/auth/token of the frontend")


async def current_user(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    """Return the id of the signed-in user.

    Raises:
        TokenError: There is no valid token.
        KeysUnavailableError: There is no key to verify the token with.
    """
    if credentials is None:
        raise TokenError("Sign in first: there is no bearer token")
    verifier: TokenVerifier = request.app.state.token_verifier
    return await verifier.user_of(credentials.credentials)


async def path_user(
    user_id: Annotated[str, Path(max_length=USER_ID_LENGTH)], user: Annotated[str, Depends(current_user)]
) -> str:
    """Return the user in the path, who must be the signed-in user."""
    if user_id != user:
        raise HTTPException(HTTPStatus.FORBIDDEN, "This belongs to another user")
    return user


PathUser = Annotated[str, Depends(path_user)]
