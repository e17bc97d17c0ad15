import { useCallback, useEffect, useState } from "preact/hooks";

import type { Api, Task } from "./api";
import { ApiError } from "./api";

const FILTERS = {
  All: () => true,
  Open: (task: Task) => !task.completed,
  Done: (task: Task) => task.completed,
} as const;

type Filter = keyof typeof FILTERS;

/** The page. */
export function App({ api, version }: { api: Api; version: string }) {
  const { tasks, trouble, load, add, complete, remove } = useTasks(api);
  const [filter, setFilter] = useState<Filter>("All");
  const shown = tasks?.filter(FILTERS[filter]);
  return (
    <>
      <header>
        <h1>AI Todo</h1>
        <p aria-live="polite">{tasks && summary(tasks)}</p>
      </header>
      <main>
        <NewTask add={add} />
        {trouble && (
          <p role="alert" class="trouble">
            <span>{trouble}</span>
            <button onClick={load}>Try again</button>
          </p>
        )}
        <Filters chosen={filter} choose={setFilter} />
        {shown && <List tasks={shown} complete={complete} remove={remove} />}
        {shown?.length === 0 && <p class="empty">{tasks?.length ? "None of these." : "Nothing to do yet."}</p>}
        {!tasks && !trouble && <p class="empty">Loading…</p>}
      </main>
      <Versions api={api} frontend={version} />
    </>
  );
}

/** The tasks as the backend has them, and what can be done with them; each deed's failure becomes `trouble`. */
function useTasks(api: Api) {
  const [tasks, setTasks] = useState<Task[]>();
  const [trouble, setTrouble] = useState("");
  const attempt = useCallback(async (deed: () => Promise<void>): Promise<boolean> => {
    try {
      await deed();
      setTrouble("");
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) {
        throw error;
      }
      setTrouble(error.message);
      return false;
    }
  }, []);
  const load = useCallback(() => attempt(async () => setTasks(await api.list())), [api, attempt]);
  useEffect(() => void load(), [load]);
  const add = (title: string) =>
    attempt(async () => {
      const task = await api.add(title);
      setTasks((before = []) => [...before, task]);
    });
  const complete = (task: Task, completed: boolean) =>
    attempt(async () => {
      const changed = await api.complete(task, completed);
      setTasks((before) => before?.map((one) => (one.id === task.id ? changed : one)));
    });
  const remove = (task: Task) =>
    attempt(async () => {
      await api.remove(task);
      setTasks((before) => before?.filter((one) => one.id !== task.id));
    });
  return { tasks, trouble, load, add, complete, remove };
}

function NewTask({ add }: { add: (title: string) => Promise<boolean> }) {
  const [title, setTitle] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    if (title.trim() && (await add(title))) {
      setTitle("");
    }
  };
  return (
    <form class="new" onSubmit={submit}>
      <label class="hidden" for="title">
        New task
      </label>
      <input
        id="title"
        value={title}
        maxLength={500}
        placeholder="What is to be done?"
        autocomplete="off"
        autofocus
        onInput={(event) => setTitle(event.currentTarget.value)}
      />
      <button disabled={!title.trim()}>Add</button>
    </form>
  );
}

function Filters({ chosen, choose }: { chosen: Filter; choose: (filter: Filter) => void }) {
  return (
    <div class="filters" role="group" aria-label="Show">
      {(Object.keys(FILTERS) as Filter[]).map((filter) => (
        <button key={filter} aria-pressed={filter === chosen} onClick={() => choose(filter)}>
          {filter}
        </button>
      ))}
    </div>
  );
}

interface Deeds {
  readonly complete: (task: Task, completed: boolean) => Promise<boolean>;
  readonly remove: (task: Task) => Promise<boolean>;
}

function List({ tasks, complete, remove }: { tasks: readonly Task[] } & Deeds) {
  return (
    <ul class="tasks">
      {tasks.map((task) => (
        <li key={task.id}>
          <label class={task.completed ? "done" : ""}>
            <input
              type="checkbox"
              checked={task.completed}
              onChange={(event) => complete(task, event.currentTarget.checked)}
            />
            <span>{task.title}</span>
          </label>
          <button class="remove" aria-label={`Delete “${task.title}”`} title="Delete" onClick={() => remove(task)}>
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Which versions answer, so that an upgrade or a rollback can be seen. */
function Versions({ api, frontend }: { api: Api; frontend: string }) {
  const [backend, setBackend] = useState("…");
  useEffect(() => {
    api.version().then(setBackend, () => setBackend("does not answer"));
  }, [api]);
  return (
    <footer>
      frontend <code>{frontend}</code> · backend <code>{backend}</code>
    </footer>
  );
}

function summary(tasks: readonly Task[]): string {
  const open = tasks.filter((task) => !task.completed).length;
  return `${open} open, ${tasks.length - open} done`;
}
