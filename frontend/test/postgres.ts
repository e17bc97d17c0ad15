import { randomUUID } from "node:crypto";

import pg from "pg";
import { describe } from "vitest";

/** URL of the server on which tests create their databases. */
const SERVER = process.env["DATABASE_URL"] ?? "";

if (!SERVER && process.env["CI"]) {
  throw new Error("DATABASE_URL is not set, and CI skips no test: `nox -s frontend` sets it");
}

/** For tests that need PostgreSQL: skipped if there is no server, except in CI. */
export const describeWithPostgres = describe.skipIf(!SERVER);

/** A new, empty database. */
export interface Postgres {
  readonly url: string;
  readonly drop: () => Promise<void>;
  /** Accept connections, or close those that are open and reject new ones. */
  readonly open: (yes: boolean) => Promise<void>;
}

/** Create a database. */
export async function newDatabase(): Promise<Postgres> {
  const name = `frontend_test_${randomUUID().replaceAll("-", "")}`;
  await administer(`CREATE DATABASE ${name}`);
  const url = new URL(SERVER);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    drop: () => administer(`DROP DATABASE ${name} WITH (FORCE)`),
    open: async (yes) => {
      await administer(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${yes}`);
      if (!yes) {
        await administer(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`);
      }
    },
  };
}

async function administer(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: SERVER });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
