import type { BetterAuthOptions } from "better-auth";

type Storage = NonNullable<NonNullable<BetterAuthOptions["rateLimit"]>["customStorage"]>;

/**
 * A rate limit for Better Auth: at most `max` requests within any `window` seconds. Better Auth's own counter starts
 * anew only after a whole window without requests, which may never come if many users share one address.
 */
export function slidingWindow(now: () => number = Date.now): Storage {
  const accepted = new Map<string, number[]>();
  return {
    consume: async (key, { window, max }) => {
      const [time, span] = [now(), window * 1000];
      for (const [one, times] of accepted) {
        const recent = times.filter((before) => time - before < span);
        if (recent.length > 0) {
          accepted.set(one, recent);
        } else {
          accepted.delete(one);
        }
      }
      const own = accepted.get(key) ?? [];
      const [oldest = time] = own;
      if (own.length >= max) {
        return { allowed: false, retryAfter: Math.ceil((oldest + span - time) / 1000) };
      }
      accepted.set(key, [...own, time]);
      return { allowed: true, retryAfter: null };
    },
  };
}
