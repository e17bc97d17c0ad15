import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { getRequestListener } from "@hono/node-server";
import { createLocalJWKSet, jwtVerify } from "jose";
import pg from "pg";
import { afterAll, beforeAll, expect, it, vi } from "vitest";

import { createApp } from "../server/app";
import { createAuth } from "../server/auth";
import { Database } from "../server/database";
import { readSettings } from "../server/settings";
import type { Postgres } from "./postgres";
import { describeWithPostgres, newDatabase } from "./postgres";

const SECRET = "a test's secret that has enough characters";

interface Running {
  readonly origin: string;
  readonly lines: string[];
  readonly ready: Promise<void>;
  readonly stop: () => Promise<void>;
}

let postgres: Postgres;
let root: string;
let app: Running;

/** Start the whole server on a free port, as main.ts does. */
async function start(secret = SECRET): Promise<Running> {
  const env = { DATABASE_URL: postgres.url, BETTER_AUTH_SECRET: secret };
  const settings = readSettings(env);
  const lines: string[] = [];
  const log = (line: string) => void lines.push(line);
  const database = new Database(settings.databaseUrl, log);
  const auth = createAuth(settings.auth, database.pool, log);
  const ready = database.prepare(auth.missingTables);
  const dependencies = { settings, shutdown: { requested: false }, database, auth, root, log };
  const server: Server = createServer(getRequestListener(createApp(dependencies).fetch));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    lines,
    ready,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.close();
      await ready;
    },
  };
}

interface RequestOptions {
  readonly at?: Pick<Running, "origin">;
  readonly cookie?: string;
  readonly origin?: string;
}

/** Send a request like a page of that origin; with a body it is a POST. */
function send(
  path: string,
  body?: object | string,
  { at = app, cookie = "", origin = at.origin }: RequestOptions = {},
) {
  return fetch(`${at.origin}${path}`, {
    method: body === undefined ? "GET" : "POST",
    headers: { Origin: origin, Cookie: cookie, ...(body !== undefined && { "Content-Type": "application/json" }) },
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
}

let users = 0;

/** Create an account; return its name, email and password, its id and the session cookie. */
async function signUp(at = app) {
  const account = { name: "Ada", email: `ada${++users}@example.org`, password: "correct horse" };
  const response = await send("/api/auth/sign-up/email", account, { at });
  expect(response.status).toBe(200);
  const { user } = (await response.json()) as { user: { id: string } };
  const cookie = response.headers.getSetCookie()[0]?.split(";")[0] ?? "";
  return { ...account, id: user.id, cookie };
}

async function claims(cookie: string, at = app) {
  const { token } = (await (await send("/api/auth/token", undefined, { at, cookie })).json()) as { token: string };
  const jwks = (await (await send("/api/auth/jwks", undefined, { at })).json()) as Parameters<
    typeof createLocalJWKSet
  >[0];
  return jwtVerify(token, createLocalJWKSet(jwks), {
    issuer: "http://ai-todo-frontend-service:3000",
    audience: "ai-todo-backend",
  });
}

describeWithPostgres("sign-in", () => {
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), "frontend-"));
    writeFileSync(join(root, "index.html"), "<title>AI Todo</title>");
    postgres = await newDatabase();
    app = await start();
    await app.ready;
  });

  afterAll(async () => {
    await app.stop();
    await postgres.drop();
    rmSync(root, { recursive: true });
  });

  it("creates an account, and a session in a cookie that scripts cannot read", async () => {
    const account = { name: "Ada", email: "first@example.org", password: "correct horse" };
    const response = await send("/api/auth/sign-up/email", account);
    const [cookie] = response.headers.getSetCookie();
    expect(cookie).toMatch(/^ai-todo\.session_token=.*; HttpOnly; SameSite=Lax$/);
    const session = await send("/api/auth/get-session", undefined, { cookie: cookie?.split(";")[0] ?? "" });
    expect(await session.json()).toMatchObject({ user: { name: "Ada", email: "first@example.org" } });
  });

  it("issues tokens as the backend expects them, for 15 minutes", async () => {
    const { id, email, cookie } = await signUp();
    const { payload, protectedHeader } = await claims(cookie);
    expect(payload).toMatchObject({ sub: id, email, name: "Ada" });
    expect(Object.keys(payload).sort()).toEqual(["aud", "email", "exp", "iat", "iss", "name", "sub"]);
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(15 * 60);
    expect(protectedHeader.alg).toBe("EdDSA");
  });

  it("ends a session at once in all replicas", async () => {
    const { cookie } = await signUp();
    const other = await start();
    await other.ready;
    expect((await send("/api/auth/sign-out", {}, { cookie, at: other })).status).toBe(200);
    expect((await send("/api/auth/token", undefined, { cookie })).status).toBe(401);
    await other.stop();
  });

  it.each([
    [
      "a wrong password",
      "/sign-in/email",
      { email: "first@example.org", password: "wrong" },
      401,
      "INVALID_EMAIL_OR_PASSWORD",
    ],
    [
      "an unknown address",
      "/sign-in/email",
      { email: "no@example.org", password: "wrong" },
      401,
      "INVALID_EMAIL_OR_PASSWORD",
    ],
    [
      "a short password",
      "/sign-up/email",
      { name: "A", email: "a@b.org", password: "1234567" },
      400,
      "PASSWORD_TOO_SHORT",
    ],
    [
      "an invalid address",
      "/sign-up/email",
      { name: "A", email: "a b", password: "12345678" },
      400,
      "VALIDATION_ERROR",
    ],
    [
      "a taken address",
      "/sign-up/email",
      { name: "A", email: "FIRST@example.org", password: "12345678" },
      422,
      "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
    ],
    ["a body that is not JSON", "/sign-in/email", "{", 400, "BAD_REQUEST"],
    ["a large body", "/sign-in/email", { email: "a".repeat(20_000), password: "" }, 413, undefined],
    ["an unknown path", "/nothing", {}, 404, undefined],
  ])("rejects %s with a problem", async (_, path, body, status, code) => {
    const response = await send(`/api/auth${path}`, body);
    expect(response.status).toBe(status);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    const problem = (await response.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({ status, title: expect.stringMatching(/^[A-Z][a-z]/), detail: expect.any(String) });
    expect(problem["code"]).toBe(code);
  });

  it("accepts requests of its own pages only, whatever address they were opened at", async () => {
    const { email, password, cookie } = await signUp();
    const port = new URL(app.origin).port;
    const here = { ...app, origin: `http://localhost:${port}` };
    expect((await send("/api/auth/sign-in/email", { email, password }, { at: here })).status).toBe(200);
    for (const origin of ["http://evil.example", `http://127.0.0.1:1${port}`, "null"]) {
      expect((await send("/api/auth/sign-in/email", { email, password }, { origin })).status).toBe(403);
      expect((await send("/api/auth/sign-out", {}, { cookie, origin })).status).toBe(403);
    }
  });

  it("limits attempts per client address, which the client cannot choose", async () => {
    const statuses = [];
    for (let attempt = 0; attempt < 40; attempt += 1) {
      const response = await fetch(`${app.origin}/api/auth/sign-in/email`, {
        method: "POST",
        headers: { "X-Forwarded-For": `10.0.0.${attempt}`, "X-Client-Address": `10.0.0.${attempt}` },
        body: "{}",
      });
      statuses.push(response.status);
    }
    expect(statuses.at(-1)).toBe(429);
    const keys = await Promise.all(Array.from({ length: 40 }, async () => (await send("/api/auth/jwks")).status));
    expect(new Set(keys)).toEqual(new Set([200]));
  });

  it("creates its tables once if replicas start at the same time", async () => {
    const first = postgres;
    postgres = await newDatabase();
    try {
      const replicas = await Promise.all([start(), start(), start()]);
      await Promise.all(replicas.map((one) => one.ready));
      for (const one of replicas) {
        expect(one.lines).toEqual(["INFO the tables are up to date"]);
        expect((await send("/ready", undefined, { at: one })).status).toBe(200);
      }
      const client = new pg.Client({ connectionString: postgres.url });
      await client.connect();
      const tables = await client.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1");
      await client.end();
      expect(tables.rows.map((row: { tablename: string }) => row.tablename)).toEqual([
        "accounts",
        "jwks",
        "sessions",
        "users",
        "verifications",
      ]);
      await Promise.all(replicas.map((one) => one.stop()));
    } finally {
      await postgres.drop();
      postgres = first;
    }
  });

  it("signs with a new key after a change of the secret, and still publishes the old one", async () => {
    const { cookie } = await signUp();
    const before = await claims(cookie);
    const changed = await start(`${SECRET}, changed`);
    await changed.ready;
    const after = await claims((await signUp(changed)).cookie, changed);
    expect(after.protectedHeader.kid).not.toBe(before.protectedHeader.kid);
    const { keys } = (await (await send("/api/auth/jwks", undefined, { at: changed })).json()) as {
      keys: { kid: string }[];
    };
    expect(keys.map((key) => key.kid)).toEqual(
      expect.arrayContaining([before.protectedHeader.kid, after.protectedHeader.kid]),
    );
    expect((await claims(cookie)).protectedHeader.kid).toBe(before.protectedHeader.kid);
    await changed.stop();
  });

  it("starts without the database, gives the reason, and works when the database is there", async () => {
    await postgres.open(false);
    const early = await start();
    try {
      await vi.waitFor(() => expect(early.lines.join()).toContain("not currently accepting connections"));
      expect((await send("/health", undefined, { at: early })).status).toBe(200);
      const ready = await send("/ready", undefined, { at: early });
      expect(ready.status).toBe(503);
      expect(await ready.json()).toMatchObject({
        detail: expect.stringMatching(/^The database cannot be used: .* not currently accepting connections$/),
      });
      expect((await send("/api/auth/get-session", undefined, { at: early })).status).toBe(503);
    } finally {
      await postgres.open(true);
    }
    await early.ready;
    expect((await send("/ready", undefined, { at: early })).status).toBe(200);
    await early.stop();
  });

  it("does not mistake an unavailable database for an expired session, and reconnects", async () => {
    const { cookie } = await signUp();
    expect((await send("/api/auth/token", undefined, { cookie })).status).toBe(200);
    await postgres.open(false);
    try {
      for (const path of ["/ready", "/api/auth/token", "/api/auth/get-session"]) {
        expect([path, (await send(path, undefined, { cookie })).status]).toEqual([path, 503]);
      }
      expect((await send("/health")).status).toBe(200);
    } finally {
      await postgres.open(true);
    }
    expect((await send("/api/auth/token", undefined, { cookie })).status).toBe(200);
  });
});
