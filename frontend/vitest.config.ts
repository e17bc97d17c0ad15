import { defineConfig } from "vitest/config";

// Generous timeouts: hashing a password is slow on purpose, and the machine may be busy.
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], environment: "node", testTimeout: 30_000, hookTimeout: 60_000 },
});
