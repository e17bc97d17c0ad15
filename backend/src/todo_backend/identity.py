"""Who is asking: JWTs of the sign-in service, checked against the keys that it publishes (JWKS)."""

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

from todo_backend.serving import NotReadyError, within

ALGORITHM = "EdDSA"
"""The one signature that is taken, whatever a token says of itself: Ed25519, which Better Auth uses."""

CLOCK_SECONDS = 10
"""How far the clocks of the two services may be apart."""

FRESH_SECONDS = 300.0
"""How long keys are used before they are asked for again: a key that was withdrawn is refused by then."""

PAUSE_SECONDS = 1.0
"""At least so long between two questions for keys, however many tokens name keys that nobody has."""

FETCH_SECONDS = 2.0

USER_ID_LENGTH = 255

log = logging.getLogger(__name__)


class TokenError(Exception):
    """A token is missing or cannot be trusted; the text says why."""


class KeysDownError(NotReadyError):
    """The sign-in service's keys cannot be had, so no token can be checked."""


class Keys:
    """The sign-in service's public keys by their id, kept, and asked for again when they are old or one is unknown."""

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
        self._asked_at = self._stale_at = float("-inf")
        self._trouble = ""
        self._lock = asyncio.Lock()

    async def key(self, key_id: str) -> PyJWK:
        """Return the key of that id.

        Raises:
            TokenError: The sign-in service has no such key.
            KeysDownError: It does not answer, and the key is not among those that were kept.
        """
        if key_id not in self._keys or self._clock() >= self._stale_at:
            await self._renew(key_id, self._clock())
        if key_id in self._keys:
            return self._keys[key_id]
        if self._trouble:
            raise KeysDownError(f"The sign-in service's keys cannot be had: {self._trouble}")
        raise TokenError("The token is signed with a key that the sign-in service does not have")

    async def _renew(self, key_id: str, wanted_at: float) -> None:
        """Ask for the keys, unless that was done while this call waited for its turn."""
        async with self._lock:
            renewed = key_id in self._keys and self._clock() < self._stale_at
            if renewed or self._asked_at > wanted_at:
                return
            if (early := self._asked_at + PAUSE_SECONDS - self._clock()) > 0:
                await self._pause(early)
            self._asked_at = self._clock()
            try:
                self._keys = await within(FETCH_SECONDS, self._fetch())
                self._trouble = ""
            except (httpx2.HTTPError, TimeoutError, ValueError, TypeError, KeyError) as error:
                self._trouble = " ".join(str(error).split()) or type(error).__name__
                log.warning("The sign-in service's keys cannot be had, those from before count: %s", self._trouble)
            self._stale_at = self._clock() + FRESH_SECONDS

    async def _fetch(self) -> Mapping[str, PyJWK]:
        """Return the keys that the service publishes now; those of another kind are left out."""
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
class Gate:
    """Checks tokens.

    Attributes:
        keys: The sign-in service's keys.
        issuer: Who must have made a token.
        audience: Whom it must have been made for.
    """

    keys: Keys
    issuer: str
    audience: str

    async def user_of(self, token: str) -> str:
        """Return the id of the user whom a token stands for.

        Raises:
            TokenError: The token cannot be trusted.
            KeysDownError: There is no key to check it with.
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
            leeway=CLOCK_SECONDS,
            options={"require": ["exp", "sub", "iss", "aud"]},
        )


_bearer = HTTPBearer(auto_error=False, bearerFormat="JWT", description="From the frontend's /api/auth/token")


async def signed_in(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> str:
    """Return the id of the user who asks.

    Raises:
        TokenError: There is no token, or it cannot be trusted.
        KeysDownError: There is no key to check it with.
    """
    if credentials is None:
        raise TokenError("Sign in first: there is no bearer token")
    gate: Gate = request.app.state.gate
    return await gate.user_of(credentials.credentials)


async def owner(
    user_id: Annotated[str, Path(max_length=USER_ID_LENGTH)], user: Annotated[str, Depends(signed_in)]
) -> str:
    """Return the user of the path, who must be the one who asks; what is another's is nobody else's business."""
    if user_id != user:
        raise HTTPException(HTTPStatus.FORBIDDEN, "These are another user's")
    return user


Owner = Annotated[str, Depends(owner)]
