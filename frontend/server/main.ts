import { exitAtOnce } from "./exit-on-sigterm";

import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { getRequestListener } from "@hono/node-server";

import { createApp } from "./app";
import { createAuth } from "./auth";
import { Database } from "./database";
import { stopGracefully } from "./graceful-shutdown";
import type { Settings } from "./settings";
import { readSettings, SettingsError } from "./settings";

const CLOSE_SECONDS = 3;

function log(line: string): void {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
}

async function main(settings: Settings): Promise<void> {
  const shutdown = { requested: false };
  const database = new Database(settings.databaseUrl, log);
  const auth = createAuth(settings.auth, database.pool, log);
  const prepared = database.prepare(auth.missingTables);
  const app = createApp({ settings, shutdown, database, auth, root: join(import.meta.dirname, "public"), log });
  const server = createServer(getRequestListener(app.fetch));
  server.once("error", (error) => {
    process.stderr.write(`The server cannot listen: ${error.message}\n`);
    process.exit(1);
  });
  server.listen(settings.port, "0.0.0.0", () => {
    log(`INFO listening on port ${settings.port}, version ${settings.version}`);
  });
  process.once("SIGTERM", () =>
    log(`INFO stopping: not ready from now on, accepting requests for ${settings.drainSeconds} s more`),
  );
  const stopped = stopGracefully(server, { shutdown, drainSeconds: settings.drainSeconds, signals: process });
  process.off("SIGTERM", exitAtOnce);
  await stopped;
  // With a time limit: a database that does not answer must not delay the exit until SIGKILL.
  await Promise.race([Promise.all([database.close(), prepared]), pause(CLOSE_SECONDS * 1000)]);
  log("INFO stopped");
  process.exit(0);
}

try {
  await main(readSettings(process.env));
} catch (error) {
  if (!(error instanceof SettingsError)) {
    throw error;
  }
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
