import { describe, expect, it } from "vitest";

import { slidingWindow } from "../server/rate-limit";

describe("slidingWindow", () => {
  it("accepts the maximum within the window, and one more when the oldest has left it", async () => {
    let now = 0;
    const { consume } = slidingWindow(() => now);
    const at = async (seconds: number, key = "a") => {
      now = seconds * 1000;
      return consume(key, { window: 60, max: 3 });
    };
    const accepted = { allowed: true, retryAfter: null };
    expect([await at(0), await at(50), await at(55)]).toEqual([accepted, accepted, accepted]);
    expect(await at(58)).toEqual({ allowed: false, retryAfter: 2 });
    expect(await at(58, "b")).toEqual(accepted);
    expect(await at(60)).toEqual(accepted);
    expect(await at(61)).toEqual({ allowed: false, retryAfter: 49 });
  });
});
