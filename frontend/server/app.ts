import { readFileSync } from "node:fs";
import { STATUS_CODES } from "node:http";
import { join } from "node:path";

import { getConnInfo } from "@hono/node-server/conninfo";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import type { Context, Next } from "hono";
import { bodyLimit } from "hono/body-limit";
import { secureHeaders } from "hono/secure-headers";

import type { Auth } from "./auth";
import { CLIENT_ADDRESS } from "./auth";
import type { Database } from "./database";
import { DatabaseDownError } from "./database";
import type { Life } from "./life";
import type { Log } from "./log";
import type { Settings } from "./settings";

const SERVICE = "ai-todo-frontend";

/** Paths that the kubelet asks every few seconds: their successes are not worth a line of log. */
const PROBES = new Set(["/health", "/ready"]);

/** Where the backend is when nothing says where: any host's NodePort, since a policy cannot name "the page's own host". */
const ANY_HOST_API = ["http://*:30081", "https://*:30081"];

/** More than any form of the page sends, in bytes. */
const LARGEST_BODY = 16 * 1024;

/** What the app is put together from. */
export interface Parts {
  readonly settings: Settings;
  readonly life: Life;
  readonly database: Pick<Database, "check" | "require">;
  readonly auth: Pick<Auth, "handler">;
  /** The folder with the page. */
  readonly root: string;
  readonly log: Log;
}

/** The app: probes, sign-in, the page's configuration, and the page itself. */
export function createApp(parts: Parts): Hono {
  const { settings, life, root, log } = parts;
  const app = new Hono();
  app.use(async (context, next) => {
    const start = performance.now();
    await next();
    if (life.stopping) {
      context.header("Connection", "close");
    }
    if (!(PROBES.has(context.req.path) && context.res.ok)) {
      const took = (performance.now() - start).toFixed(1);
      log(`INFO access "${context.req.method} ${context.req.path}" ${context.res.status} ${took} ms`);
    }
  });
  app.use(secureHeaders({ contentSecurityPolicy: policy(settings), strictTransportSecurity: false }));

  addProbes(app, parts);
  addSignIn(app, parts);
  app.get("/config.json", (context) => {
    context.header("Cache-Control", "no-store");
    return context.json({ apiUrl: settings.apiUrl, version: settings.version });
  });
  addPage(app, root);

  app.notFound(() => problem(404, "Not Found", "There is nothing here"));
  app.onError((error) => {
    if (error instanceof DatabaseDownError) {
      return problem(503, "Service Unavailable", error.message, { "Retry-After": "5" });
    }
    log(`ERROR ${error.stack ?? error.message}`);
    return problem(500, "Internal Server Error", "The service made a fault; its log has the details");
  });
  return app;
}

function addProbes(app: Hono, { settings, life, database }: Parts): void {
  app.get("/health", (context) => context.json({ status: "ok", service: SERVICE, version: settings.version }));
  app.get("/ready", async (context) => {
    if (life.stopping) {
      return problem(503, "Service Unavailable", "The service is being stopped");
    }
    await database.check(settings.readySeconds);
    return context.json({ status: "ready", service: SERVICE, version: settings.version });
  });
}

/** Better Auth, whose errors become problems; where the database is the cause, it is told as such. */
function addSignIn(app: Hono, { settings, database, auth }: Parts): void {
  const tooLarge = () => problem(413, "Content Too Large", `A body has ${LARGEST_BODY} bytes at most`);
  app.use("/api/auth/*", bodyLimit({ maxSize: LARGEST_BODY, onError: tooLarge }));
  app.on(["GET", "POST"], "/api/auth/*", async (context) => {
    database.require();
    const request = new Request(context.req.raw);
    request.headers.set(CLIENT_ADDRESS, getConnInfo(context).remote.address ?? "");
    const response = await auth.handler(request);
    if (response.ok) {
      return response;
    }
    if (response.status === 401 || response.status >= 500) {
      await database.check(settings.readySeconds); // a session that could not be looked up is not one that is over
    }
    return asProblem(response);
  });
}

function addPage(app: Hono, root: string): void {
  const page = readFileSync(join(root, "index.html"), "utf8");
  app.get("/", (context) => {
    context.header("Cache-Control", "no-cache");
    return context.html(page);
  });
  app.use("/assets/*", forever);
  app.get("/assets/*", serveStatic({ root }));
  app.get("/favicon.svg", serveStatic({ root }));
}

/** What the page may load: its own files, and the backend's answers. */
function policy(settings: Settings) {
  const api = settings.apiUrl === null ? ANY_HOST_API : [new URL(settings.apiUrl).origin];
  return {
    defaultSrc: ["'self'"],
    connectSrc: ["'self'", ...api],
    baseUri: ["'none'"],
    formAction: ["'self'"],
    frameAncestors: ["'none'"],
    objectSrc: ["'none'"],
  };
}

/** Files whose names hold a hash of their content never change. */
async function forever(context: Context, next: Next): Promise<void> {
  await next();
  if (context.res.ok) {
    context.header("Cache-Control", "public, max-age=31536000, immutable");
  }
}

/** An error of Better Auth, `{code, message}`, as a problem that keeps its code; redirects and the like as they are. */
async function asProblem(response: Response): Promise<Response> {
  if (response.status < 400) {
    return response;
  }
  const said: { code?: string; message?: string } = await response.json().catch(() => ({}));
  const headers = new Headers(response.headers);
  headers.delete("Content-Length");
  const title = STATUS_CODES[response.status] ?? response.statusText;
  return problem(response.status, title, said.message ?? "The request failed", headers, said.code);
}

/** An error as RFC 9457 has it. */
function problem(status: number, title: string, detail: string, headers: HeadersInit = {}, code?: string): Response {
  const body = { type: "about:blank", title, status, detail, ...(code && { code }) };
  const response = new Response(JSON.stringify(body), { status, headers });
  response.headers.set("Content-Type", "application/problem+json");
  return response;
}
