import { useCallback, useEffect, useMemo, useState } from "preact/hooks";

import { Api } from "./api";
import { Chat } from "./chat";
import { Alert, Brand, Icon, Leave, useAttempt } from "./parts";
import type { Session, User } from "./session";
import { SignIn } from "./sign-in";
import { TaskList, useTasks } from "./tasks";

interface Props {
  readonly session: Session;
  /** Where the backend is. */
  readonly address: string;
  /** The frontend's own. */
  readonly version: string;
}

/** The page: the sign-in, or the app of who is signed in. */
export function App({ session, address, version }: Props) {
  const { trouble, attempt } = useAttempt();
  const [user, setUser] = useState<User | null>();
  const [why, setWhy] = useState("");
  const look = useCallback(() => attempt(async () => setUser(await session.user())), [session, attempt]);
  useEffect(() => void look(), [look]);
  const leave = useCallback(
    (sentence: string) => {
      session.forget();
      setWhy(sentence);
      setUser(null);
    },
    [session],
  );
  const enter = (who: User) => {
    setWhy("");
    setUser(who);
  };
  if (user === undefined) {
    return <main class="gate">{trouble ? <Alert retry={look}>{trouble}</Alert> : <p class="empty">Loading…</p>}</main>;
  }
  if (user === null) {
    return <SignIn session={session} why={why} enter={enter} />;
  }
  return (
    <Leave.Provider value={leave}>
      <Home key={user.id} user={user} session={session} address={address} version={version} />
    </Leave.Provider>
  );
}

type View = "tasks" | "chat";

/** Tasks and assistant: side by side where there is room, else one at a time. */
function Home({ user, session, address, version }: Props & { user: User }) {
  const api = useMemo(() => new Api(address, user.id, session), [address, user.id, session]);
  const tasks = useTasks(api);
  const [view, setView] = useState<View>("tasks");
  return (
    <div class="home">
      <Bar user={user} session={session} />
      <main class="panels" data-view={view}>
        <h1 class="hidden">Your tasks</h1>
        <TaskList {...tasks} />
        <Chat api={api} changed={tasks.load} />
      </main>
      <nav class="views" aria-label="View">
        <ViewButton view="tasks" chosen={view} choose={setView} />
        <ViewButton view="chat" chosen={view} choose={setView} />
      </nav>
      <Versions api={api} frontend={version} />
    </div>
  );
}

function Bar({ user, session }: { user: User; session: Session }) {
  const { trouble, attempt } = useAttempt();
  const signOut = () =>
    attempt(async () => {
      await session.signOut();
      location.reload(); // nothing of this user is left in the page
    });
  return (
    <header class="bar">
      <Brand />
      <span class="who" title={user.email}>
        <span class="avatar" aria-hidden="true">
          {[...user.name][0]?.toUpperCase()}
        </span>
        <span class="name">{user.name}</span>
        <button type="button" class="quiet" onClick={signOut}>
          <Icon name="leave" />
          Sign out
        </button>
      </span>
      {trouble && <Alert>{trouble}</Alert>}
    </header>
  );
}

interface ViewButtonProps {
  readonly view: View;
  readonly chosen: View;
  readonly choose: (view: View) => void;
}

function ViewButton({ view, chosen, choose }: ViewButtonProps) {
  return (
    <button type="button" aria-current={view === chosen ? "true" : undefined} onClick={() => choose(view)}>
      <Icon name={view === "tasks" ? "list" : "chat"} />
      {view === "tasks" ? "Tasks" : "Assistant"}
    </button>
  );
}

/** Which versions answer, so that an upgrade or a rollback can be seen. */
function Versions({ api, frontend }: { api: Api; frontend: string }) {
  const [backend, setBackend] = useState("…");
  useEffect(() => {
    api.version().then(setBackend, () => setBackend("does not answer"));
  }, [api]);
  return (
    <footer class="versions">
      frontend <code>{frontend}</code> · backend <code>{backend}</code>
    </footer>
  );
}
