import { useCallback, useEffect, useRef, useState } from "preact/hooks";

import type { Api, Task } from "./api";
import { Alert, Icon, useAttempt, useOnce } from "./parts";

const FILTERS = {
  All: () => true,
  Open: (task: Task) => !task.completed,
  Done: (task: Task) => task.completed,
} as const;

type Filter = keyof typeof FILTERS;

const LONGEST_TITLE = 500;

/** The tasks as the backend has them, and what can be done with them; each deed's failure becomes `trouble`. */
export function useTasks(api: Api) {
  const { trouble, attempt } = useAttempt();
  const [tasks, setTasks] = useState<readonly Task[]>();
  const changes = useRef(0);
  const load = useCallback(
    () =>
      attempt(async () => {
        for (;;) {
          const before = changes.current;
          const all = await api.list();
          if (before === changes.current) {
            return setTasks(all);
          } // else the list may be from before the change
        }
      }),
    [api, attempt],
  );
  useEffect(() => {
    void load();
    // Another window, or another person's assistant, may have changed them meanwhile.
    const look = () => document.visibilityState === "visible" && void load();
    document.addEventListener("visibilitychange", look);
    return () => document.removeEventListener("visibilitychange", look);
  }, [load]);
  const add = (title: string) =>
    attempt(async () => {
      const task = await api.add(title);
      changes.current += 1;
      setTasks((before = []) => [...before, task]);
    });
  const change = (task: Task, wanted: Partial<Pick<Task, "title" | "completed">>) =>
    attempt(async () => {
      const changed = await api.change(task, wanted);
      changes.current += 1;
      setTasks((before) => before?.map((one) => (one.id === task.id ? changed : one)));
    });
  const remove = (task: Task) =>
    attempt(async () => {
      await api.remove(task);
      changes.current += 1;
      setTasks((before) => before?.filter((one) => one.id !== task.id));
    });
  return { tasks, trouble, load, add, change, remove };
}

export type Tasks = ReturnType<typeof useTasks>;

/** The task list. */
export function TaskList({ tasks, trouble, load, add, change, remove }: Tasks) {
  const [filter, setFilter] = useState<Filter>("All");
  const [said, say] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = tasks?.filter(FILTERS[filter]);
  const removeAndSay = async (task: Task) => {
    if (await remove(task)) {
      say(`Deleted “${task.title}”.`);
      heading.current?.focus(); // the button that had the focus is gone
    }
  };
  return (
    <section class="card tasks-panel" aria-labelledby="tasks-heading">
      <header class="panel-head">
        <h2 id="tasks-heading" tabIndex={-1} ref={heading}>
          Tasks
        </h2>
        {tasks && tasks.length > 0 && <Progress tasks={tasks} />}
      </header>
      <NewTask add={add} />
      {trouble && <Alert retry={load}>{trouble}</Alert>}
      {tasks && tasks.length > 0 && <Filters tasks={tasks} chosen={filter} choose={setFilter} />}
      {shown && shown.length > 0 && (
        <ul class="tasks">
          {shown.map((task) => (
            <Row key={task.id} task={task} change={change} remove={removeAndSay} />
          ))}
        </ul>
      )}
      {shown?.length === 0 && <Nothing filter={filter} none={tasks?.length === 0} />}
      {!tasks && !trouble && <p class="empty">Loading…</p>}
      <p class="hidden" role="status">
        {said}
      </p>
    </section>
  );
}

function Progress({ tasks }: { tasks: readonly Task[] }) {
  const done = tasks.filter((task) => task.completed).length;
  return (
    <p class="progress" role="status">
      <progress value={done} max={tasks.length} aria-hidden="true" />
      <span>
        {tasks.length - done} open, {done} done
      </span>
    </p>
  );
}

function NewTask({ add }: { add: Tasks["add"] }) {
  const [title, setTitle] = useState("");
  const once = useOnce();
  const submit = (event: Event) => {
    event.preventDefault();
    void once(async () => {
      if (title.trim() && (await add(title.trim()))) {
        setTitle((now) => (now === title ? "" : now)); // the next one may be typed already
      }
    });
  };
  return (
    <form class="new" onSubmit={submit}>
      <label class="hidden" for="title">
        New task
      </label>
      <input
        id="title"
        value={title}
        maxLength={LONGEST_TITLE}
        placeholder="What is to be done?"
        autocomplete="off"
        enterkeyhint="done"
        onInput={(event) => setTitle(event.currentTarget.value)}
      />
      <button class="main" disabled={!title.trim()}>
        <Icon name="plus" />
        Add
      </button>
    </form>
  );
}

interface FiltersProps {
  readonly tasks: readonly Task[];
  readonly chosen: Filter;
  readonly choose: (filter: Filter) => void;
}

function Filters({ tasks, chosen, choose }: FiltersProps) {
  return (
    <div class="segments" role="group" aria-label="Show">
      {(Object.keys(FILTERS) as Filter[]).map((filter) => (
        <button key={filter} type="button" aria-pressed={filter === chosen} onClick={() => choose(filter)}>
          {filter} <span class="count">{tasks.filter(FILTERS[filter]).length}</span>
        </button>
      ))}
    </div>
  );
}

interface RowProps {
  readonly task: Task;
  readonly change: Tasks["change"];
  readonly remove: (task: Task) => Promise<void>;
}

function Row({ task, change, remove }: RowProps) {
  const [editing, setEditing] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const once = useOnce();
  const close = () => {
    setEditing(false);
    requestAnimationFrame(() => button.current?.focus());
  };
  if (editing) {
    return <Editor task={task} change={change} close={close} />;
  }
  return (
    <li class={task.completed ? "task done" : "task"}>
      <label>
        <input
          type="checkbox"
          checked={task.completed}
          onChange={async (event) => {
            const box = event.currentTarget;
            if (!(await change(task, { completed: box.checked }))) {
              box.checked = task.completed;
            }
          }}
        />
        <span>{task.title}</span>
      </label>
      <span class="deeds">
        <span class="number" title="What the assistant calls it">
          #{task.id}
        </span>
        <button
          type="button"
          class="quiet"
          ref={button}
          aria-label={`Edit “${task.title}”`}
          title="Edit"
          onClick={() => setEditing(true)}
        >
          <Icon name="edit" />
        </button>
        <button
          type="button"
          class="quiet"
          aria-label={`Delete “${task.title}”`}
          title="Delete"
          onClick={() => once(() => remove(task))}
        >
          <Icon name="trash" />
        </button>
      </span>
    </li>
  );
}

function Editor({ task, change, close }: { task: Task; change: Tasks["change"]; close: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const once = useOnce();
  useEffect(() => input.current?.select(), []);
  const submit = (event: Event) => {
    event.preventDefault();
    void once(async () => {
      const title = input.current?.value.trim() ?? "";
      if (!title || title === task.title || (await change(task, { title }))) {
        close();
      }
    });
  };
  return (
    <li class="task">
      <form class="editor" onSubmit={submit} onKeyDown={(event) => event.key === "Escape" && close()}>
        <input
          ref={input}
          aria-label={`New title of “${task.title}”`}
          defaultValue={task.title}
          maxLength={LONGEST_TITLE}
          autocomplete="off"
        />
        <button class="main">Save</button>
        <button type="button" class="quiet" aria-label="Cancel" title="Cancel (Escape)" onClick={close}>
          <Icon name="close" />
        </button>
      </form>
    </li>
  );
}

function Nothing({ filter, none }: { filter: Filter; none: boolean }) {
  if (none) {
    return (
      <p class="empty">
        <Icon name="check" />
        Nothing to do yet. Write a task above, or ask the assistant to.
      </p>
    );
  }
  return <p class="empty">{filter === "Open" ? "All done." : "Nothing done yet."}</p>;
}
