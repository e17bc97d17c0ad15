import { describe, expect, it, vi } from "vitest";

import { DisplayError, SessionExpiredError } from "../web/errors";
import { Session } from "../web/session";
import { broken, fakeFetch } from "./fake-fetch";

const USER = { id: "ada", name: "Ada", email: "ada@example.org" };

/** A response with a token that is valid for 15 minutes by the clock of the server. */
function token(name: string): Response {
  const claims = btoa(JSON.stringify({ iat: 5_000_000, exp: 5_000_900, name }));
  return Response.json({ token: `head.${claims}.${name}` });
}

function refusal(status: number, body: object = {}): Response {
  return Response.json(body, { status });
}

/** A session with a fake of `fetch`, and a clock that the test sets. */
function session(...answers: (Response | Error)[]) {
  const { fetch, requests } = fakeFetch(...answers);
  const clock = { now: 0 };
  return { session: new Session(fetch, () => clock.now), requests, clock };
}

describe("Session", () => {
  it("returns the signed-in user, or null", async () => {
    expect(await session(Response.json({ user: USER })).session.user()).toEqual(USER);
    expect(await session(Response.json(null)).session.user()).toBeNull();
  });

  it("uses the fetch of the browser by default", async () => {
    vi.stubGlobal("fetch", async () => Response.json({ user: USER }));
    expect(await new Session().user()).toEqual(USER);
    vi.unstubAllGlobals();
  });

  it("signs up, in and out", async () => {
    const answer = () => Response.json({ user: USER });
    const { session: mine, requests } = session(answer(), answer(), Response.json({ success: true }));
    const { name, email } = USER;
    const password = crypto.randomUUID();
    expect(await mine.signUp(name, email, password)).toEqual(USER);
    expect(await mine.signIn(email, password)).toEqual(USER);
    await mine.signOut();
    expect(requests).toEqual([
      `POST /api/auth/sign-up/email ${JSON.stringify({ name, email, password })}`,
      `POST /api/auth/sign-in/email ${JSON.stringify({ email, password })}`,
      "POST /api/auth/sign-out {}",
    ]);
  });

  it("renews a token a minute before it expires", async () => {
    const { session: mine, requests, clock } = session(token("first"), token("second"));
    expect(await mine.token()).toMatch(/first$/);
    clock.now = 839_999;
    expect(await mine.token()).toMatch(/first$/);
    clock.now = 840_000;
    expect(await mine.token()).toMatch(/second$/);
    expect(requests).toEqual(["GET /api/auth/token", "GET /api/auth/token"]);
  });

  it("requests one token for concurrent callers, and tries again after a failure", async () => {
    const { session: mine, requests } = session(new TypeError("offline"), token("first"));
    const failed = await Promise.allSettled([mine.token(), mine.token()]);
    expect(failed.map((one) => one.status)).toEqual(["rejected", "rejected"]);
    expect(await Promise.all([mine.token(), mine.token()])).toHaveLength(2);
    expect(requests).toHaveLength(2);
  });

  it("discards its token on request", async () => {
    const { session: mine } = session(token("first"), token("second"));
    await mine.token();
    mine.forget();
    expect(await mine.token()).toMatch(/second$/);
  });

  it("distinguishes an expired session from one that cannot be looked up", async () => {
    await expect(session(refusal(401)).session.token()).rejects.toEqual(new SessionExpiredError());
    await expect(
      session(refusal(503, { detail: "The database cannot be used: gone" })).session.token(),
    ).rejects.toEqual(new DisplayError("Signing in is not possible right now. The database cannot be used: gone."));
  });

  it.each([
    [refusal(401, { code: "INVALID_EMAIL_OR_PASSWORD" }), "The e-mail address or the password is wrong."],
    [refusal(429), "Too many attempts. Wait a minute, then try again."],
    [refusal(500), "Something went wrong on the server. Try again in a moment."],
    [refusal(400, { code: "NEW_ONE", detail: "What the server says" }), "What the server says"],
    [new Response("<html>", { status: 400 }), "The server did not accept this."],
    [broken(), "The server does not answer. Check your connection, then try again."],
    [new TypeError("Failed to fetch"), "The server does not answer. Check your connection, then try again."],
  ])("shows what went wrong: %s", async (answer, message) => {
    await expect(session(answer).session.signIn("a@b.org", "wrong")).rejects.toEqual(new DisplayError(message));
  });
});
