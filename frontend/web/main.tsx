import { render } from "preact";

import { Api, apiAddress } from "./api";
import { App } from "./app";

interface Config {
  readonly apiUrl: string | null;
  readonly version: string;
}

const config: Config = await (await fetch("/config.json")).json();
const root = document.getElementById("app");
if (root) {
  render(<App api={new Api(apiAddress(config.apiUrl, location))} version={config.version} />, root);
}
