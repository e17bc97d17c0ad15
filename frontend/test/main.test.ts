import { execFileSync, spawn } from "node:child_process";
import type { ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";

import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";

import type { Postgres } from "./postgres";
import { describeWithPostgres, newDatabase } from "./postgres";

const SECRET = "a test's secret that has enough characters";

let folder: string;

/** Build page and server as for the image. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "frontend-"));
  await build({ logLevel: "error", build: { outDir: join(folder, "public") } });
  await build({ logLevel: "error", build: { ssr: "server/main.ts", outDir: folder } });
});

afterAll(() => rmSync(folder, { recursive: true }));

type Program = ChildProcessByStdio<null, Readable, Readable>;

/** Start the built server with only these environment variables; `output` returns what it has printed. */
function start(env: Record<string, string>): { program: Program; output: () => string } {
  const program = spawn(process.execPath, [join(folder, "server.mjs")], { env, stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  for (const stream of [program.stdout, program.stderr]) {
    stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  }
  return { program, output: () => text };
}

it("lists the packages in the bundles, but not those that only build them", () => {
  const libraries = join(folder, "libraries.tsv");
  writeFileSync(libraries, "libc6\t2.41-12+deb13u5\tamd64\n");
  const bills = [1, 2].map((time) => {
    const dist = join(folder, `dist-${time}`);
    mkdirSync(join(dist, "public"), { recursive: true });
    for (const name of ["packages-server.json", "public/packages-page.json"]) {
      copyFileSync(join(folder, name), join(dist, name));
    }
    execFileSync(process.execPath, ["scripts/sbom.mjs", dist, libraries, join(folder, "sbom.json")]);
    expect(readdirSync(dist, { recursive: true })).toEqual(["public"]);
    return readFileSync(join(folder, "sbom.json"), "utf8");
  });
  expect(bills[0]).toBe(bills[1]);
  const { components } = JSON.parse(bills[0] ?? "") as { components: { purl: string }[] };
  const listed = components.map((one) => one.purl.replace(/@[^@]*$/, ""));
  expect(listed).toEqual(expect.arrayContaining(["pkg:generic/node", "pkg:deb/debian/libc6", "pkg:npm/hono"]));
  expect(listed).toEqual(
    expect.arrayContaining(["pkg:npm/preact", "pkg:npm/better-auth", "pkg:npm/%40better-auth/core"]),
  );
  expect(listed.filter((name) => /vite|typescript|prisma/.test(name))).toEqual([]);
});

describe("the built server", () => {
  it("handles SIGTERM before it loads any package", () => {
    const [before = ""] = readFileSync(join(folder, "server.mjs"), "utf8").split('process.on("SIGTERM"');
    expect(before).toContain("server/exit-on-sigterm.ts");
    expect(before).not.toContain("node_modules/");
  });

  it("exits with 2 and one sentence if its settings are invalid", async () => {
    const { program, output } = start({ BETTER_AUTH_SECRET: SECRET });
    expect(await once(program, "exit")).toEqual([2, null]);
    expect(output()).toBe("DATABASE_URL is not set\n");
  });

  it("exits with 1 and one sentence if its port is in use", async () => {
    const taken = createServer().listen(0);
    await once(taken, "listening");
    const { program, output } = start({
      BETTER_AUTH_SECRET: SECRET,
      DATABASE_URL: "postgresql://127.0.0.1:9/todo",
      PORT: String((taken.address() as AddressInfo).port),
    });
    expect(await once(program, "exit")).toEqual([1, null]);
    expect(output()).toMatch(/^The server cannot listen: .*EADDRINUSE.*$/m);
    expect(output()).not.toContain(" at ");
    taken.close();
  });

  it("stops within seconds if its database accepts connections and then sends nothing", async () => {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { program, output } = start({
      BETTER_AUTH_SECRET: SECRET,
      DATABASE_URL: `postgresql://127.0.0.1:${(silent.address() as AddressInfo).port}/todo`,
      PORT: "0",
      DRAIN_SECONDS: "0",
    });
    await vi.waitFor(() => expect(output()).toContain("listening"), { timeout: 10_000 });
    program.kill("SIGTERM");
    expect(await once(program, "exit")).toEqual([0, null]);
    silent.close();
  });

  it("stops gracefully without its database", async () => {
    const { program, output } = start({
      BETTER_AUTH_SECRET: SECRET,
      DATABASE_URL: "postgresql://u:hunter2@127.0.0.1:9/todo",
      PORT: "0",
      DRAIN_SECONDS: "0",
    });
    await vi.waitFor(() => expect(output()).toContain("ECONNREFUSED"), { timeout: 10_000 });
    program.kill("SIGTERM");
    expect(await once(program, "exit")).toEqual([0, null]);
    expect(output()).not.toContain("hunter2");
  });
});

describeWithPostgres("the built server with a database", () => {
  let postgres: Postgres;

  beforeAll(async () => {
    postgres = await newDatabase();
  });

  afterAll(() => postgres.drop());

  it("fails readiness on SIGTERM, answers requests during the drain, and exits with 0", async () => {
    const port = 20_000 + (process.pid % 10_000);
    const { program, output } = start({
      BETTER_AUTH_SECRET: SECRET,
      DATABASE_URL: postgres.url,
      PORT: String(port),
      DRAIN_SECONDS: "1",
    });
    await vi.waitFor(() => expect(output()).toContain("the tables are up to date"), { timeout: 10_000 });
    const request = (path: string) => fetch(`http://127.0.0.1:${port}${path}`);
    expect((await request("/ready")).status).toBe(200);
    expect(await (await request("/")).text()).toContain('<script type="module"');
    const exit = once(program, "exit");
    program.kill("SIGTERM");
    await vi.waitFor(async () => expect((await request("/ready")).status).toBe(503));
    expect((await request("/api/auth/jwks")).status).toBe(200);
    expect(await exit).toEqual([0, null]);
    expect(output()).toMatch(/stopped\n$/);
  });
});
