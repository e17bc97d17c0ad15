import type { Fetch } from "./errors";
import { DisplayError, readProblem, SessionExpiredError } from "./errors";
import type { Session } from "./session";

/** A task of the user. */
export interface Task {
  readonly id: number;
  readonly title: string;
  readonly completed: boolean;
}

/** A conversation with the assistant. */
export interface Conversation {
  readonly id: number | string;
  readonly title: string;
}

/** A message of a conversation. */
export interface Message {
  readonly id: number | string;
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** A tool that the assistant called. */
export interface ToolCall {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly result: unknown;
  /** Whether the tool returned an error, which is then the `result`. */
  readonly failed?: boolean;
}

/** The assistant's reply. */
export interface Reply {
  readonly conversation_id: Conversation["id"];
  readonly reply: string;
  readonly tool_calls: readonly ToolCall[];
}

/** The most tasks or messages that the backend returns at once. */
const PAGE_SIZE = 500;

const NODE_PORT = 30081;

const TIMEOUT_SECONDS = 15;

/** The language model may take half a minute, and the tools take time too. */
const CHAT_TIMEOUT_SECONDS = 60;

/** Return the URL of the backend: the configured one, or its NodePort on the host of the page. */
export function apiAddress(configured: string | null, page: { protocol: string; hostname: string }): string {
  return configured ?? `${page.protocol}//${page.hostname}:${NODE_PORT}`;
}

/** A client of the backend for one user. */
export class Api {
  constructor(
    readonly address: string,
    private readonly userId: string,
    private readonly session: Pick<Session, "token" | "forget">,
    private readonly send: Fetch = (...request) => fetch(...request),
  ) {}

  /** List all tasks, oldest first. @throws DisplayError */
  list(): Promise<Task[]> {
    return this.all("/tasks");
  }

  /** @throws DisplayError */
  add(title: string): Promise<Task> {
    return this.request("POST", "/tasks", { title });
  }

  /** @throws DisplayError */
  change(task: Task, change: Partial<Pick<Task, "title" | "completed">>): Promise<Task> {
    return this.request("PATCH", `/tasks/${task.id}`, change);
  }

  /** @throws DisplayError */
  remove(task: Task): Promise<void> {
    return this.request("DELETE", `/tasks/${task.id}`);
  }

  /** Send a message to the assistant, in a conversation or in a new one. @throws DisplayError */
  chat(message: string, conversation: Conversation["id"] | null): Promise<Reply> {
    const body = { message, ...(conversation !== null && { conversation_id: conversation }) };
    return this.request("POST", "/chat", body, CHAT_TIMEOUT_SECONDS);
  }

  /** @throws DisplayError */
  conversations(): Promise<Conversation[]> {
    return this.request("GET", "/conversations");
  }

  /** List all messages of a conversation, in order. @throws DisplayError */
  messages(conversation: Conversation["id"]): Promise<Message[]> {
    return this.all(`/conversations/${conversation}/messages`);
  }

  /** Return the version of the backend. @throws DisplayError */
  async version(): Promise<string> {
    const response = await this.fetch("/health", { signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000) });
    return (await response.json()).version;
  }

  /** Request all pages of a list. */
  private async all<T extends { readonly id: number | string }>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (;;) {
      const page = await this.request<T[]>("GET", `${path}?limit=${PAGE_SIZE}&after=${items.at(-1)?.id ?? 0}`);
      items.push(...page);
      if (page.length < PAGE_SIZE) {
        return items;
      }
    }
  }

  private async request<T>(method: string, path: string, body?: object, limit = TIMEOUT_SECONDS): Promise<T> {
    const attempt = async () =>
      this.fetch(`/api/${encodeURIComponent(this.userId)}${path}`, {
        method,
        signal: AbortSignal.timeout(limit * 1000),
        headers: {
          Authorization: `Bearer ${await this.session.token()}`,
          ...(body && { "Content-Type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
    let response = await attempt();
    if (response.status === 401) {
      this.session.forget(); // its key may have been withdrawn: try once more with a new token
      response = await attempt();
    }
    if (response.status === 401 || response.status === 403) {
      throw new SessionExpiredError(); // 403: another user has signed in, in another window
    }
    if (!response.ok) {
      throw new DisplayError(await messageOf(response));
    }
    return (response.status === 204 ? undefined : await response.json().catch(this.failUnanswered)) as T;
  }

  private async fetch(path: string, init: RequestInit): Promise<Response> {
    return this.send(this.address + path, init).catch(this.failUnanswered);
  }

  /** Throw the error for a request that got no complete response. */
  private readonly failUnanswered = (error: unknown): never => {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new DisplayError(`The backend at ${this.address} ${late ? "takes too long to answer" : "does not answer"}.`);
  };
}

/** Return the message of an error response, with the first invalid member if it names any. */
async function messageOf(response: Response): Promise<string> {
  const { detail, errors } = await readProblem(response);
  const message = detail ?? `The backend answered ${response.status}`;
  const first = errors?.[0]?.what;
  return `${message}${first ? `: ${first}` : ""}`.replace(/([^.!?…])$/, "$1.");
}
