import type { Session } from "./session";
import type { Ask } from "./trouble";
import { problemOf, SessionOver, Trouble } from "./trouble";

/** A task as the backend sends it. */
export interface Task {
  readonly id: number;
  readonly title: string;
  readonly completed: boolean;
}

/** A talk with the assistant. */
export interface Conversation {
  readonly id: number | string;
  readonly title: string;
}

/** What was said in it. */
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
  /** Whether the tool refused; `result` is then its reason. */
  readonly failed?: boolean;
}

/** What the assistant answers. */
export interface Reply {
  readonly conversation_id: Conversation["id"];
  readonly reply: string;
  readonly tool_calls: readonly ToolCall[];
}

/** How many tasks or messages the backend sends at once, at most. */
const PAGE = 500;

const NODE_PORT = 30081;

const LIMIT_SECONDS = 15;

/** A model may think for half a minute, and its tools take their time too. */
const CHAT_LIMIT_SECONDS = 60;

/** The backend's address: the configured one, or its NodePort on the host that the page came from. */
export function apiAddress(configured: string | null, page: { protocol: string; hostname: string }): string {
  return configured ?? `${page.protocol}//${page.hostname}:${NODE_PORT}`;
}

/** The backend, as one user sees it. */
export class Api {
  constructor(
    readonly address: string,
    private readonly userId: string,
    private readonly session: Pick<Session, "token" | "forget">,
    private readonly ask: Ask = (...request) => fetch(...request),
  ) {}

  /** All tasks, oldest first. @throws Trouble */
  list(): Promise<Task[]> {
    return this.all("/tasks");
  }

  /** @throws Trouble */
  add(title: string): Promise<Task> {
    return this.send("POST", "/tasks", { title });
  }

  /** @throws Trouble */
  change(task: Task, change: Partial<Pick<Task, "title" | "completed">>): Promise<Task> {
    return this.send("PATCH", `/tasks/${task.id}`, change);
  }

  /** @throws Trouble */
  remove(task: Task): Promise<void> {
    return this.send("DELETE", `/tasks/${task.id}`);
  }

  /** Say something to the assistant, in a conversation or at the beginning of a new one. @throws Trouble */
  chat(message: string, conversation: Conversation["id"] | null): Promise<Reply> {
    const body = { message, ...(conversation !== null && { conversation_id: conversation }) };
    return this.send("POST", "/chat", body, CHAT_LIMIT_SECONDS);
  }

  /** @throws Trouble */
  conversations(): Promise<Conversation[]> {
    return this.send("GET", "/conversations");
  }

  /** All that was said, in order. @throws Trouble */
  messages(conversation: Conversation["id"]): Promise<Message[]> {
    return this.all(`/conversations/${conversation}/messages`);
  }

  /** Which version of the backend answers. @throws Trouble */
  async version(): Promise<string> {
    const response = await this.fetch("/health", { signal: AbortSignal.timeout(LIMIT_SECONDS * 1000) });
    return (await response.json()).version;
  }

  /** Every page of a list. */
  private async all<T extends { readonly id: number | string }>(path: string): Promise<T[]> {
    const found: T[] = [];
    for (;;) {
      const page = await this.send<T[]>("GET", `${path}?limit=${PAGE}&after=${found.at(-1)?.id ?? 0}`);
      found.push(...page);
      if (page.length < PAGE) {
        return found;
      }
    }
  }

  private async send<T>(method: string, path: string, body?: object, limit = LIMIT_SECONDS): Promise<T> {
    const ask = async () =>
      this.fetch(`/api/${encodeURIComponent(this.userId)}${path}`, {
        method,
        signal: AbortSignal.timeout(limit * 1000),
        headers: {
          Authorization: `Bearer ${await this.session.token()}`,
          ...(body && { "Content-Type": "application/json" }),
        },
        ...(body && { body: JSON.stringify(body) }),
      });
    let response = await ask();
    if (response.status === 401) {
      this.session.forget(); // the keys may have changed since it was issued: a new one tells
      response = await ask();
    }
    if (response.status === 401 || response.status === 403) {
      throw new SessionOver(); // 403: somebody else has signed in, in another window
    }
    if (!response.ok) {
      throw new Trouble(await complaint(response));
    }
    return (response.status === 204 ? undefined : await response.json().catch(this.unanswered)) as T;
  }

  private async fetch(path: string, init: RequestInit): Promise<Response> {
    return this.ask(this.address + path, init).catch(this.unanswered);
  }

  /** Say that no answer came, or none that is whole. */
  private readonly unanswered = (error: unknown): never => {
    const late = error instanceof DOMException && error.name === "TimeoutError";
    throw new Trouble(`The backend at ${this.address} ${late ? "takes too long to answer" : "does not answer"}.`);
  };
}

/** What a problem says, and to which member. */
async function complaint(response: Response): Promise<string> {
  const { detail, errors } = await problemOf(response);
  const what = detail ?? `The backend answered ${response.status}`;
  const first = errors?.[0]?.what;
  return `${what}${first ? `: ${first}` : ""}`.replace(/([^.!?…])$/, "$1.");
}
