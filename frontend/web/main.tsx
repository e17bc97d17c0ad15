import { render } from "preact";

import { apiAddress } from "./api";
import { App } from "./app";
import { Session } from "./session";

interface Config {
  readonly apiUrl: string | null;
  readonly version: string;
}

const config: Config = await (await fetch("/config.json")).json();
const root = document.getElementById("app");
if (root) {
  render(<App session={new Session()} address={apiAddress(config.apiUrl, location)} version={config.version} />, root);
}
