import { describe, expect, it } from "vitest";

import { SettingsError, readSettings } from "../server/settings";

const NEEDED = { DATABASE_URL: "postgresql://u:p@db/todo", BETTER_AUTH_SECRET: "shared" };

describe("readSettings", () => {
  it("requires only a database and a secret; an empty variable means the default", () => {
    const expected = {
      port: 3000,
      version: "dev",
      apiUrl: null,
      drainSeconds: 5,
      readySeconds: 2,
      databaseUrl: "postgresql://u:p@db/todo",
      auth: {
        secret: "shared",
        url: "http://127.0.0.1:30080",
        issuer: "http://ai-todo-frontend-service:3000",
        audience: "ai-todo-backend",
      },
    };
    expect(readSettings(NEEDED)).toEqual(expected);
    const empty = { PORT: "", APP_VERSION: "", PUBLIC_API_URL: " ", DRAIN_SECONDS: "", READY_SECONDS: "" };
    const auth = { BETTER_AUTH_URL: "", BETTER_AUTH_ISSUER: " ", BETTER_AUTH_AUDIENCE: "" };
    expect(readSettings({ ...NEEDED, ...empty, ...auth })).toEqual(expected);
  });

  it("reads every variable", () => {
    const env = {
      PORT: "3001",
      APP_VERSION: "1.2.3",
      PUBLIC_API_URL: "https://api.example/todo/",
      DRAIN_SECONDS: "0",
      READY_SECONDS: "0.5",
      DATABASE_URL: "postgres://db.example/todo?sslmode=require",
      BETTER_AUTH_SECRET: "shared",
      BETTER_AUTH_URL: "https://todo.example/",
      BETTER_AUTH_ISSUER: "https://todo.example",
      BETTER_AUTH_AUDIENCE: "todo",
    };
    expect(readSettings(env)).toEqual({
      port: 3001,
      version: "1.2.3",
      apiUrl: "https://api.example/todo",
      drainSeconds: 0,
      readySeconds: 0.5,
      databaseUrl: "postgres://db.example/todo?sslmode=require",
      auth: { secret: "shared", url: "https://todo.example", issuer: "https://todo.example", audience: "todo" },
    });
  });

  it.each([
    ["PORT", "http"],
    ["PORT", "65536"],
    ["PORT", "1.5"],
    ["DRAIN_SECONDS", "-1"],
    ["DRAIN_SECONDS", "Infinity"],
    ["READY_SECONDS", "soon"],
    ["PUBLIC_API_URL", "localhost:30081"],
    ["PUBLIC_API_URL", "ftp://localhost"],
    ["PUBLIC_API_URL", "http://user:pw@localhost"],
    ["PUBLIC_API_URL", "http://localhost/?a=b"],
    ["PUBLIC_API_URL", "/api"],
    ["BETTER_AUTH_URL", "todo.example"],
    ["BETTER_AUTH_SECRET", " "],
    ["DATABASE_URL", ""],
    ["DATABASE_URL", "mysql://db/todo"],
    ["DATABASE_URL", "db"],
  ])("names %s if it is %j", (name, value) => {
    expect(() => readSettings({ ...NEEDED, [name]: value })).toThrow(SettingsError);
    expect(() => readSettings({ ...NEEDED, [name]: value })).toThrow(name);
  });

  it("does not repeat a secret", () => {
    expect(() => readSettings({ ...NEEDED, DATABASE_URL: "mysql://u:hunter2@db" })).toThrow(/^(?!.*hunter2)/);
  });
});
