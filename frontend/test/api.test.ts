import { describe, expect, it, vi } from "vitest";

import type { Task } from "../web/api";
import { Api, apiAddress } from "../web/api";
import { DisplayError, SessionExpiredError } from "../web/errors";
import { broken, fakeFetch } from "./fake-fetch";

const MILK: Task = { id: 1, title: "Buy milk", completed: false };

/** A client with a fake of `fetch` and with a session that has the tokens T1, T2, ... */
function api(...answers: (Response | Error)[]) {
  const { fetch, requests } = fakeFetch(...answers);
  let tokens = 1;
  const session = { token: async () => `T${tokens}`, forget: () => void (tokens += 1) };
  return { api: new Api("http://backend", "ada", session, fetch), requests };
}

describe("apiAddress", () => {
  it.each([
    [null, "http://192.168.49.2:30081"],
    ["https://api.example", "https://api.example"],
  ])("for %j is %s", (configured, expected) => {
    expect(apiAddress(configured, { protocol: "http:", hostname: "192.168.49.2" })).toBe(expected);
  });
});

describe("Api", () => {
  it("lists all pages", async () => {
    const page = Array.from({ length: 500 }, (_, index) => ({ ...MILK, id: index + 1 }));
    const { api: backend, requests } = api(Response.json(page), Response.json([{ ...MILK, id: 501 }]));
    expect(await backend.list()).toHaveLength(501);
    expect(requests).toEqual([
      "GET http://backend/api/ada/tasks?limit=500&after=0 with T1",
      "GET http://backend/api/ada/tasks?limit=500&after=500 with T1",
    ]);
  });

  it("lists all messages of a conversation", async () => {
    const page = Array.from({ length: 500 }, (_, index) => ({ id: index + 1, role: "user", content: "hello" }));
    const { api: backend, requests } = api(Response.json(page), Response.json([{ ...page[0], id: 501 }]));
    expect((await backend.messages(7)).at(-1)?.id).toBe(501);
    expect(requests).toEqual([
      "GET http://backend/api/ada/conversations/7/messages?limit=500&after=0 with T1",
      "GET http://backend/api/ada/conversations/7/messages?limit=500&after=500 with T1",
    ]);
  });

  it("adds, changes and removes", async () => {
    const { api: backend, requests } = api(
      Response.json(MILK),
      Response.json(MILK),
      new Response(null, { status: 204 }),
    );
    await backend.add("Buy milk");
    await backend.change(MILK, { completed: true });
    await backend.remove(MILK);
    expect(requests).toEqual([
      'POST http://backend/api/ada/tasks {"title":"Buy milk"} with T1',
      'PATCH http://backend/api/ada/tasks/1 {"completed":true} with T1',
      "DELETE http://backend/api/ada/tasks/1 with T1",
    ]);
  });

  it("sends a message in a new or in an existing conversation", async () => {
    const reply = { conversation_id: 7, reply: "Added.", tool_calls: [] };
    const { api: backend, requests } = api(Response.json(reply), Response.json(reply));
    expect(await backend.chat("add milk", null)).toEqual(reply);
    await backend.chat("list", 7);
    expect(requests).toEqual([
      'POST http://backend/api/ada/chat {"message":"add milk"} with T1',
      'POST http://backend/api/ada/chat {"message":"list","conversation_id":7} with T1',
    ]);
  });

  it("uses the fetch of the browser by default", async () => {
    vi.stubGlobal("fetch", async () => Response.json({ version: "1.2.3" }));
    const session = { token: async () => "T1", forget: () => undefined };
    expect(await new Api("http://backend", "ada", session).version()).toBe("1.2.3");
    vi.unstubAllGlobals();
  });

  it("requests the version without a token", async () => {
    const { api: backend, requests } = api(Response.json({ version: "1.2.3" }));
    expect(await backend.version()).toBe("1.2.3");
    expect(requests).toEqual(["http://backend/health"]);
  });

  it("retries once with a new token if a token is rejected", async () => {
    const refused = () => new Response(null, { status: 401 });
    const retried = api(refused(), Response.json(MILK));
    expect(await retried.api.add("Buy milk")).toEqual(MILK);
    expect(retried.requests.map((one) => one.slice(-2))).toEqual(["T1", "T2"]);
    await expect(api(refused(), refused()).api.add("Buy milk")).rejects.toEqual(new SessionExpiredError());
  });

  it("treats the session of another user as expired", async () => {
    const forbidden = Response.json({ detail: "Not yours" }, { status: 403 });
    await expect(api(forbidden).api.add("Buy milk")).rejects.toEqual(new SessionExpiredError());
  });

  it.each([
    [Response.json({ detail: "There is no task 1" }, { status: 404 }), "There is no task 1."],
    [
      Response.json({ detail: "The request is not valid", errors: [{ what: "Too long" }] }, { status: 422 }),
      "The request is not valid: Too long.",
    ],
    [new Response("<html>", { status: 502 }), "The backend answered 502."],
    [broken(), "The backend at http://backend does not answer."],
    [new TypeError("Failed to fetch"), "The backend at http://backend does not answer."],
    [new DOMException("late", "TimeoutError"), "The backend at http://backend takes too long to answer."],
  ])("shows what went wrong: %s", async (answer, message) => {
    await expect(api(answer).api.remove(MILK)).rejects.toEqual(new DisplayError(message));
  });
});
