import { readFileSync } from "node:fs";

import type { Plugin } from "vite";

/** Where an installed package is in the path of one of its modules. */
const INSTALLED = /^.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

/** What is known of a package that is in a bundle. */
interface Package {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

/**
 * Say in a file of the output which installed packages the bundle is made of: those of which a module is in it, no more.
 * scripts/sbom.mjs reads it.
 */
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
