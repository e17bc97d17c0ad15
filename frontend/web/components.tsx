import type { ComponentChildren } from "preact";

/** An error message, which screen readers announce when it appears, and optionally a button to try again. */
export function Alert({ children, retry }: { children: ComponentChildren; retry?: () => void }) {
  return (
    <p role="alert" class="alert">
      <Icon name="alert" />
      <span>{children}</span>
      {retry && (
        <button type="button" class="quiet" onClick={retry}>
          Try again
        </button>
      )}
    </p>
  );
}

const PATHS = {
  alert: "M12 8v5m0 3.5v.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  chat: "M5 5h14a1 1 0 0 1 1 1v9a1 1 0 0 1-1 1h-6l-5 4v-4H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1",
  close: "M6 6l12 12M18 6L6 18",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  leave: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  list: "M9 6h11M9 12h11M9 18h11M4.5 6v.01M4.5 12v.01M4.5 18v.01",
  plus: "M12 5v14M5 12h14",
  send: "M12 19V5M6 11l6-6 6 6",
  spark: "M12 3l2.2 6.8L21 12l-6.8 2.2L12 21l-2.2-6.8L3 12l6.8-2.2z",
  tool: "M14 6a4 4 0 0 0 5 5l-9 9-4-4 9-9a4 4 0 0 0-1-1",
  trash: "M5 7h14M10 4h4M7 7l1 13h8l1-13M10 11v5M14 11v5",
} as const;

/** A decoration next to a text, or in a button with a label: hidden from screen readers. */
export function Icon({ name }: { name: keyof typeof PATHS }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The app's logo and name. */
export function Brand() {
  return (
    <span class="brand">
      <img src="/favicon.svg" alt="" width="32" height="32" />
      AI Todo
    </span>
  );
}
