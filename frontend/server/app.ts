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
import { DatabaseUnavailableError } from "./database";
import type { Shutdown } from "./graceful-shutdown";
import type { Log } from "./log";
import type { Settings } from "./settings";

const SERVICE = "ai-todo-frontend";

/** The paths of the kubelet's probes, whose successes are not logged. */
const PROBES = new Set(["/health", "/ready"]);

/** Default addresses of the backend in the policy: the NodePort of any host, as a policy cannot name the page's own. */
const ANY_HOST_API = ["http://*:30081", "https://*:30081"];

/** The largest request body in bytes; no form of the page sends as much. */
const MAX_BODY_SIZE = 16 * 1024;

/** What the app needs. */
export interface Dependencies {
  readonly settings: Settings;
  readonly shutdown: Shutdown;
  readonly database: Pick<Database, "check" | "requireTables">;
  readonly auth: Pick<Auth, "handler">;
  /** The folder of the built page. */
  readonly root: string;
  readonly log: Log;
}

/** Create the app: probes, sign-in, the configuration of the page, and the page itself. */
export function createApp(dependencies: Dependencies): Hono {
  const { settings, shutdown, root, log } = dependencies;
  const app = new Hono();
  app.use(async (context, next) => {
    const start = performance.now();
    await next();
    if (shutdown.requested) {
      context.header("Connection", "close");
    }
    if (!(PROBES.has(context.req.path) && context.res.ok)) {
      const duration = (performance.now() - start).toFixed(1);
      log(`INFO access "${context.req.method} ${context.req.path}" ${context.res.status} ${duration} ms`);
    }
  });
  app.use(secureHeaders({ contentSecurityPolicy: policy(settings), strictTransportSecurity: false }));

  addProbes(app, dependencies);
  addSignIn(app, dependencies);
  app.get("/config.json", (context) => {
    context.header("Cache-Control", "no-store");
    return context.json({ apiUrl: settings.apiUrl, version: settings.version });
  });
  addPage(app, root);

  app.notFound(() => problem(404, "Not Found", "There is nothing here"));
  app.onError((error) => {
    if (error instanceof DatabaseUnavailableError) {
      return problem(503, "Service Unavailable", error.message, { "Retry-After": "5" });
    }
    log(`ERROR ${error.stack ?? error.message}`);
    return problem(500, "Internal Server Error", "Unexpected error; the log of the service has the details");
  });
  return app;
}

function addProbes(app: Hono, { settings, shutdown, database }: Dependencies): void {
  app.get("/health", (context) => context.json({ status: "ok", service: SERVICE, version: settings.version }));
  app.get("/ready", async (context) => {
    if (shutdown.requested) {
      return problem(503, "Service Unavailable", "The service is being stopped");
    }
    await database.check(settings.readySeconds);
    return context.json({ status: "ready", service: SERVICE, version: settings.version });
  });
}

/** Add Better Auth. Its errors become problems, and those due to an unavailable database become 503. */
function addSignIn(app: Hono, { settings, database, auth }: Dependencies): void {
  const tooLarge = () => problem(413, "Content Too Large", `The body is larger than ${MAX_BODY_SIZE} bytes`);
  app.use("/api/auth/*", bodyLimit({ maxSize: MAX_BODY_SIZE, onError: tooLarge }));
  app.on(["GET", "POST"], "/api/auth/*", async (context) => {
    database.requireTables();
    const request = new Request(context.req.raw);
    request.headers.set(CLIENT_ADDRESS, getConnInfo(context).remote.address ?? "");
    const response = await auth.handler(request);
    if (response.ok) {
      return response;
    }
    if (response.status === 401 || response.status >= 500) {
      await database.check(settings.readySeconds); // a failed lookup of a session does not mean that it expired
    }
    return toProblem(response);
  });
}

function addPage(app: Hono, root: string): void {
  const page = readFileSync(join(root, "index.html"), "utf8");
  app.get("/", (context) => {
    context.header("Cache-Control", "no-cache");
    return context.html(page);
  });
  app.use("/assets/*", cacheForever);
  app.get("/assets/*", serveStatic({ root }));
  app.get("/favicon.svg", serveStatic({ root }));
}

/** Return the content security policy: the page may load its own files and connect to the backend. */
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

/** Let browsers keep files whose names contain a hash of their content. */
async function cacheForever(context: Context, next: Next): Promise<void> {
  await next();
  if (context.res.ok) {
    context.header("Cache-Control", "public, max-age=31536000, immutable");
  }
}

/** Convert an error of Better Auth, `{code, message}`, to a problem with its code. Redirects stay as they are. */
async function toProblem(response: Response): Promise<Response> {
  if (response.status < 400) {
    return response;
  }
  const error: { code?: string; message?: string } = await response.json().catch(() => ({}));
  const headers = new Headers(response.headers);
  headers.delete("Content-Length");
  const title = STATUS_CODES[response.status] ?? response.statusText;
  return problem(response.status, title, error.message ?? "The request failed", headers, error.code);
}

/** Create an error response in the format of RFC 9457. */
function problem(status: number, title: string, detail: string, headers: HeadersInit = {}, code?: string): Response {
  const body = { type: "about:blank", title, status, detail, ...(code && { code }) };
  const response = new Response(JSON.stringify(body), { status, headers });
  response.headers.set("Content-Type", "application/problem+json");
  return response;
}
