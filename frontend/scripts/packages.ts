import { readFileSync } from "node:fs";

import type { Plugin } from "vite";

/** Matches the folder of an installed package in the path of a module. */
const INSTALLED = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** A package in a bundle. */
interface Package {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/** Write a list of the packages that have a module in the bundle to the output, for scripts/sbom.mjs. */
export function listPackages(fileName: string): Plugin {
  return {
    name: "list-packages",
    generateBundle(_, bundle) {
      const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
      const folders = new Set(
        chunks.flatMap((one) => Object.keys(one.modules)).flatMap((id) => INSTALLED.exec(id)?.[0] ?? []),
      );
      const packages = [...folders].sort().map((folder): Package => {
        const { name, version, license } = JSON.parse(readFileSync(`${folder}package.json`, "utf8"));
        return { name, version, license };
      });
      this.emitFile({ type: "asset", fileName, source: JSON.stringify(packages) });
    },
  };
}
