import type { Ask, Problem } from "./trouble";
import { problemOf, SessionOver, Trouble, unanswered } from "./trouble";

/** Who is signed in. */
export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** A token is not used in its last minute: its way and the other machine's clock take time. */
const SPARE_SECONDS = 60;

const LIMIT_SECONDS = 15;

/** What the server's codes mean to the user. */
const SENTENCES: Record<string, string> = {
  INVALID_EMAIL_OR_PASSWORD: "The e-mail address or the password is wrong.",
  USER_ALREADY_EXISTS: "There is an account with this e-mail address already. Sign in instead.",
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: "There is an account with this e-mail address already. Sign in instead.",
  INVALID_EMAIL: "This is not an e-mail address.",
  PASSWORD_TOO_SHORT: "The password needs at least 8 characters.",
  PASSWORD_TOO_LONG: "The password may have 128 characters at most.",
  INVALID_ORIGIN: "The server does not trust the address at which you opened this page.",
};

/** Signing up, in and out, and the tokens that the backend asks for. The session itself is a cookie no script can read. */
export class Session {
  private held: { readonly token: string; readonly until: number } | null = null;
  private renewing: Promise<string> | null = null;

  constructor(
    private readonly ask: Ask = (...request) => fetch(...request),
    private readonly now: () => number = Date.now,
  ) {}

  /** Who is signed in, if anybody. @throws Trouble */
  async user(): Promise<User | null> {
    const found = await this.send<{ user: User } | null>("GET", "/get-session");
    return found?.user ?? null;
  }

  /** @throws Trouble */
  async signUp(name: string, email: string, password: string): Promise<User> {
    return (await this.send<{ user: User }>("POST", "/sign-up/email", { name, email, password })).user;
  }

  /** @throws Trouble */
  async signIn(email: string, password: string): Promise<User> {
    return (await this.send<{ user: User }>("POST", "/sign-in/email", { email, password })).user;
  }

  /** @throws Trouble */
  async signOut(): Promise<void> {
    this.forget();
    await this.send("POST", "/sign-out", {});
  }

  /** A token that the backend takes, renewed before it expires. @throws SessionOver, Trouble */
  async token(): Promise<string> {
    if (this.held && this.now() < this.held.until) {
      return this.held.token;
    }
    this.renewing ??= this.renew().finally(() => (this.renewing = null));
    return this.renewing;
  }

  /** Take a new token next time. */
  forget(): void {
    this.held = null;
  }

  private async renew(): Promise<string> {
    const { token } = await this.send<{ token: string }>("GET", "/token");
    const { iat, exp } = JSON.parse(atob(token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? ""));
    // Lifetimes, not times of day: this machine's clock may be wrong.
    this.held = { token, until: this.now() + (exp - iat - SPARE_SECONDS) * 1000 };
    return token;
  }

  private async send<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.ask(`/api/auth${path}`, {
      method,
      signal: AbortSignal.timeout(LIMIT_SECONDS * 1000),
      ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    }).catch(unanswered);
    if (response.status === 401 && path === "/token") {
      throw new SessionOver();
    }
    if (!response.ok) {
      throw new Trouble(sentence(response.status, await problemOf(response)));
    }
    return (await response.json().catch(unanswered)) as T;
  }
}

function sentence(status: number, { code = "", detail }: Problem): string {
  if (status === 429) {
    return "Those were many attempts. Wait a minute, then try again.";
  }
  if (status === 503) {
    return `Signing in is not possible just now. ${detail ?? "The server is busy"}.`;
  }
  if (status >= 500) {
    return "Something went wrong on the server. Try again in a moment.";
  }
  return SENTENCES[code] ?? detail ?? "The server did not take this.";
}
