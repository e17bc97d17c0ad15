import { once } from "node:events";
import { createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

import pg from "pg";
import { describe, expect, it } from "vitest";

import { Database, withLibpqSslMode } from "../server/database";

describe("withLibpqSslMode", () => {
  it.each([
    ["postgresql://u:p@db/todo", false],
    ["postgresql://u:p@db/todo?sslmode=disable", false],
    ["postgresql://u:p@db/todo?sslmode=require&channel_binding=require", { rejectUnauthorized: false }],
    ["postgresql://u:p@db/todo?sslmode=verify-full", {}],
  ])("interprets %s like libpq", (url, ssl) => {
    expect(new pg.Client({ connectionString: withLibpqSslMode(url) }).ssl).toEqual(ssl);
  });

  it("keeps user and password", () => {
    const client = new pg.Client({
      connectionString: withLibpqSslMode("postgresql://a%40b:p%2F%3F%25@db:6543/todo?sslmode=disable"),
    });
    expect([client.user, client.password, client.host, client.port, client.database]).toEqual([
      "a@b",
      "p/?%",
      "db",
      6543,
      "todo",
    ]);
  });
});

describe("Database", () => {
  it.each([
    ["postgresql://u:hunter2@127.0.0.1:9/todo", /^The database cannot be used: connect ECONNREFUSED 127.0.0.1:9$/],
    ["postgresql://u:hunter2@localhost:9/todo", /^The database cannot be used: connect ECONNREFUSED [^ ]*:9$/],
    [
      "postgresql://u:hunter2@no-such-host.invalid/todo",
      /^The database cannot be used: getaddrinfo .* no-such-host.invalid$/,
    ],
  ])("gives the reason in one sentence for %s", async (url, sentence) => {
    const database = new Database(url, () => undefined);
    await expect(database.check(5)).rejects.toThrow(sentence);
    await database.close();
  });

  it("waits for an answer until the time limit", async () => {
    const sockets: Socket[] = [];
    const silent = createServer((socket) => sockets.push(socket)).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    const database = new Database(`postgresql://u:p@127.0.0.1:${port}/todo`, () => undefined);
    await expect(database.check(0.05)).rejects.toThrow("no answer within 0.05 s");
    sockets.forEach((socket) => socket.destroy());
    silent.close();
    await database.close();
  });
});
