import { readFileSync } from "node:fs";
import { join } from "node:path";

import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import type { Context, Next } from "hono";
import { secureHeaders } from "hono/secure-headers";

import type { Life } from "./life";
import type { Settings } from "./settings";

const SERVICE = "ai-todo-frontend";

/** Paths that the kubelet asks every few seconds: their successes are not worth a line of log. */
const PROBES = new Set(["/health", "/ready"]);

/** Where the backend is when nothing says where: any host's NodePort, since a policy cannot name "the page's own host". */
const ANY_HOST_API = ["http://*:30081", "https://*:30081"];

export type Log = (line: string) => void;

/** The app: probes, the page's configuration, and the page itself from the folder `root`. */
export function createApp(settings: Settings, life: Life, root: string, log: Log): Hono {
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

  app.get("/health", (context) => context.json({ status: "ok", service: SERVICE, version: settings.version }));
  app.get("/ready", (context) =>
    life.stopping
      ? problem(context, 503, "Service Unavailable", "The service is being stopped")
      : context.json({ status: "ready", service: SERVICE, version: settings.version }),
  );
  app.get("/config.json", (context) => {
    context.header("Cache-Control", "no-store");
    return context.json({ apiUrl: settings.apiUrl, version: settings.version });
  });

  const page = readFileSync(join(root, "index.html"), "utf8");
  app.get("/", (context) => {
    context.header("Cache-Control", "no-cache");
    return context.html(page);
  });
  app.use("/assets/*", forever);
  app.get("/assets/*", serveStatic({ root }));
  app.get("/favicon.svg", serveStatic({ root }));

  app.notFound((context) => problem(context, 404, "Not Found", "There is nothing here"));
  app.onError((error, context) => {
    log(`ERROR ${error.stack ?? error.message}`);
    return problem(context, 500, "Internal Server Error", "The service made a fault; its log has the details");
  });
  return app;
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

/** An error as RFC 9457 has it. */
function problem(context: Context, status: 404 | 500 | 503, title: string, detail: string): Response {
  return context.body(JSON.stringify({ type: "about:blank", title, status, detail }), status, {
    "Content-Type": "application/problem+json",
  });
}
