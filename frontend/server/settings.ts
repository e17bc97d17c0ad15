/** A variable of the environment is wrong; the message names it. */
export class SettingsError extends Error {}

/** What the frontend is told. */
export interface Settings {
  /** The TCP port, on every address. */
  readonly port: number;
  /** What /health says; the chart sets it to the image's tag. */
  readonly version: string;
  /** Where the page finds the backend, as the user's browser reaches it; null: port 30081 of the page's own host. */
  readonly apiUrl: string | null;
  /** From SIGTERM until no more requests are accepted. */
  readonly drainSeconds: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Read the settings. @throws SettingsError */
export function settingsOf(env: Environment): Settings {
  return {
    port: numberOf(env, "PORT", 3000),
    version: env["APP_VERSION"] || "dev",
    apiUrl: apiUrlOf(env),
    drainSeconds: numberOf(env, "DRAIN_SECONDS", 5),
  };
}

function numberOf(env: Environment, name: string, fallback: number): number {
  const text = env[name]?.trim();
  const value = text ? Number(text) : fallback;
  if (!Number.isFinite(value) || value < 0) {
    throw new SettingsError(`${name} is "${text}", which is not a number from 0 on`);
  }
  return value;
}

function apiUrlOf(env: Environment): string | null {
  const text = env["PUBLIC_API_URL"]?.trim();
  if (!text) {
    return null;
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new SettingsError(`PUBLIC_API_URL is not of the form http://host:port`);
  }
  return url.href.replace(/\/+$/, "");
}
