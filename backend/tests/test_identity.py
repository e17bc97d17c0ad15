"""Who may ask: tokens, keys, and other people's addresses."""

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

from tests.conftest import NOWHERE, TASKS, World, bearer
from tests.signing import SignIn
from todo_backend.identity import FRESH_SECONDS, PAUSE_SECONDS, Gate, Keys, KeysDownError, TokenError


async def test_a_signed_in_user_is_let_in(client: AsyncClient) -> None:
    """A token of the sign-in service opens its user's tasks."""
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
async def test_every_address_is_its_users_alone(client: AsyncClient, method: str, path: str) -> None:
    """401 for nobody, 403 for somebody else, before anything else of the request is looked at."""
    nobody = await client.request(method, f"/api/ada/{path}", headers={"Authorization": ""}, json={})
    other = await client.request(method, f"/api/bob/{path}", json={})

    assert (nobody.status_code, nobody.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert other.status_code == 403
    for response in (nobody, other):
        assert response.headers["content-type"] == "application/problem+json"


def _foreign(sign_in: SignIn) -> str:
    other = SignIn(keys={"first": Ed25519PrivateKey.generate()})
    return other.token("ada", iss=sign_in.issuer)


def _unsigned(sign_in: SignIn) -> str:
    claims = jwt.decode(sign_in.token("ada"), options={"verify_signature": False})
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "first"})


def _confused(sign_in: SignIn) -> str:
    """Return a token signed with the public key as if it were a shared secret."""
    claims = jwt.decode(sign_in.token("ada"), options={"verify_signature": False})
    secret = sign_in.keys["first"].public_key().public_bytes_raw()
    return jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "first"})


def _nameless(sign_in: SignIn) -> str:
    return jwt.encode({"sub": "ada"}, sign_in.keys["first"], algorithm="EdDSA")


def _oddly_named(sign_in: SignIn) -> str:
    """Return a token whose header names its key with a list."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "EdDSA", "kid": ["first"]}).encode()).rstrip(b"=").decode()
    return ".".join([header, *sign_in.token("ada").split(".")[1:]])


BAD_TOKENS: dict[str, Any] = {
    "no token": lambda _: "nonsense",
    "three parts of nothing": lambda _: "a.b.c",
    "expired": lambda sign_in: sign_in.token("ada", exp=int(time.time()) - 60),
    "not yet valid": lambda sign_in: sign_in.token("ada", nbf=int(time.time()) + 60),
    "without an end": lambda sign_in: sign_in.token("ada", exp=None),
    "for another service": lambda sign_in: sign_in.token("ada", aud="another"),
    "for nobody": lambda sign_in: sign_in.token("ada", aud=None),
    "by another issuer": lambda sign_in: sign_in.token("ada", iss="http://evil.example"),
    "of no user": lambda sign_in: sign_in.token("ada", sub=None),
    "of an empty user": lambda sign_in: sign_in.token(""),
    "of a user whose id is too long": lambda sign_in: sign_in.token("a" * 256),
    "signed with a foreign key of the same name": _foreign,
    "unsigned": _unsigned,
    "signed with the public key": _confused,
    "without the key's name": _nameless,
    "with a key's name that is none": _oddly_named,
    "changed": lambda sign_in: sign_in.token("ada")[:-8] + "AAAAAAAA",
}


@pytest.mark.parametrize("make", BAD_TOKENS.values(), ids=BAD_TOKENS.keys())
async def test_a_token_that_cannot_be_trusted_is_refused(nowhere: World, make: Any) -> None:  # noqa: ANN401 - a function
    """401 with the reason, never the token, and without a look at the database, which is down here."""
    token = make(nowhere.sign_in)
    async with nowhere.running() as client:
        response = await client.get(TASKS, headers=bearer(token))

    assert response.status_code == 401
    assert response.json()["detail"]
    assert token not in response.text


async def test_clocks_may_be_a_little_apart(nowhere: World) -> None:
    """A token that ended a few seconds ago is taken, so that the database is reached and found down."""
    async with nowhere.running() as client:
        token = nowhere.sign_in.token("ada", exp=int(time.time()) - 3)
        assert (await client.get(TASKS, headers=bearer(token))).status_code == 503


class Clock:
    """A clock that moves when it is told to, and when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    async def pause(self, seconds: float) -> None:
        """Wait."""
        self.waits.append(seconds)
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


def gate_of(sign_in: SignIn, http: AsyncClient, clock: Clock) -> Gate:
    """Return the gate for a sign-in service."""
    keys = Keys(sign_in.jwks_url, http, clock=clock, pause=clock.pause)
    return Gate(keys, sign_in.issuer, "ai-todo-backend")


async def test_keys_are_asked_for_once(sign_in: SignIn, clock: Clock) -> None:
    """Of many requests at once one asks, and those after it use what it got."""
    async with httpx2.AsyncClient() as http:
        gate = gate_of(sign_in, http, clock)
        users = await asyncio.gather(*(gate.user_of(sign_in.token(name)) for name in "abcdefgh"))
        clock.now += FRESH_SECONDS - 1
        await gate.user_of(sign_in.token("later"))

    assert users == list("abcdefgh")
    assert sign_in.asked == 1


async def test_a_new_key_is_found_at_once(sign_in: SignIn, clock: Clock) -> None:
    """After a rotation the first token with the new key has the keys asked for again; the old key still counts."""
    async with httpx2.AsyncClient() as http:
        gate = gate_of(sign_in, http, clock)
        await gate.user_of(sign_in.token("ada"))
        sign_in.keys["second"] = Ed25519PrivateKey.generate()
        clock.now += PAUSE_SECONDS

        assert await gate.user_of(sign_in.token("ada")) == "ada"
        assert await gate.user_of(sign_in.token("ada", key_id="first")) == "ada"

    assert sign_in.asked == 2


async def test_a_withdrawn_key_is_refused_once_the_keys_are_old(sign_in: SignIn, clock: Clock) -> None:
    """A token of a key that is gone is taken for five minutes at most."""
    async with httpx2.AsyncClient() as http:
        gate = gate_of(sign_in, http, clock)
        old = sign_in.token("ada")
        await gate.user_of(old)
        sign_in.keys = {"second": Ed25519PrivateKey.generate()}
        assert await gate.user_of(old) == "ada"
        clock.now += FRESH_SECONDS

        with pytest.raises(TokenError, match="a key that the sign-in service does not have"):
            await gate.user_of(old)


async def test_unknown_keys_do_not_flood_the_sign_in_service(sign_in: SignIn, clock: Clock) -> None:
    """However many made-up key names come, there is a second between two questions."""
    stranger = SignIn()
    stranger.keys = {f"made up {number}": Ed25519PrivateKey.generate() for number in range(20)}
    tokens = [stranger.token("ada", key_id=key_id) for key_id in stranger.keys]
    async with httpx2.AsyncClient() as http:
        gate = gate_of(sign_in, http, clock)
        await gate.user_of(sign_in.token("ada"))
        outcomes = await asyncio.gather(*(gate.user_of(token) for token in tokens), return_exceptions=True)

    assert all(isinstance(outcome, TokenError) for outcome in outcomes)
    assert sign_in.asked - 1 == len(clock.waits) <= 2
    assert set(clock.waits) == {PAUSE_SECONDS}


async def test_without_the_sign_in_service_known_keys_go_on_counting(sign_in: SignIn, clock: Clock) -> None:
    """An outage of the frontend signs nobody out; a key that nobody knows cannot be checked."""
    async with httpx2.AsyncClient() as http:
        gate = gate_of(sign_in, http, clock)
        await gate.user_of(sign_in.token("ada"))
        sign_in.down = True
        clock.now += FRESH_SECONDS

        assert await gate.user_of(sign_in.token("ada")) == "ada"
        sign_in.keys["second"] = Ed25519PrivateKey.generate()
        with pytest.raises(KeysDownError, match="503"):
            await gate.user_of(sign_in.token("ada"))


async def test_while_no_key_can_be_had_the_cause_is_said(nowhere: World) -> None:
    """503 with the cause: the token may well be right, and signing in again would not help."""
    async with nowhere.running(jwks_url=f"{NOWHERE}/api/auth/jwks") as client:
        response = await client.get(TASKS)

    assert response.status_code == 503
    assert response.headers["Retry-After"] == "5"
    assert "The sign-in service's keys cannot be had" in response.json()["detail"]
