import { describe, expect, it } from "vitest";

import { attempts } from "../server/attempts";

describe("attempts", () => {
  it("takes so many within the window, and the next when the first of them is out of it", async () => {
    let now = 0;
    const { consume } = attempts(() => now);
    const at = async (seconds: number, key = "a") => {
      now = seconds * 1000;
      return consume(key, { window: 60, max: 3 });
    };
    const taken = { allowed: true, retryAfter: null };
    expect([await at(0), await at(50), await at(55)]).toEqual([taken, taken, taken]);
    expect(await at(58)).toEqual({ allowed: false, retryAfter: 2 });
    expect(await at(58, "b")).toEqual(taken);
    expect(await at(60)).toEqual(taken);
    expect(await at(61)).toEqual({ allowed: false, retryAfter: 49 });
  });
});
