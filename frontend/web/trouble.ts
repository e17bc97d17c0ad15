/** Something did not work; the message is a sentence for the user. */
export class Trouble extends Error {}

/** The session is over: only signing in helps. */
export class SessionOver extends Trouble {
  constructor() {
    super("Your session is over. Please sign in again.");
  }
}

/** Says that the frontend's own server gave no answer, or none that is whole. */
export function unanswered(): never {
  throw new Trouble("The server does not answer. Check your connection, then try again.");
}

/** How requests are sent: `fetch`, or what a test puts in its place. */
export type Ask = (url: string, init?: RequestInit) => Promise<Response>;

/** An error's body as RFC 9457 has it, with what our services add. */
export interface Problem {
  readonly detail?: string;
  readonly code?: string;
  readonly errors?: readonly { readonly what?: string }[];
}

/** What the body of an error says; nothing where it is not JSON. */
export async function problemOf(response: Response): Promise<Problem> {
  return response.json().catch(() => ({}));
}
