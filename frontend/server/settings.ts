/** An environment variable is missing or invalid. The message names it and never contains a secret. */
export class SettingsError extends Error {}

/** The settings of the frontend. */
export interface Settings {
  /** TCP port, on all addresses. */
  readonly port: number;
  /** The version that /health reports; the chart sets it to the image tag. */
  readonly version: string;
  /** URL of the backend as the user's browser reaches it; null: port 30081 of the host in the page's URL. */
  readonly apiUrl: string | null;
  /** How long to accept requests after SIGTERM. */
  readonly drainSeconds: number;
  /** Time limit of the database check in /ready. */
  readonly readySeconds: number;
  /** URL of the PostgreSQL database with users, sessions and keys: `postgresql://user:password@host/name`. */
  readonly databaseUrl: string;
  readonly auth: AuthSettings;
}

/** The settings of sign-in. */
export interface AuthSettings {
  /** Secret that signs session cookies and encrypts private keys. */
  readonly secret: string;
  /** An origin that is trusted besides the page's own. With https, cookies are sent over TLS only. */
  readonly url: string;
  /** Issuer of the tokens (`iss`). */
  readonly issuer: string;
  /** Audience of the tokens (`aud`). */
  readonly audience: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Read the settings from environment variables. @throws SettingsError */
export function readSettings(env: Environment): Settings {
  return {
    port: readPort(env, "PORT", 3000),
    version: env["APP_VERSION"] || "dev",
    apiUrl: readUrl(env, "PUBLIC_API_URL"),
    drainSeconds: readNumber(env, "DRAIN_SECONDS", 5),
    readySeconds: readNumber(env, "READY_SECONDS", 2),
    databaseUrl: readDatabaseUrl(env),
    auth: {
      secret: readRequired(env, "BETTER_AUTH_SECRET"),
      url: readUrl(env, "BETTER_AUTH_URL") ?? "http://127.0.0.1:30080",
      issuer: env["BETTER_AUTH_ISSUER"]?.trim() || "http://ai-todo-frontend-service:3000",
      audience: env["BETTER_AUTH_AUDIENCE"]?.trim() || "ai-todo-backend",
    },
  };
}

function readRequired(env: Environment, name: string): string {
  const text = env[name]?.trim();
  if (!text) {
    throw new SettingsError(`${name} is not set`);
  }
  return text;
}

function readNumber(env: Environment, name: string, fallback: number): number {
  const text = env[name]?.trim();
  const value = text ? Number(text) : fallback;
  if (!Number.isFinite(value) || value < 0) {
    throw new SettingsError(`${name} is "${text}", which is not a non-negative number`);
  }
  return value;
}

function readPort(env: Environment, name: string, fallback: number): number {
  const port = readNumber(env, name, fallback);
  if (!Number.isInteger(port) || port > 65_535) {
    throw new SettingsError(`${name} is "${port}", which is not a TCP port`);
  }
  return port;
}

function readUrl(env: Environment, name: string): string | null {
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

function readDatabaseUrl(env: Environment): string {
  const text = readRequired(env, "DATABASE_URL");
  if (!URL.canParse(text) || !/^postgres(ql)?:$/.test(new URL(text).protocol)) {
    throw new SettingsError("DATABASE_URL is not of the form postgresql://user:password@host/name");
  }
  return text;
}
