import { render } from "preact";

import { apiAddress } from "./api";
import { App } from "./app";
import { Alert, UNFORESEEN } from "./parts";
import { Session } from "./session";
import { Trouble, unanswered } from "./trouble";

interface Config {
  readonly apiUrl: string | null;
  readonly version: string;
}

/** Draw the app, or why it cannot be drawn. */
async function start(root: Element): Promise<void> {
  try {
    const { apiUrl, version } = await configuration();
    render(<App session={new Session()} address={apiAddress(apiUrl, location)} version={version} />, root);
  } catch (error) {
    console.error(error);
    render(
      <main class="gate">
        <Alert retry={() => void start(root)}>{error instanceof Trouble ? error.message : UNFORESEEN}</Alert>
      </main>,
      root,
    );
  }
}

async function configuration(): Promise<Config> {
  const response = await fetch("/config.json").catch(unanswered);
  return response.ok ? response.json().catch(unanswered) : unanswered();
}

const root = document.getElementById("app");
if (root) {
  void start(root);
}
