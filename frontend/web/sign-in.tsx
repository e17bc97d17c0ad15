import { useState } from "preact/hooks";

import { Alert, Brand, useAttempt } from "./parts";
import type { Session, User } from "./session";

interface Props {
  readonly session: Session;
  /** Why the sign-in is shown, where the user did not ask for it. */
  readonly why: string;
  readonly enter: (user: User) => void;
}

/** Signing in, and making an account: one form, since what was typed holds for both. */
export function SignIn({ session, why, enter }: Props) {
  const { trouble, attempt, clear } = useAttempt();
  const [anew, setAnew] = useState(false);
  const [busy, setBusy] = useState(false);
  const turn = () => {
    clear();
    setAnew(!anew);
  };
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const typed = new FormData(event.currentTarget as HTMLFormElement);
    const [name = "", email = "", password = ""] = ["name", "email", "password"].map((field) =>
      String(typed.get(field) ?? ""),
    );
    setBusy(true);
    await attempt(async () =>
      enter(
        anew ? await session.signUp(name.trim(), email.trim(), password) : await session.signIn(email.trim(), password),
      ),
    );
    setBusy(false);
  };
  return (
    <div class="gate">
      <main class="card">
        <Brand />
        <h1>{anew ? "Create your account" : "Welcome back"}</h1>
        <p class="lead">
          {anew ? "A list of your own, and an assistant that keeps it for you." : "Sign in to get to your tasks."}
        </p>
        {(trouble || why) && <Alert>{trouble || why}</Alert>}
        <form class="fields" onSubmit={submit}>
          {anew && (
            <p class="field">
              <label for="name">Name</label>
              <input id="name" name="name" autocomplete="name" maxLength={100} required />
            </p>
          )}
          <p class="field">
            <label for="email">E-mail address</label>
            <input id="email" name="email" type="email" autocomplete="username" maxLength={200} required />
          </p>
          <Password anew={anew} />
          <button class="main" aria-busy={busy} disabled={busy}>
            {anew ? "Create account" : "Sign in"}
          </button>
        </form>
        <p class="other">
          {anew ? "You have an account?" : "No account yet?"}{" "}
          <button type="button" class="link" onClick={turn}>
            {anew ? "Sign in" : "Create one"}
          </button>
        </p>
      </main>
    </div>
  );
}

function Password({ anew }: { anew: boolean }) {
  const [shown, setShown] = useState(false);
  const input = {
    id: "password",
    name: "password",
    autocomplete: anew ? "new-password" : "current-password",
    maxLength: 128,
    required: true,
    ...(anew && { minLength: 8, "aria-describedby": "password-rule" }),
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
      {anew && (
        <small id="password-rule">At least 8 characters. A sentence that only you would write is a good one.</small>
      )}
    </p>
  );
}
