import type { BetterAuthOptions } from "better-auth";

type Storage = NonNullable<NonNullable<BetterAuthOptions["rateLimit"]>["customStorage"]>;

/**
 * Counts attempts: `max` of them within the last `window` seconds are taken. Better Auth's own count begins anew only
 * after a whole window without an attempt, and there may be none where many users come from one address.
 */
export function attempts(now: () => number = Date.now): Storage {
  const taken = new Map<string, number[]>();
  return {
    consume: async (key, { window, max }) => {
      const [time, span] = [now(), window * 1000];
      for (const [one, times] of taken) {
        const recent = times.filter((before) => time - before < span);
        if (recent.length > 0) {
          taken.set(one, recent);
        } else {
          taken.delete(one);
        }
      }
      const mine = taken.get(key) ?? [];
      const [oldest = time] = mine;
      if (mine.length >= max) {
        return { allowed: false, retryAfter: Math.ceil((oldest + span - time) / 1000) };
      }
      taken.set(key, [...mine, time]);
      return { allowed: true, retryAfter: null };
    },
  };
}
