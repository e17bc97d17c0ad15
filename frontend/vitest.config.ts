import { defineConfig } from "vitest/config";

// Passwords are slow to hash on purpose, and a busy machine takes its time: limits are for what hangs.
export default defineConfig({
  test: { include: ["test/**/*.test.ts"], environment: "node", testTimeout: 30_000, hookTimeout: 60_000 },
});
