import { useState } from "preact/hooks";

import { useAttempt, useIgnoringRepeats } from "./actions";
import { Alert, Brand } from "./components";
import type { Session, User } from "./session";

interface Props {
  readonly session: Session;
  /** Why the user has to sign in again; empty otherwise. */
  readonly reason: string;
  readonly signedIn: (user: User) => void;
}

/** The form to sign in or to create an account. It is one form, so what was typed stays when the user switches. */
export function SignIn({ session, reason, signedIn }: Props) {
  const { error, attempt, clear } = useAttempt();
  const once = useIgnoringRepeats();
  const [creating, setCreating] = useState(false);
  const [busy, setBusy] = useState(false);
  const switchForm = () => {
    clear();
    setCreating(!creating);
  };
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const [name = "", email = "", password = ""] = ["name", "email", "password"].map((field) =>
      String(fields.get(field) ?? ""),
    );
    void once(async () => {
      setBusy(true);
      await attempt(async () =>
        signedIn(
          creating
            ? await session.signUp(name.trim(), email.trim(), password)
            : await session.signIn(email.trim(), password),
        ),
      );
      setBusy(false);
    });
  };
  return (
    <div class="centered">
      <main class="card">
        <Brand />
        <h1>{creating ? "Create your account" : "Welcome back"}</h1>
        <p class="lead">
          {creating ? "A list of your own, and an assistant that keeps it for you." : "Sign in to get to your tasks."}
        </p>
        {(error || reason) && <Alert>{error || reason}</Alert>}
        <form class="fields" onSubmit={submit}>
          {creating && (
            <p class="field">
              <label for="name">Name</label>
              <input id="name" name="name" autocomplete="name" maxLength={100} required />
            </p>
          )}
          <p class="field">
            <label for="email">E-mail address</label>
            <input id="email" name="email" type="email" autocomplete="username" maxLength={200} required />
          </p>
          <Password creating={creating} />
          {/* Not disabled while busy: a disabled button would lose the focus. */}
          <button class="main" aria-busy={busy}>
            {creating ? "Create account" : "Sign in"}
          </button>
        </form>
        <p class="other">
          {creating ? "Already have an account?" : "No account yet?"}{" "}
          <button type="button" class="link" onClick={switchForm}>
            {creating ? "Sign in" : "Create one"}
          </button>
        </p>
      </main>
    </div>
  );
}

function Password({ creating }: { creating: boolean }) {
  const [shown, setShown] = useState(false);
  const input = {
    id: "password",
    name: "password",
    autocomplete: creating ? "new-password" : "current-password",
    maxLength: 128,
    required: true,
    ...(creating && { minLength: 8, "aria-describedby": "password-rule" }),
  };
  return (
    <p class="field">
      <label for="password">Password</label>
      <span class="with-button">
        {shown ? <input type="text" {...input} /> : <input type="password" {...input} />}
        <button type="button" class="quiet" aria-pressed={shown} onClick={() => setShown(!shown)}>
          {shown ? "Hide" : "Show"}
        </button>
      </span>
      {creating && (
        <small id="password-rule">At least 8 characters. A sentence that only you would write is a good one.</small>
      )}
    </p>
  );
}
