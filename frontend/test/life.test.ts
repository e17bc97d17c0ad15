import { EventEmitter } from "node:events";
import { Agent, createServer, get } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import { afterEach, beforeEach, describe, expect, it } from "vitest";

import { stopped } from "../server/life";

let server: Server;
let answers: ServerResponse[];
let waiting: (() => void)[];

/** A server that answers /now at once, and everything else when the test says so. */
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

function ask(path: string, agent?: Agent): Promise<IncomingMessage> {
  const { port } = server.address() as AddressInfo;
  return new Promise((resolve, reject) => {
    const request = get({ port, path, ...(agent && { agent }) });
    request.once("response", (response) => response.resume().once("end", () => resolve(response)));
    request.once("error", reject);
  });
}

function begin(drainSeconds: number) {
  const signals = new EventEmitter();
  const life = { stopping: false };
  return { signals, life, end: stopped(server, { life, drainSeconds, signals }) };
}

describe("stopped", () => {
  it("serves on after SIGTERM, and ends after the drain", async () => {
    const { signals, life, end } = begin(0.1);
    signals.emit("SIGTERM");
    expect(life.stopping).toBe(true);
    expect((await ask("/now")).statusCode).toBe(200);
    await end;
    expect(server.listening).toBe(false);
  });

  it("ends at once on a second signal, and bears a third", async () => {
    const { signals, end } = begin(3600);
    signals.emit("SIGTERM");
    signals.emit("SIGINT");
    signals.emit("SIGINT");
    await end;
    expect(server.listening).toBe(false);
  });

  it("lets a request in flight finish", async () => {
    const { signals, end } = begin(0);
    const began = new Promise<void>((resolve) => waiting.push(resolve));
    const answer = ask("/later");
    await began;
    signals.emit("SIGTERM");
    signals.emit("SIGTERM");
    expect(server.listening).toBe(false);
    answers[0]?.end("later");
    expect((await answer).statusCode).toBe(200);
    await end;
  });

  it("does not wait for clients that keep a connection open and ask nothing", async () => {
    const { signals, end } = begin(0);
    const agent = new Agent({ keepAlive: true });
    await ask("/now", agent);
    signals.emit("SIGTERM");
    await end;
    agent.destroy();
  });
});
