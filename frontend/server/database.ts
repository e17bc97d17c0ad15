import { setTimeout as pause } from "node:timers/promises";

import pg from "pg";

import type { Log } from "./log";

/** Key of the advisory lock for the creation of tables: of several replicas that start at once, one creates them. */
const SCHEMA_LOCK = 0x0d0c_1a2e;

/** Pause between two attempts to create the tables while the database is unavailable. */
const RETRY_SECONDS = 1;

const CONNECT_SECONDS = 5;
const QUERY_SECONDS = 10;

/** The database cannot be used now. The message is the reason, in one sentence. */
export class DatabaseUnavailableError extends Error {}

/** Returns the SQL statements that create missing tables; empty if none is missing. */
export type MissingTables = () => Promise<string>;

/** A PostgreSQL database: its connections and the creation of its tables. */
export class Database {
  readonly pool: pg.Pool;
  private reason = "The tables have not been created yet";
  private prepared = false;
  private readonly closing = new AbortController();

  constructor(
    url: string,
    private readonly log: Log,
  ) {
    this.pool = new pg.Pool({
      connectionString: withLibpqSslMode(url),
      connectionTimeoutMillis: CONNECT_SECONDS * 1000,
      query_timeout: QUERY_SECONDS * 1000,
      keepAlive: true,
      max: 5, // per pod; a small database allows a hundred in total
    });
    // An idle connection broke: the pool opens a new one when it needs one.
    this.pool.on("error", () => undefined);
  }

  /** Create missing tables, and try again until that succeeds. */
  async prepare(missingTables: MissingTables): Promise<void> {
    while (!this.prepared && !this.closing.signal.aborted) {
      try {
        await this.createTables(missingTables);
        this.prepared = true;
        this.log("INFO the tables are up to date");
      } catch (error) {
        this.keepReason(reasonOf(error));
        await pause(RETRY_SECONDS * 1000, undefined, { signal: this.closing.signal }).catch(() => undefined);
      }
    }
  }

  /** Check that the database answers in time and has its tables. @throws DatabaseUnavailableError */
  async check(seconds: number): Promise<void> {
    const late = new AbortController();
    const limit = pause(seconds * 1000, undefined, { signal: late.signal }).then(
      () => Promise.reject(new Error(`no answer within ${seconds} s`)),
      () => undefined,
    );
    try {
      await Promise.race([this.pool.query("SELECT 1"), limit]);
    } catch (error) {
      throw new DatabaseUnavailableError(reasonOf(error));
    } finally {
      late.abort();
    }
    if (!this.prepared) {
      throw new DatabaseUnavailableError(this.reason);
    }
  }

  /** Check that the tables exist, without a query. @throws DatabaseUnavailableError */
  requireTables(): void {
    if (!this.prepared) {
      throw new DatabaseUnavailableError(this.reason);
    }
  }

  /** Close the connections, and stop trying to create tables. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.pool.end();
  }

  /** Create all missing tables or none, in one transaction under the lock. */
  private async createTables(missingTables: MissingTables): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("SELECT pg_advisory_xact_lock($1)", [SCHEMA_LOCK]);
      await client.query(await missingTables());
      await client.query("COMMIT");
      client.release();
    } catch (error) {
      client.release(true); // closes the connection, which rolls back in any state
      throw error;
    }
  }

  /** Keep the reason of a failed attempt, and log it if it is a new one. */
  private keepReason(reason: string): void {
    if (reason !== this.reason) {
      this.log(`WARNING ${reason}; trying again every ${RETRY_SECONDS} s`);
    }
    this.reason = reason;
  }
}

/** Change a URL so that `pg` interprets `sslmode` like libpq. The same URL then works for all services. */
export function withLibpqSslMode(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has("sslmode") || parsed.searchParams.has("uselibpqcompat")) {
    return url;
  }
  parsed.searchParams.set("uselibpqcompat", "true");
  return parsed.href;
}

/** Return the reason in one sentence. A connection attempt to several addresses fails with one error for each. */
function reasonOf(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const text = first instanceof Error ? first.message : String(first);
  return `The database cannot be used: ${text.replaceAll(/\s+/g, " ").trim()}`;
}
