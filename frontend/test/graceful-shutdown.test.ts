import { EventEmitter } from "node:events";
import { Agent, createServer, get } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { stopGracefully } from "../server/graceful-shutdown";

let server: Server;
let answers: ServerResponse[];
let waiting: (() => void)[];

/** A server that answers /now at once, and other paths when the test does. */
beforeEach(async () => {
  answers = [];
  waiting = [];
  server = createServer((request, response) => {
    if (request.url === "/now") {
      response.end("now");
    } else {
      answers.push(response);
      waiting.forEach((wake) => wake());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterEach(() => server.closeAllConnections());

function request(path: string, agent?: Agent): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const pending = get({ port, path, ...(agent && { agent }) });
    pending.once("response", (response) => response.resume().once("end", () => resolve(response)));
    pending.once("error", reject);
  });
}

function start(drainSeconds: number) {
  const signals = new EventEmitter();
  const shutdown = { requested: false };
  return { signals, shutdown, end: stopGracefully(server, { shutdown, drainSeconds, signals }) };
}

describe("stopGracefully", () => {
  it("accepts requests during the drain, and stops after it", async () => {
    const { signals, shutdown, end } = start(0.1);
    signals.emit("SIGTERM");
    expect(shutdown.requested).toBe(true);
    expect((await request("/now")).statusCode).toBe(200);
    await end;
    expect(server.listening).toBe(false);
  });

  it("stops at once on a second signal, and tolerates a third", async () => {
    const { signals, end } = start(3600);
    signals.emit("SIGTERM");
    signals.emit("SIGINT");
    signals.emit("SIGINT");
    await end;
    expect(server.listening).toBe(false);
  });

  it("finishes a request in flight", async () => {
    const { signals, end } = start(0);
    const began = new Promise<void>((resolve) => waiting.push(resolve));
    const answer = request("/later");
    await began;
    signals.emit("SIGTERM");
    signals.emit("SIGTERM");
    expect(server.listening).toBe(false);
    answers[0]?.end("later");
    expect((await answer).statusCode).toBe(200);
    await end;
  });

  it("does not wait for clients that keep an idle connection open", async () => {
    const { signals, end } = start(0);
    const agent = new Agent({ keepAlive: true });
    await request("/now", agent);
    signals.emit("SIGTERM");
    await end;
    agent.destroy();
  });
});
