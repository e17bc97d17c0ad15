import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createApp } from "../server/app";
import { DatabaseDownError } from "../server/database";
import type { Settings } from "../server/settings";
import { settingsOf } from "../server/settings";

const SETTINGS: Settings = settingsOf({
  APP_VERSION: "1.2.3",
  DATABASE_URL: "postgresql://nowhere/todo",
  BETTER_AUTH_SECRET: "not used here",
});

let root: string;

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "frontend-"));
  mkdirSync(join(root, "public/assets"), { recursive: true });
  writeFileSync(join(root, "secret.txt"), "not for the web");
  writeFileSync(join(root, "public/index.html"), "<title>AI Todo</title>");
  writeFileSync(join(root, "public/assets/main-abc.js"), "1");
});

afterAll(() => rmSync(root, { recursive: true }));

interface Setting {
  readonly settings?: Partial<Settings>;
  readonly stopping?: boolean;
  /** What is wrong with the database. */
  readonly down?: string;
  /** What sign-in does with a request. */
  readonly handler?: (request: Request) => Promise<Response>;
}

/** Ask an app in this state; `lines` holds what it logged. */
function server({ settings, stopping = false, down = "", handler = async () => new Response() }: Setting = {}) {
  const lines: string[] = [];
  const database = {
    require: () => undefined,
    check: async () => {
      if (down) {
        throw new DatabaseDownError(down);
      }
    },
  };
  const app = createApp({
    settings: { ...SETTINGS, ...settings },
    life: { stopping },
    database,
    auth: { handler },
    root: join(root, "public"),
    log: (line) => lines.push(line),
  });
  const incoming = { socket: { remoteAddress: "10.1.2.3", remotePort: 1, remoteFamily: "IPv4" } };
  return { ask: async (path: string) => app.request(path, {}, { incoming }), lines };
}

describe("probes", () => {
  it.each([
    ["/health", "ok"],
    ["/ready", "ready"],
  ])("%s names the version", async (path, status) => {
    const response = await server().ask(path);
    expect(await response.json()).toEqual({ status, service: "ai-todo-frontend", version: "1.2.3" });
  });

  it("are not ready but alive while stopping, and ask for new connections", async () => {
    const { ask } = server({ stopping: true });
    expect((await ask("/ready")).status).toBe(503);
    expect((await ask("/ready")).headers.get("Content-Type")).toBe("application/problem+json");
    expect((await ask("/health")).status).toBe(200);
    expect((await ask("/health")).headers.get("Connection")).toBe("close");
  });

  it("are not ready but alive while the database is away, and say why", async () => {
    const { ask } = server({ down: "The database cannot be used: gone" });
    const response = await ask("/ready");
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("5");
    expect(await response.json()).toMatchObject({ detail: "The database cannot be used: gone" });
    expect((await ask("/health")).status).toBe(200);
  });

  it("are logged only when they fail", async () => {
    const running = server();
    await running.ask("/health");
    await running.ask("/");
    expect(running.lines).toEqual([expect.stringContaining('"GET /" 200')]);
    const stopping = server({ stopping: true });
    await stopping.ask("/ready");
    expect(stopping.lines).toEqual([expect.stringContaining('"GET /ready" 503')]);
  });
});

describe("configuration", () => {
  it.each([null, "https://api.example/todo"])("is served as set: %j", async (apiUrl) => {
    const response = await server({ settings: { apiUrl } }).ask("/config.json");
    expect(await response.json()).toEqual({ apiUrl, version: "1.2.3" });
    expect(response.headers.get("Cache-Control")).toBe("no-store");
  });

  it.each([
    [null, "connect-src 'self' http://*:30081 https://*:30081;"],
    ["https://api.example/todo", "connect-src 'self' https://api.example;"],
  ])("decides where the page may connect to: %j", async (apiUrl, policy) => {
    const response = await server({ settings: { apiUrl } }).ask("/");
    expect(response.headers.get("Content-Security-Policy")).toContain(policy);
  });
});

describe("sign-in", () => {
  it("is told the address that a request came from", async () => {
    const handler = async (request: Request) => Response.json(request.headers.get("X-Client-Address"));
    expect(await (await server({ handler }).ask("/api/auth/ok")).json()).toBe("10.1.2.3");
  });

  it("answers a fault with a problem that tells nothing of it", async () => {
    const { ask, lines } = server({ handler: () => Promise.reject(new Error("secret detail")) });
    const response = await ask("/api/auth/ok");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret detail");
    expect(lines.join()).toContain("secret detail");
  });

  it("passes what is no error on as it is", async () => {
    const redirect = () => new Response(null, { status: 302, headers: { Location: "http://there/" } });
    const response = await server({ handler: async () => redirect() }).ask("/api/auth/ok");
    expect([response.status, response.headers.get("Location")]).toEqual([302, "http://there/"]);
  });
});

describe("files", () => {
  it("has the page at /, asked for anew each time", async () => {
    const response = await server().ask("/");
    expect(await response.text()).toContain("AI Todo");
    expect(response.headers.get("Cache-Control")).toBe("no-cache");
  });

  it("has assets that a browser keeps", async () => {
    const response = await server().ask("/assets/main-abc.js");
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toContain("javascript");
    expect(response.headers.get("Cache-Control")).toContain("immutable");
  });

  it.each([
    "/nothing",
    "/assets/nothing.js",
    "/secret.txt",
    "/assets/../../secret.txt",
    "/assets/..%2f..%2fsecret.txt",
  ])("has nothing at %s", async (path) => {
    const response = await server().ask(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ status: 404, title: "Not Found" });
  });
});
