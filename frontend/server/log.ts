/** Logs a line, which begins with its level. */
export type Log = (line: string) => void;
