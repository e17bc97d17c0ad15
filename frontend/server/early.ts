/**
 * Imported before all else: the kernel gives process 1 of a container no signal that it has no handler for, and what
 * the program is made of takes a while to load. The handler is taken off when the one that loses no request is there.
 */
export function leave(): void {
  process.exit(0);
}

process.on("SIGTERM", leave);
