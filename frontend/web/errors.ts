/** An error whose message is shown to the user. */
export class DisplayError extends Error {}

/** The session expired or was ended: the user has to sign in again. */
export class SessionExpiredError extends DisplayError {
  constructor() {
    super("Your session is over. Please sign in again.");
  }
}

/** Throw the error for a request to the frontend's own server that got no complete response. @throws DisplayError */
export function failUnanswered(): never {
  throw new DisplayError("The server does not answer. Check your connection, then try again.");
}

/** Sends requests: `fetch`, or a fake in tests. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** The body of an error response: a problem of RFC 9457, with the members that our services add. */
export interface Problem {
  readonly detail?: string;
  readonly code?: string;
  readonly errors?: readonly { readonly what?: string }[];
}

/** Read the body of an error response; a body that is not JSON counts as empty. */
export async function readProblem(response: Response): Promise<Problem> {
  return response.json().catch(() => ({}));
}
