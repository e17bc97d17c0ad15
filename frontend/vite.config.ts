import { defineConfig } from "vite";

import { listPackages } from "./scripts/packages";

// Two builds into dist/: the page (in public/), and with --ssr the server, as one file that includes its packages, so the
// image needs no node_modules.
export default defineConfig(({ isSsrBuild }) =>
  isSsrBuild
    ? {
        publicDir: false,
        plugins: [listPackages("packages-server.json")],
        ssr: { noExternal: true },
        build: {
          target: "node22",
          outDir: "dist",
          emptyOutDir: false,
          rolldownOptions: { output: { entryFileNames: "server.mjs", codeSplitting: false } },
        },
      }
    : {
        root: "web",
        plugins: [listPackages("packages-page.json")],
        build: { outDir: "../dist/public", emptyOutDir: true, target: "es2022" },
      },
);
