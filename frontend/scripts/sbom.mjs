// node sbom.mjs DIST LIBRARIES TO: write the bill of materials of the image as CycloneDX 1.6.
//
// It lists Node.js, the packages that have a module in the bundles (scripts/packages.ts wrote the lists into DIST, from
// which they are removed here), and the Debian packages of the shared libraries (LIBRARIES has lines of name, version and
// architecture). It has no serial number and no time: equal sources give equal bills.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const [dist, libraries, to] = process.argv.slice(2);

const bundled = ["packages-server.json", "public/packages-page.json"].flatMap((name) => {
  const file = join(dist, name);
  const packages = JSON.parse(readFileSync(file, "utf8"));
  rmSync(file);
  return packages;
});

const debian = readFileSync(libraries, "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => line.split("\t"));

const components = [
  {
    type: "application",
    name: "node",
    version: process.versions.node,
    purl: `pkg:generic/node@${process.versions.node}`,
  },
  ...debian.map(([name, version, architecture]) => ({
    type: "library",
    name,
    version,
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}`,
  })),
  ...bundled.map(({ name, version, license }) => ({
    type: "library",
    name,
    version,
    ...(license && { licenses: [/[ ()]/.test(license) ? { expression: license } : { license: { id: license } }] }),
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
  })),
];

const own = JSON.parse(readFileSync(join(import.meta.dirname, "../package.json"), "utf8"));
const unique = new Map(components.map((one) => [one.purl, { ...one, "bom-ref": one.purl }]));
const bom = {
  bomFormat: "CycloneDX",
  specVersion: "1.6",
  version: 1,
  metadata: { component: { type: "application", name: own.name, version: own.version, "bom-ref": own.name } },
  components: [...unique.values()].sort((a, b) => (a.purl < b.purl ? -1 : 1)),
};
writeFileSync(to, `${JSON.stringify(bom, null, 1)}\n`);
