import { betterAuth } from "better-auth";
import type { BetterAuthOptions } from "better-auth";
import { isAPIError } from "better-auth/api";
import { symmetricDecrypt } from "better-auth/crypto";
import { getMigrations } from "better-auth/db/migration";
import { jwt } from "better-auth/plugins/jwt";
import type { Jwk, JwtOptions } from "better-auth/plugins/jwt";
import type { Pool } from "pg";

import type { Log } from "./log";
import { slidingWindow } from "./rate-limit";
import type { AuthSettings } from "./settings";

const DAY = 24 * 60 * 60;

/** The header from which Better Auth reads the client's address. The app overwrites it, so a client cannot choose it. */
export const CLIENT_ADDRESS = "x-client-address";

/** Sign-up, sign-in, sessions, and tokens for the backend. */
export interface Auth {
  /** Handles requests below /api/auth. */
  readonly handler: (request: Request) => Promise<Response>;
  /** Returns the SQL statements that create missing tables. */
  readonly missingTables: () => Promise<string>;
}

/** Set up Better Auth with a database. */
export function createAuth(settings: AuthSettings, pool: Pool, log: Log): Auth {
  const options = optionsOf(settings, pool, log);
  const { handler } = betterAuth(options);
  return {
    handler,
    missingTables: async () => (await getMigrations(options)).compileMigrations(),
  };
}

function optionsOf(settings: AuthSettings, pool: Pool, log: Log): BetterAuthOptions {
  return {
    appName: "AI Todo",
    secret: settings.secret,
    baseURL: settings.url,
    basePath: "/api/auth",
    database: pool,
    trustedOrigins: (request) => ownOrigin(request),
    emailAndPassword: { enabled: true, minPasswordLength: 8, maxPasswordLength: 128 },
    user: { modelName: "users" },
    session: { modelName: "sessions", expiresIn: 7 * DAY, updateAge: DAY },
    account: { modelName: "accounts" },
    verification: { modelName: "verifications" },
    plugins: [jwt(jwtOptions(settings))],
    rateLimit: {
      enabled: true, // whatever NODE_ENV says; each replica counts separately
      customStorage: slidingWindow(),
      window: 60,
      max: 30,
      // Requests that check no password are cheap, and behind a NodePort many users have the same address.
      customRules: {
        "/sign-in/*": { window: 60, max: 30 },
        "/sign-up/*": { window: 60, max: 30 },
        "/get-session": false,
        "/jwks": false,
        "/sign-out": false,
        "/token": false,
      },
    },
    advanced: {
      cookiePrefix: "ai-todo",
      ipAddress: { ipAddressHeaders: [CLIENT_ADDRESS] },
      disableOriginCheck: false, // explicit, since NODE_ENV=test would disable the check
    },
    telemetry: { enabled: false },
    onAPIError: {
      onError: (error) => {
        if (!(isAPIError(error) && error.statusCode < 500)) {
          log(`ERROR ${textOf(error)}`);
        }
      },
    },
    logger: {
      level: "warn",
      log: (level, message, ...details) => log([level.toUpperCase(), message, ...details.map(textOf)].join(" ")),
    },
  };
}

/**
 * Return the origin of this server's own pages under the host of a request: 127.0.0.1, localhost or the address of a
 * node. A page of another site cannot pretend to have it: the browser sets `Origin` to where the page came from, and
 * `Host` to where the request goes.
 */
export function ownOrigin(request: Request | undefined): string[] {
  const host = request?.headers.get("host");
  return host && URL.canParse(`http://${host}`) ? [new URL(`http://${host}`).origin] : [];
}

function jwtOptions(settings: AuthSettings): JwtOptions {
  return {
    jwt: {
      issuer: settings.issuer,
      audience: settings.audience,
      expirationTime: "15m",
      definePayload: ({ user }) => ({ email: user.email, name: user.name }),
    },
    jwks: { keyPairConfig: { alg: "EdDSA", crv: "Ed25519" }, rotationInterval: 90 * DAY, gracePeriod: DAY },
    schema: { jwks: { modelName: "jwks" } },
    disableSettingJwtHeader: true, // the page requests its token explicitly
    adapter: { getJwks: keysForThisSecret() },
  };
}

type GetJwks = NonNullable<NonNullable<JwtOptions["adapter"]>["getJwks"]>;

/**
 * Return all keys, but mark those as expired that were encrypted with another secret: they are still published, so their
 * tokens remain valid, but sign no new ones. After a change of BETTER_AUTH_SECRET, or with two installations that share a
 * database but not the secret, users stay signed in.
 */
function keysForThisSecret(): GetJwks {
  const decryptable = new Map<string, boolean>();
  return async (context) => {
    const { adapter, secretConfig: key } = context.context;
    const keys = await adapter.findMany<Jwk>({ model: "jwks", sortBy: { field: "createdAt", direction: "desc" } });
    for (const { id, privateKey } of keys.filter((one) => !decryptable.has(one.id))) {
      const decrypted = symmetricDecrypt({ key, data: JSON.parse(privateKey) });
      decryptable.set(
        id,
        await decrypted.then(
          () => true,
          () => false,
        ),
      );
    }
    const past = Date.now() - 1;
    return keys.map((one) =>
      decryptable.get(one.id) ? one : { ...one, expiresAt: new Date(Math.min(past, one.expiresAt?.getTime() ?? past)) },
    );
  };
}

function textOf(detail: unknown): string {
  return detail instanceof Error ? (detail.stack ?? detail.message) : JSON.stringify(detail);
}
