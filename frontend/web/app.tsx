import { useCallback, useEffect, useMemo, useState } from "preact/hooks";

import { SessionExpired, useAttempt } from "./actions";
import { Api } from "./api";
import { Chat } from "./chat";
import { Alert, Brand, Icon } from "./components";
import type { Session, User } from "./session";
import { SignIn } from "./sign-in";
import { TaskList, useTasks } from "./tasks";

interface Props {
  readonly session: Session;
  /** URL of the backend. */
  readonly address: string;
  /** Version of the frontend. */
  readonly version: string;
}

/** The page: the sign-in form, or the app of the signed-in user. */
export function App({ session, address, version }: Props) {
  const { error, attempt } = useAttempt();
  const [user, setUser] = useState<User | null>();
  const [reason, setReason] = useState("");
  const loadUser = useCallback(() => attempt(async () => setUser(await session.user())), [session, attempt]);
  useEffect(() => void loadUser(), [loadUser]);
  const sessionExpired = useCallback(
    (message: string) => {
      session.forget();
      setReason(message);
      setUser(null);
    },
    [session],
  );
  const signedIn = (signedInUser: User) => {
    setReason("");
    setUser(signedInUser);
  };
  if (user === undefined) {
    return (
      <main class="centered">{error ? <Alert retry={loadUser}>{error}</Alert> : <p class="empty">Loading…</p>}</main>
    );
  }
  if (user === null) {
    return <SignIn session={session} reason={reason} signedIn={signedIn} />;
  }
  return (
    <SessionExpired.Provider value={sessionExpired}>
      <Home key={user.id} user={user} session={session} address={address} version={version} />
    </SessionExpired.Provider>
  );
}

type View = "tasks" | "chat";

/** Tasks and assistant: side by side on a wide screen, one at a time on a narrow one. */
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
        <Chat api={api} tasksChanged={tasks.load} />
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
  const { error, attempt } = useAttempt();
  const signOut = () =>
    attempt(async () => {
      await session.signOut();
      location.reload(); // so that the page keeps no data of this user
    });
  return (
    <header class="bar">
      <Brand />
      <span class="account" title={user.email}>
        <span class="avatar" aria-hidden="true">
          {[...user.name][0]?.toUpperCase()}
        </span>
        <span class="name">{user.name}</span>
        <button type="button" class="quiet" onClick={signOut}>
          <Icon name="leave" />
          Sign out
        </button>
      </span>
      {error && <Alert>{error}</Alert>}
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

/** The versions that are running, so that an upgrade or a rollback can be seen. */
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
