import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { useAttempt, useIgnoringRepeats, useInOrder } from "./actions";
import type { Api, Task } from "./api";
import { Alert, Icon } from "./components";

const FILTERS = {
  All: () => true,
  Open: (task: Task) => !task.completed,
  Done: (task: Task) => task.completed,
} as const;

type Filter = keyof typeof FILTERS;

const TITLE_LENGTH = 500;

/** The tasks of the backend and the actions on them; `error` is the message of the last failed action. */
export function useTasks(api: Api) {
  const { error, attempt } = useAttempt();
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
          } // otherwise the list may be older than a change that was made meanwhile
        }
      }),
    [api, attempt],
  );
  useEffect(() => {
    void load();
    // Tasks may have been changed in another window meanwhile.
    const reload = () => document.visibilityState === "visible" && void load();
    document.addEventListener("visibilitychange", reload);
    return () => document.removeEventListener("visibilitychange", reload);
  }, [load]);
  const add = (title: string) =>
    attempt(async () => {
      const task = await api.add(title);
      changes.current += 1;
      setTasks((before = []) => [...before, task]);
    });
  const change = (task: Task, fields: Partial<Pick<Task, "title" | "completed">>) =>
    attempt(async () => {
      const changed = await api.change(task, fields);
      changes.current += 1;
      setTasks((before) => before?.map((one) => (one.id === task.id ? changed : one)));
    });
  const remove = (task: Task) =>
    attempt(async () => {
      await api.remove(task);
      changes.current += 1;
      setTasks((before) => before?.filter((one) => one.id !== task.id));
    });
  return { tasks, error, load, add, change, remove };
}

export type Tasks = ReturnType<typeof useTasks>;

/** The task list. */
export function TaskList({ tasks, error, load, add, change, remove }: Tasks) {
  const [filter, setFilter] = useState<Filter>("All");
  const [announcement, announce] = useState("");
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = tasks?.filter(FILTERS[filter]);
  /** Focus the heading if the row with the focus is gone. If the user has moved the focus meanwhile, it stays there. */
  const restoreFocus = () => {
    if (document.activeElement === document.body) {
      heading.current?.focus();
    }
  };
  const changeRow = async (...[task, fields]: Parameters<Tasks["change"]>) => {
    const changed = await change(task, fields);
    restoreFocus();
    return changed;
  };
  const removeRow = async (task: Task) => {
    if (await remove(task)) {
      announce(`Deleted “${task.title}”.`);
      restoreFocus();
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
      {error && <Alert retry={load}>{error}</Alert>}
      {tasks && tasks.length > 0 && <Filters tasks={tasks} chosen={filter} choose={setFilter} />}
      {shown && shown.length > 0 && (
        <ul class="tasks">
          {shown.map((task) => (
            <Row key={task.id} task={task} change={changeRow} remove={removeRow} />
          ))}
        </ul>
      )}
      {shown?.length === 0 && <EmptyList filter={filter} none={tasks?.length === 0} />}
      {!tasks && !error && <p class="empty">Loading…</p>}
      <p class="hidden" role="status">
        {announcement}
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

/** The form for new tasks. It is empty as soon as a title is sent, so that the next title can be typed at once. */
function NewTask({ add }: { add: Tasks["add"] }) {
  const [title, setTitle] = useState("");
  const input = useRef<HTMLInputElement>(null);
  const inOrder = useInOrder();
  const submit = (event: Event) => {
    event.preventDefault();
    const sent = title.trim();
    if (!sent) {
      return;
    }
    setTitle("");
    input.current?.focus(); // the button, which may have the focus, is disabled while there is no title
    void inOrder(async () => {
      if (!(await add(sent))) {
        setTitle((typed) => typed || sent);
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
        ref={input}
        value={title}
        maxLength={TITLE_LENGTH}
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

/** A task, or the form to rename it. */
function Row({ task, change, remove }: RowProps) {
  const [editing, setEditing] = useState(false);
  const editButton = useRef<HTMLButtonElement>(null);
  const wasEditing = useRef(false);
  const once = useIgnoringRepeats();
  useLayoutEffect(() => {
    if (wasEditing.current && !editing) {
      editButton.current?.focus();
    }
    wasEditing.current = editing;
  }, [editing]);
  if (editing) {
    return <Editor task={task} change={change} close={() => setEditing(false)} />;
  }
  return (
    <li class={task.completed ? "task done" : "task"}>
      <label>
        <Checkbox task={task} change={change} />
        <span>{task.title}</span>
      </label>
      <span class="actions">
        <span class="number" title="What the assistant calls it">
          #{task.id}
        </span>
        <button
          type="button"
          class="quiet"
          ref={editButton}
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

/** The checkbox of a task. It shows what the user chose last while the backend is still working on it. */
function Checkbox({ task, change }: Pick<RowProps, "task" | "change">) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const inOrder = useInOrder();
  const choose = (completed: boolean) => {
    setChosen(completed);
    void inOrder(async () => {
      await change(task, { completed });
      setChosen((latest) => (latest === completed ? null : latest));
    });
  };
  return (
    <input
      type="checkbox"
      checked={chosen ?? task.completed}
      onChange={(event) => choose(event.currentTarget.checked)}
    />
  );
}

/**
 * The form to rename a task. Focus moves in layout effects, which run before the next key is handled: an effect after the
 * next frame would lose what is typed until then.
 */
function Editor({ task, change, close }: Pick<RowProps, "task" | "change"> & { close: () => void }) {
  const input = useRef<HTMLInputElement>(null);
  const once = useIgnoringRepeats();
  useLayoutEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  const submit = (event: Event) => {
    event.preventDefault();
    void once(async () => {
      const title = input.current?.value.trim() ?? "";
      const saved = !title || title === task.title || (await change(task, { title }));
      // The user may have closed the form or typed more meanwhile.
      if (saved && input.current?.value.trim() === title) {
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
          maxLength={TITLE_LENGTH}
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

function EmptyList({ filter, none }: { filter: Filter; none: boolean }) {
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
