/** A task as the backend sends it. */
export interface Task {
  readonly id: number;
  readonly title: string;
  readonly completed: boolean;
}

/** The backend refused or did not answer; the message is for the user. */
export class ApiError extends Error {}

/** How many tasks the backend sends at once, at most. */
const PAGE = 500;

const NODE_PORT = 30081;

/** The backend's address: the configured one, or its NodePort on the host that the page came from. */
export function apiAddress(configured: string | null, page: { protocol: string; hostname: string }): string {
  return configured ?? `${page.protocol}//${page.hostname}:${NODE_PORT}`;
}

/** The backend's tasks. */
export class Api {
  constructor(
    readonly address: string,
    private readonly ask: typeof fetch = (...request) => fetch(...request),
  ) {}

  /** All tasks, oldest first. @throws ApiError */
  async list(): Promise<Task[]> {
    const tasks: Task[] = [];
    for (;;) {
      const page = await this.send<Task[]>("GET", `/api/tasks?limit=${PAGE}&after=${tasks.at(-1)?.id ?? 0}`);
      tasks.push(...page);
      if (page.length < PAGE) {
        return tasks;
      }
    }
  }

  /** @throws ApiError */
  add(title: string): Promise<Task> {
    return this.send("POST", "/api/tasks", { title });
  }

  /** @throws ApiError */
  complete(task: Task, completed: boolean): Promise<Task> {
    return this.send("PATCH", `/api/tasks/${task.id}`, { completed });
  }

  /** @throws ApiError */
  remove(task: Task): Promise<void> {
    return this.send("DELETE", `/api/tasks/${task.id}`);
  }

  /** Which version of the backend answers. @throws ApiError */
  async version(): Promise<string> {
    return (await this.send<{ version: string }>("GET", "/health")).version;
  }

  private async send<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await this.ask(this.address + path, {
      method,
      ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    }).catch(() => {
      throw new ApiError(`The backend at ${this.address} does not answer.`);
    });
    if (!response.ok) {
      throw new ApiError(await complaint(response));
    }
    return (response.status === 204 ? undefined : await response.json()) as T;
  }
}

/** What a problem body says, and to which member. */
async function complaint(response: Response): Promise<string> {
  const problem = await response.json().catch(() => ({}));
  const first = problem.errors?.[0]?.what;
  return [problem.detail ?? `The backend answered ${response.status}`, ...(first ? [first] : [])].join(": ");
}
