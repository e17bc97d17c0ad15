import { describe, expect, it } from "vitest";

import { SettingsError, settingsOf } from "../server/settings";

describe("settingsOf", () => {
  it("needs nothing to be set; empty is as good as unset", () => {
    const expected = { port: 3000, version: "dev", apiUrl: null, drainSeconds: 5 };
    expect(settingsOf({})).toEqual(expected);
    expect(settingsOf({ PORT: "", APP_VERSION: "", PUBLIC_API_URL: " ", DRAIN_SECONDS: "" })).toEqual(expected);
  });

  it("reads every variable", () => {
    const env = { PORT: "3001", APP_VERSION: "1.2.3", PUBLIC_API_URL: "https://api.example/todo/", DRAIN_SECONDS: "0" };
    expect(settingsOf(env)).toEqual({
      port: 3001,
      version: "1.2.3",
      apiUrl: "https://api.example/todo",
      drainSeconds: 0,
    });
  });

  it.each([
    ["PORT", "http"],
    ["DRAIN_SECONDS", "-1"],
    ["DRAIN_SECONDS", "Infinity"],
    ["PUBLIC_API_URL", "localhost:30081"],
    ["PUBLIC_API_URL", "ftp://localhost"],
    ["PUBLIC_API_URL", "http://user:pw@localhost"],
    ["PUBLIC_API_URL", "http://localhost/?a=b"],
    ["PUBLIC_API_URL", "/api"],
  ])("names %s when it is %j", (name, value) => {
    expect(() => settingsOf({ [name]: value })).toThrow(SettingsError);
    expect(() => settingsOf({ [name]: value })).toThrow(name);
  });
});
