import { describe, expect, it } from "vitest";

import type { Task } from "../web/api";
import { Api, ApiError, apiAddress } from "../web/api";

const MILK: Task = { id: 1, title: "Buy milk", completed: false };

/** An Api whose requests get these answers, one after another; `asked` holds what was asked. */
function answering(...answers: (Response | Error)[]) {
  const asked: string[] = [];
  const api = new Api("http://backend", async (url, init) => {
    asked.push([init?.method, url, init?.body].filter(Boolean).join(" "));
    const answer = answers.shift();
    if (!(answer instanceof Response)) {
      throw answer ?? new Error("not foreseen");
    }
    return answer;
  });
  return { api, asked };
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
    const { api, asked } = answering(Response.json(page), Response.json([{ ...MILK, id: 501 }]));
    expect(await api.list()).toHaveLength(501);
    expect(asked).toEqual([
      "GET http://backend/api/tasks?limit=500&after=0",
      "GET http://backend/api/tasks?limit=500&after=500",
    ]);
  });

  it("adds, completes and removes", async () => {
    const { api, asked } = answering(Response.json(MILK), Response.json(MILK), new Response(null, { status: 204 }));
    await api.add("Buy milk");
    await api.complete(MILK, true);
    await api.remove(MILK);
    expect(asked).toEqual([
      'POST http://backend/api/tasks {"title":"Buy milk"}',
      'PATCH http://backend/api/tasks/1 {"completed":true}',
      "DELETE http://backend/api/tasks/1",
    ]);
  });

  it.each([
    [Response.json({ detail: "There is no task 1" }, { status: 404 }), "There is no task 1"],
    [
      Response.json({ detail: "The request is not valid", errors: [{ what: "Too long" }] }, { status: 422 }),
      "The request is not valid: Too long",
    ],
    [new Response("<html>", { status: 502 }), "The backend answered 502"],
    [new TypeError("Failed to fetch"), "The backend at http://backend does not answer."],
  ])("says what went wrong: %s", async (answer, message) => {
    await expect(answering(answer).api.remove(MILK)).rejects.toEqual(new ApiError(message));
  });
});
