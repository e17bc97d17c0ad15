import type { Fetch, Problem } from "./errors";
import { DisplayError, failUnanswered, readProblem, SessionExpiredError } from "./errors";

/** The signed-in user. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** A token is replaced so long before it expires: requests take time, and clocks differ. */
const SPARE_SECONDS = 60;

const TIMEOUT_SECONDS = 15;

/** Messages for the codes of the server. */
const MESSAGES: Record<string, string> = {
  INVALID_EMAIL_OR_PASSWORD: "The e-mail address or the password is wrong.",
  USER_ALREADY_EXISTS: "There is an account with this e-mail address already. Sign in instead.",
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: "There is an account with this e-mail address already. Sign in instead.",
  INVALID_EMAIL: "This is not a valid e-mail address.",
  PASSWORD_TOO_SHORT: "The password needs at least 8 characters.",
  PASSWORD_TOO_LONG: "The password may have 128 characters at most.",
  INVALID_ORIGIN: "The server does not trust the address at which you opened this page.",
};

/** Sign-up, sign-in, sign-out, and tokens for the backend. The session itself is a cookie that scripts cannot read. */
export class Session {
  private current: { readonly token: string; readonly until: number } | null = null;
  private renewing: Promise<string> | null = null;

  constructor(
    private readonly sendRequest: Fetch = (...request) => fetch(...request),
    private readonly now: () => number = Date.now,
  ) {}

  /** Return the signed-in user, if any. @throws DisplayError */
  async user(): Promise<User | null> {
    const session = await this.send<{ user: User } | null>("GET", "/get-session");
    return session?.user ?? null;
  }

  /** @throws DisplayError */
  async signUp(name: string, email: string, password: string): Promise<User> {
    return (await this.send<{ user: User }>("POST", "/sign-up/email", { name, email, password })).user;
  }

  /** @throws DisplayError */
  async signIn(email: string, password: string): Promise<User> {
    return (await this.send<{ user: User }>("POST", "/sign-in/email", { email, password })).user;
  }

  /** @throws DisplayError */
  async signOut(): Promise<void> {
    this.forget();
    await this.send("POST", "/sign-out", {});
  }

  /** Return a token for the backend, which is renewed before it expires. @throws SessionExpiredError, DisplayError */
  async token(): Promise<string> {
    if (this.current && this.now() < this.current.until) {
      return this.current.token;
    }
    this.renewing ??= this.renew().finally(() => (this.renewing = null));
    return this.renewing;
  }

  /** Discard the current token. */
  forget(): void {
    this.current = null;
  }

  private async renew(): Promise<string> {
    const { token } = await this.send<{ token: string }>("GET", "/token");
    const { iat, exp } = JSON.parse(atob(token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? ""));
    // Computed from the lifetime of the token, as the clock of this machine may be wrong.
    this.current = { token, until: this.now() + (exp - iat - SPARE_SECONDS) * 1000 };
    return token;
  }

  private async send<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.sendRequest(`/api/auth${path}`, {
      method,
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
      ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    }).catch(failUnanswered);
    if (response.status === 401 && path === "/token") {
      throw new SessionExpiredError();
    }
    if (!response.ok) {
      throw new DisplayError(messageOf(response.status, await readProblem(response)));
    }
    return (await response.json().catch(failUnanswered)) as T;
  }
}

function messageOf(status: number, { code = "", detail }: Problem): string {
  if (status === 429) {
    return "Too many attempts. Wait a minute, then try again.";
  }
  if (status === 503) {
    return `Signing in is not possible right now. ${detail ?? "The server is busy"}.`;
  }
  if (status >= 500) {
    return "Something went wrong on the server. Try again in a moment.";
  }
  return MESSAGES[code] ?? detail ?? "The server did not accept this.";
}
