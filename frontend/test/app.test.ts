import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { createApp } from "../server/app";
import { DatabaseUnavailableError } from "../server/database";
import type { Settings } from "../server/settings";
import { readSettings } from "../server/settings";

const SETTINGS: Settings = readSettings({
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

interface State {
  readonly settings?: Partial<Settings>;
  readonly stopping?: boolean;
  /** Why the database is unavailable. */
  readonly down?: string;
  /** The request handler of Better Auth. */
  readonly handler?: (request: Request) => Promise<Response>;
}

/** Create an app in this state; `lines` has its log. */
function server({ settings, stopping = false, down = "", handler = async () => new Response() }: State = {}) {
  const lines: string[] = [];
  const database = {
    requireTables: () => undefined,
    check: async () => {
      if (down) {
        throw new DatabaseUnavailableError(down);
      }
    },
  };
  const app = createApp({
    settings: { ...SETTINGS, ...settings },
    shutdown: { requested: stopping },
    database,
    auth: { handler },
    root: join(root, "public"),
    log: (line) => lines.push(line),
  });
  const incoming = { socket: { remoteAddress: "10.1.2.3", remotePort: 1, remoteFamily: "IPv4" } };
  return { request: async (path: string) => app.request(path, {}, { incoming }), lines };
}

describe("probes", () => {
  it.each([
    ["/health", "ok"],
    ["/ready", "ready"],
  ])("%s reports the version", async (path, status) => {
    const response = await server().request(path);
    expect(await response.json()).toEqual({ status, service: "ai-todo-frontend", version: "1.2.3" });
  });

  it("are not ready but alive during the shutdown, and ask for new connections", async () => {
    const { request } = server({ stopping: true });
    expect((await request("/ready")).status).toBe(503);
    expect((await request("/ready")).headers.get("Content-Type")).toBe("application/problem+json");
    expect((await request("/health")).status).toBe(200);
    expect((await request("/health")).headers.get("Connection")).toBe("close");
  });

  it("are not ready but alive without the database, and give the reason", async () => {
    const { request } = server({ down: "The database cannot be used: gone" });
    const response = await request("/ready");
    expect(response.status).toBe(503);
    expect(response.headers.get("Retry-After")).toBe("5");
    expect(await response.json()).toMatchObject({ detail: "The database cannot be used: gone" });
    expect((await request("/health")).status).toBe(200);
  });

  it("are logged only when they fail", async () => {
    const running = server();
    await running.request("/health");
    await running.request("/");
    expect(running.lines).toEqual([expect.stringContaining('"GET /" 200')]);
    const stopping = server({ stopping: true });
    await stopping.request("/ready");
    expect(stopping.lines).toEqual([expect.stringContaining('"GET /ready" 503')]);
  });
});

describe("configuration", () => {
  it.each([null, "https://api.example/todo"])("is served as configured: %j", async (apiUrl) => {
    const response = await server({ settings: { apiUrl } }).request("/config.json");
    expect(await response.json()).toEqual({ apiUrl, version: "1.2.3" });
    expect(response.headers.get("Cache-Control")).toBe("no-store");
  });

  it.each([
    [null, "connect-src 'self' http://*:30081 https://*:30081;"],
    ["https://api.example/todo", "connect-src 'self' https://api.example;"],
  ])("determines where the page may connect to: %j", async (apiUrl, policy) => {
    const response = await server({ settings: { apiUrl } }).request("/");
    expect(response.headers.get("Content-Security-Policy")).toContain(policy);
  });
});

describe("sign-in", () => {
  it("gets the address of the client", async () => {
    const handler = async (request: Request) => Response.json(request.headers.get("X-Client-Address"));
    expect(await (await server({ handler }).request("/api/auth/ok")).json()).toBe("10.1.2.3");
  });

  it("turns an unexpected error into a problem without details", async () => {
    const { request, lines } = server({ handler: () => Promise.reject(new Error("secret detail")) });
    const response = await request("/api/auth/ok");
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("secret detail");
    expect(lines.join()).toContain("secret detail");
  });

  it("passes redirects on unchanged", async () => {
    const redirect = () => new Response(null, { status: 302, headers: { Location: "http://there/" } });
    const response = await server({ handler: async () => redirect() }).request("/api/auth/ok");
    expect([response.status, response.headers.get("Location")]).toEqual([302, "http://there/"]);
  });
});

describe("files", () => {
  it("include the page at /, which is revalidated each time", async () => {
    const response = await server().request("/");
    expect(await response.text()).toContain("AI Todo");
    expect(response.headers.get("Cache-Control")).toBe("no-cache");
  });

  it("include assets that browsers cache", async () => {
    const response = await server().request("/assets/main-abc.js");
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
  ])("do not include %s", async (path) => {
    const response = await server().request(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ status: 404, title: "Not Found" });
  });
});
