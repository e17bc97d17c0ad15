import { setTimeout as pause } from "node:timers/promises";

import pg from "pg";

import type { Log } from "./log";

/** Key of the advisory lock under which tables are made: of replicas that start together, one makes them. */
const SCHEMA_LOCK = 0x0d0c_1a2e;

/** Between attempts to make the tables while the database does not answer. */
const RETRY_SECONDS = 1;

const CONNECT_SECONDS = 5;
const QUERY_SECONDS = 10;

/** The database cannot be used now; the message is one sentence with the cause. */
export class DatabaseDownError extends Error {}

/** Says in SQL what is still to be made; empty when all is there. */
export type Schema = () => Promise<string>;

/** A PostgreSQL database: its connections, its tables, and what is wrong with it. */
export class Database {
  readonly pool: pg.Pool;
  private trouble = "The tables have not been made yet";
  private prepared = false;
  private readonly closing = new AbortController();

  constructor(
    url: string,
    private readonly log: Log,
  ) {
    this.pool = new pg.Pool({
      connectionString: likeLibpq(url),
      connectionTimeoutMillis: CONNECT_SECONDS * 1000,
      query_timeout: QUERY_SECONDS * 1000,
      keepAlive: true,
      max: 5, // a pod; a small database allows a hundred in all
    });
    // A connection that broke while nobody used it: the pool makes another one when it is needed.
    this.pool.on("error", () => undefined);
  }

  /** Make the tables that are not there, and try again until it worked. */
  async prepare(schema: Schema): Promise<void> {
    while (!this.prepared && !this.closing.signal.aborted) {
      try {
        await this.makeTables(schema);
        this.prepared = true;
        this.log("INFO the tables are there");
      } catch (error) {
        this.note(cause(error));
        await pause(RETRY_SECONDS * 1000, undefined, { signal: this.closing.signal }).catch(() => undefined);
      }
    }
  }

  /** Ask the database for an answer. @throws DatabaseDownError */
  async check(seconds: number): Promise<void> {
    const late = new AbortController();
    const limit = pause(seconds * 1000, undefined, { signal: late.signal }).then(
      () => Promise.reject(new Error(`no answer within ${seconds} s`)),
      () => undefined,
    );
    try {
      await Promise.race([this.pool.query("SELECT 1"), limit]);
    } catch (error) {
      throw new DatabaseDownError(cause(error));
    } finally {
      late.abort();
    }
    if (!this.prepared) {
      throw new DatabaseDownError(this.trouble);
    }
  }

  /** @throws DatabaseDownError The tables are not there yet. */
  require(): void {
    if (!this.prepared) {
      throw new DatabaseDownError(this.trouble);
    }
  }

  /** Close the connections, and give up making tables. */
  async close(): Promise<void> {
    this.closing.abort();
    await this.pool.end();
  }

  /** In one transaction, which holds the lock: all tables are made, or none is. */
  private async makeTables(schema: Schema): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query("BEGIN");
      await client.query("SELECT pg_advisory_xact_lock($1)", [SCHEMA_LOCK]);
      await client.query(await schema());
      await client.query("COMMIT");
      client.release();
    } catch (error) {
      client.release(true); // closing the connection rolls back, whatever state it is in
      throw error;
    }
  }

  /** Keep what is wrong, and log it once. */
  private note(trouble: string): void {
    if (trouble !== this.trouble) {
      this.log(`WARNING ${trouble}; trying again every ${RETRY_SECONDS} s`);
    }
    this.trouble = trouble;
  }
}

/** The URL, whose `sslmode` means what it means to libpq: one URL does for all services. */
export function likeLibpq(url: string): string {
  const parsed = new URL(url);
  if (!parsed.searchParams.has("sslmode") || parsed.searchParams.has("uselibpqcompat")) {
    return url;
  }
  parsed.searchParams.set("uselibpqcompat", "true");
  return parsed.href;
}

/** What is wrong, in one sentence. A connection to several addresses fails with one error for each. */
function cause(error: unknown): string {
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const reason = first instanceof Error ? first.message : String(first);
  return `The database cannot be used: ${reason.replaceAll(/\s+/g, " ").trim()}`;
}
