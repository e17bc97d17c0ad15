import { betterAuth } from "better-auth";
import type { BetterAuthOptions } from "better-auth";
import { isAPIError } from "better-auth/api";
import { symmetricDecrypt } from "better-auth/crypto";
import { getMigrations } from "better-auth/db/migration";
import { jwt } from "better-auth/plugins/jwt";
import type { Jwk, JwtOptions } from "better-auth/plugins/jwt";
import type { Pool } from "pg";

import { attempts } from "./attempts";
import type { Log } from "./log";
import type { AuthSettings } from "./settings";

const DAY = 24 * 60 * 60;

/** The header that tells Better Auth the client's address; the app sets it, so that no client can. */
export const CLIENT_ADDRESS = "x-client-address";

/** Sign-up, sign-in, sessions, and tokens for the backend. */
export interface Auth {
  /** Answers everything below /api/auth. */
  readonly handler: (request: Request) => Promise<Response>;
  /** What its tables still lack, in SQL. */
  readonly schema: () => Promise<string>;
}

/** Better Auth on this database. */
export function createAuth(settings: AuthSettings, pool: Pool, log: Log): Auth {
  const options = optionsOf(settings, pool, log);
  const { handler } = betterAuth(options);
  return {
    handler,
    schema: async () => (await getMigrations(options)).compileMigrations(),
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
      enabled: true, // whatever NODE_ENV says; a replica counts by itself
      customStorage: attempts(),
      window: 60,
      max: 30,
      // What checks no password costs little, and behind a NodePort many users come from one address.
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
      disableOriginCheck: false, // said aloud, since NODE_ENV=test would switch it off
    },
    telemetry: { enabled: false },
    onAPIError: {
      onError: (error) => {
        if (!(isAPIError(error) && error.statusCode < 500)) {
          log(`ERROR ${told(error)}`);
        }
      },
    },
    logger: {
      level: "warn",
      log: (level, message, ...details) => log([level.toUpperCase(), message, ...details.map(told)].join(" ")),
    },
  };
}

/**
 * The origin that a page of this server has at the address by which it was asked, whatever that is: 127.0.0.1,
 * localhost, a node's address. A page of another site cannot pass for it, since a browser takes both headers from
 * where the page came from and where the request goes.
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
    disableSettingJwtHeader: true, // the page asks for its token by name
    adapter: { getJwks: readableKeys() },
  };
}

type GetJwks = NonNullable<NonNullable<JwtOptions["adapter"]>["getJwks"]>;

/**
 * All keys, those that another secret encrypted as if they had just expired: they are served still, so that their tokens
 * hold, and sign no more. So a changed BETTER_AUTH_SECRET, or two in use on one database, costs nobody the sign-in.
 */
function readableKeys(): GetJwks {
  const readable = new Map<string, boolean>();
  return async (context) => {
    const { adapter, secretConfig: key } = context.context;
    const keys = await adapter.findMany<Jwk>({ model: "jwks", sortBy: { field: "createdAt", direction: "desc" } });
    for (const { id, privateKey } of keys.filter((one) => !readable.has(one.id))) {
      const read = symmetricDecrypt({ key, data: JSON.parse(privateKey) });
      readable.set(
        id,
        await read.then(
          () => true,
          () => false,
        ),
      );
    }
    const past = Date.now() - 1;
    return keys.map((one) =>
      readable.get(one.id) ? one : { ...one, expiresAt: new Date(Math.min(past, one.expiresAt?.getTime() ?? past)) },
    );
  };
}

function told(detail: unknown): string {
  return detail instanceof Error ? (detail.stack ?? detail.message) : JSON.stringify(detail);
}
