/** A variable of the environment is missing or wrong; the message names it, and never its value where that is secret. */
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
  /** How long /ready waits for the database. */
  readonly readySeconds: number;
  /** PostgreSQL with users, sessions and keys: `postgresql://user:password@host/name`. */
  readonly databaseUrl: string;
  readonly auth: AuthSettings;
}

/** What sign-in is told. */
export interface AuthSettings {
  /** What session cookies are signed and private keys are encrypted with. */
  readonly secret: string;
  /** An origin that is trusted beside the page's own host; https here makes cookies that only TLS carries. */
  readonly url: string;
  /** `iss` of the tokens: what the backend expects there. */
  readonly issuer: string;
  /** `aud` of the tokens. */
  readonly audience: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Read the settings. @throws SettingsError */
export function settingsOf(env: Environment): Settings {
  return {
    port: portOf(env, "PORT", 3000),
    version: env["APP_VERSION"] || "dev",
    apiUrl: urlOf(env, "PUBLIC_API_URL"),
    drainSeconds: numberOf(env, "DRAIN_SECONDS", 5),
    readySeconds: numberOf(env, "READY_SECONDS", 2),
    databaseUrl: databaseUrlOf(env),
    auth: {
      secret: required(env, "BETTER_AUTH_SECRET"),
      url: urlOf(env, "BETTER_AUTH_URL") ?? "http://127.0.0.1:30080",
      issuer: env["BETTER_AUTH_ISSUER"]?.trim() || "http://ai-todo-frontend-service:3000",
      audience: env["BETTER_AUTH_AUDIENCE"]?.trim() || "ai-todo-backend",
    },
  };
}

function required(env: Environment, name: string): string {
  const text = env[name]?.trim();
  if (!text) {
    throw new SettingsError(`${name} is not set`);
  }
  return text;
}

function numberOf(env: Environment, name: string, fallback: number): number {
  const text = env[name]?.trim();
  const value = text ? Number(text) : fallback;
  if (!Number.isFinite(value) || value < 0) {
    throw new SettingsError(`${name} is "${text}", which is not a number from 0 on`);
  }
  return value;
}

function portOf(env: Environment, name: string, fallback: number): number {
  const port = numberOf(env, name, fallback);
  if (!Number.isInteger(port) || port > 65_535) {
    throw new SettingsError(`${name} is "${port}", which is no TCP port`);
  }
  return port;
}

function urlOf(env: Environment, name: string): string | null {
  const text = env[name]?.trim();
  if (!text) {
    return null;
  }
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.search || url.hash) {
    throw new SettingsError(`${name} is not of the form http://host:port`);
  }
  return url.href.replace(/\/+$/, "");
}

function databaseUrlOf(env: Environment): string {
  const text = required(env, "DATABASE_URL");
  if (!URL.canParse(text) || !/^postgres(ql)?:$/.test(new URL(text).protocol)) {
    throw new SettingsError("DATABASE_URL is not of the form postgresql://user:password@host/name");
  }
  return text;
}
