import { createContext } from "preact";
import { useCallback, useContext, useMemo, useState } from "preact/hooks";

import { DisplayError, SessionExpiredError } from "./errors";

/** Shown for an unexpected error; the browser's console has the details. */
export const UNEXPECTED = "Something went wrong. Please try again.";

/** What to do when the session has expired: show the sign-in form with this message. */
export const SessionExpired = createContext<(message: string) => void>(() => undefined);

export type Action = () => Promise<unknown>;

/** Create a function that runs an action unless its previous one is still running: a double click counts once. */
export function ignoringRepeats(): (action: Action) => Promise<void> {
  let running = false;
  return async (action) => {
    if (!running) {
      running = true;
      await action().finally(() => (running = false));
    }
  };
}

/** Create a function that runs actions one after another, in the order of the calls. */
export function inOrder(): (action: Action) => Promise<unknown> {
  let last: Promise<unknown> = Promise.resolve();
  return (action) => (last = last.then(action, action));
}

/** `ignoringRepeats` for the lifetime of a component. Unlike a state it takes effect before the next rendering. */
export function useIgnoringRepeats() {
  return useMemo(ignoringRepeats, []);
}

/** `inOrder` for the lifetime of a component. */
export function useInOrder() {
  return useMemo(inOrder, []);
}

/** Run actions that may fail; `error` is the message of the last one's error. */
export function useAttempt() {
  const sessionExpired = useContext(SessionExpired);
  const [error, setError] = useState("");
  const attempt = useCallback(
    /** Returns whether the action succeeded. */
    async (action: Action): Promise<boolean> => {
      try {
        await action();
        setError("");
        return true;
      } catch (failure) {
        if (failure instanceof SessionExpiredError) {
          sessionExpired(failure.message);
        } else if (failure instanceof DisplayError) {
          setError(failure.message);
        } else {
          console.error(failure);
          setError(UNEXPECTED);
        }
        return false;
      }
    },
    [sessionExpired],
  );
  return { error, attempt, clear: () => setError("") };
}
