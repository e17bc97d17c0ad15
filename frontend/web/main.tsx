import { render } from "preact";

import { UNEXPECTED } from "./actions";
import { apiAddress } from "./api";
import { App } from "./app";
import { Alert } from "./components";
import { DisplayError, failUnanswered } from "./errors";
import { Session } from "./session";

interface Config {
  readonly apiUrl: string | null;
  readonly version: string;
}

/** Render the app, or the error that prevents it. */
async function start(root: Element): Promise<void> {
  try {
    const { apiUrl, version } = await loadConfig();
    render(<App session={new Session()} address={apiAddress(apiUrl, location)} version={version} />, root);
  } catch (error) {
    console.error(error);
    render(
      <main class="centered">
        <Alert retry={() => void start(root)}>{error instanceof DisplayError ? error.message : UNEXPECTED}</Alert>
      </main>,
      root,
    );
  }
}

async function loadConfig(): Promise<Config> {
  const response = await fetch("/config.json").catch(failUnanswered);
  return response.ok ? response.json().catch(failUnanswered) : failUnanswered();
}

const root = document.getElementById("app");
if (root) {
  void start(root);
}
