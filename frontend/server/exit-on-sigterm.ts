/**
 * The handler of SIGTERM until the server is set up. main.ts imports this module before all others: the kernel delivers
 * no signal to process 1 of a container without a handler, and loading the other modules takes a while.
 */
export function exitAtOnce(): void {
  process.exit(0);
}

process.on("SIGTERM", exitAtOnce);
