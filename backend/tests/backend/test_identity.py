"""Authentication and authorization: tokens, keys, and paths of other users."""

import asyncio
import base64
import json
import time
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx2 import AsyncClient

from tests.backend.conftest import TASKS, UNREACHABLE, Environment, bearer
from tests.backend.signing import SignIn
from todo_backend.identity import (
    MAX_AGE_SECONDS,
    MIN_INTERVAL_SECONDS,
    KeySet,
    KeysUnavailableError,
    TokenError,
    TokenVerifier,
)


async def test_a_signed_in_user_has_access(client: AsyncClient) -> None:
    """A token of the sign-in service gives access to the tasks of its user."""
    assert (await client.get(TASKS)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "tasks"),
        ("POST", "tasks"),
        ("GET", "tasks/1"),
        ("PATCH", "tasks/1"),
        ("DELETE", "tasks/1"),
        ("POST", "chat"),
        ("GET", "conversations"),
        ("GET", "conversations/1/messages"),
    ],
)
async def test_every_path_belongs_to_its_user(client: AsyncClient, method: str, path: str) -> None:
    """401 without a token, 403 with the token of another user, whatever else the request contains."""
    without = await client.request(method, f"/api/ada/{path}", headers={"Authorization": ""}, json={})
    other = await client.request(method, f"/api/bob/{path}", json={})

    assert (without.status_code, without.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert other.status_code == 403
    for response in (without, other):
        assert response.headers["content-type"] == "application/problem+json"


def _foreign(sign_in: SignIn) -> str:
    other = SignIn(keys={"first": Ed25519PrivateKey.generate()})
    return other.token("ada", iss=sign_in.issuer)


def _unsigned(sign_in: SignIn) -> str:
    claims = jwt.decode(sign_in.token("ada"), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "first"})


def _confused(sign_in: SignIn) -> str:
    """Return a token that is signed with the public key as if it were a shared secret."""
    claims = jwt.decode(sign_in.token("ada"), options={"verify_signature": False})
    secret = sign_in.keys["first"].public_key().public_bytes_raw()
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "first"})


def _without_key_id(sign_in: SignIn) -> str:
    return jwt.encode({"sub": "ada"}, sign_in.keys["first"], algorithm="EdDSA")


def _list_as_key_id(sign_in: SignIn) -> str:
    """Return a token whose header has a list as the id of the key."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "EdDSA", "kid": ["first"]}).encode()).rstrip(b"=").decode()
    return ".".join([header, *sign_in.token("ada").split(".")[1:]])


BAD_TOKENS: dict[str, Any] = {
    "not a token": lambda _: "nonsense",
    "three parts of nonsense": lambda _: "a.b.c",
    "expired": lambda sign_in: sign_in.token("ada", exp=int(time.time()) - 60),
    "not yet valid": lambda sign_in: sign_in.token("ada", nbf=int(time.time()) + 60),
    "without an expiry": lambda sign_in: sign_in.token("ada", exp=None),
    "for another service": lambda sign_in: sign_in.token("ada", aud="another"),
    "without an audience": lambda sign_in: sign_in.token("ada", aud=None),
    "by another issuer": lambda sign_in: sign_in.token("ada", iss="http://evil.example"),
    "without a user": lambda sign_in: sign_in.token("ada", sub=None),
    "with an empty user id": lambda sign_in: sign_in.token(""),
    "with a user id that is too long": lambda sign_in: sign_in.token("a" * 256),
    "signed with another key of the same id": _foreign,
    "unsigned": _unsigned,
    "signed with the public key": _confused,
    "without a key id": _without_key_id,
    "with a key id that is not a string": _list_as_key_id,
    "changed": lambda sign_in: sign_in.token("ada")[:-8] + "AAAAAAAA",
}


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_an_invalid_token_is_rejected(no_database: Environment, make: Any) -> None:  # noqa: ANN401 - a function
    """401 with the reason but without the token; the database, which is unreachable here, is not used."""
    token = make(no_database.sign_in)
    async with no_database.running() as client:
        response = await client.get(TASKS, headers=bearer(token))

    assert response.status_code == 401
    assert response.json()["detail"]
    assert token not in response.text


async def test_clocks_may_differ_by_a_few_seconds(no_database: Environment) -> None:
    """A token that expired three seconds ago is accepted: the request gets as far as the database, which is down."""
    async with no_database.running() as client:
        token = no_database.sign_in.token("ada", exp=int(time.time()) - 3)
        assert (await client.get(TASKS, headers=bearer(token))).status_code == 503


class Clock:
    """A clock that only moves when a test moves it, or when code under test pauses."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    async def pause(self, seconds: float) -> None:
        """Advance the clock."""
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """Return a clock."""
    return Clock()


def verifier_of(sign_in: SignIn, http: AsyncClient, clock: Clock) -> TokenVerifier:
    """Return a verifier for the tokens of a sign-in service."""
    keys = KeySet(sign_in.jwks_url, http, clock=clock, pause=clock.pause)
    return TokenVerifier(keys, sign_in.issuer, "ai-todo-backend")


async def test_keys_are_fetched_once(sign_in: SignIn, clock: Clock) -> None:
    """Concurrent requests share one fetch, and later requests use its result."""
    async with httpx2.AsyncClient() as http:
        verifier = verifier_of(sign_in, http, clock)
        users = await asyncio.gather(*(verifier.user_of(sign_in.token(name)) for name in "abcdefgh"))
        clock.now += MAX_AGE_SECONDS - 1
        await verifier.user_of(sign_in.token("later"))

    assert users == list("abcdefgh")
    assert sign_in.fetches == 1


async def test_a_new_key_is_fetched_at_once(sign_in: SignIn, clock: Clock) -> None:
    """After a rotation, the first token with the new key triggers a fetch; the old key remains valid."""
    async with httpx2.AsyncClient() as http:
        verifier = verifier_of(sign_in, http, clock)
        await verifier.user_of(sign_in.token("ada"))
        sign_in.keys["second"] = Ed25519PrivateKey.generate()
        clock.now += MIN_INTERVAL_SECONDS

        assert await verifier.user_of(sign_in.token("ada")) == "ada"
        assert await verifier.user_of(sign_in.token("ada", key_id="first")) == "ada"

    assert sign_in.fetches == 2


async def test_a_withdrawn_key_is_rejected_after_the_maximum_age(sign_in: SignIn, clock: Clock) -> None:
    """A token of a withdrawn key is accepted for five minutes at most."""
    async with httpx2.AsyncClient() as http:
        verifier = verifier_of(sign_in, http, clock)
        old = sign_in.token("ada")
        await verifier.user_of(old)
        sign_in.keys = {"second": Ed25519PrivateKey.generate()}
        assert await verifier.user_of(old) == "ada"
        clock.now += MAX_AGE_SECONDS

        with pytest.raises(TokenError, match="a key that the sign-in service does not have"):
            await verifier.user_of(old)


async def test_tokens_with_unknown_keys_do_not_flood_the_sign_in_service(sign_in: SignIn, clock: Clock) -> None:
    """However many invented key ids arrive, there is at most one fetch per second."""
    stranger = SignIn()
    stranger.keys = {f"made up {number}": Ed25519PrivateKey.generate() for number in range(20)}
    tokens = [stranger.token("ada", key_id=key_id) for key_id in stranger.keys]
    async with httpx2.AsyncClient() as http:
        verifier = verifier_of(sign_in, http, clock)
        await verifier.user_of(sign_in.token("ada"))
        outcomes = await asyncio.gather(*(verifier.user_of(token) for token in tokens), return_exceptions=True)

    assert all(isinstance(outcome, TokenError) for outcome in outcomes)
    assert sign_in.fetches - 1 == len(clock.waits) <= 2
    assert set(clock.waits) == {MIN_INTERVAL_SECONDS}


async def test_without_the_sign_in_service_known_keys_remain_valid(sign_in: SignIn, clock: Clock) -> None:
    """An outage of the frontend signs nobody out, but tokens with unknown keys cannot be verified."""
    async with httpx2.AsyncClient() as http:
        verifier = verifier_of(sign_in, http, clock)
        await verifier.user_of(sign_in.token("ada"))
        sign_in.down = True
        clock.now += MAX_AGE_SECONDS

        assert await verifier.user_of(sign_in.token("ada")) == "ada"
        sign_in.keys["second"] = Ed25519PrivateKey.generate()
        with pytest.raises(KeysUnavailableError, match="503"):
            await verifier.user_of(sign_in.token("ada"))


async def test_without_any_key_the_reason_is_returned(no_database: Environment) -> None:
    """503 and not 401: the token may be valid, and signing in again would not help."""
    async with no_database.running(jwks_url=f"{UNREACHABLE}/api/auth/jwks") as client:
        response = await client.get(TASKS)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "The keys of the sign-in service cannot be fetched" in response.json()["detail"]
