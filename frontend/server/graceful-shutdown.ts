import type { EventEmitter } from "node:events";
import type { Server } from "node:http";

/** How long requests in flight may take after the drain. */
const FINISH_SECONDS = 15;

/** The state of the shutdown: set here, read by the readiness endpoint. */
export interface Shutdown {
  requested: boolean;
}

/**
 * Stop a server gracefully on SIGTERM or SIGINT.
 *
 * When a pod is deleted, Kubernetes sends SIGTERM and at the same time removes the pod from its Services. It can take
 * seconds until every node knows, and until then new connections arrive. So the server first fails readiness and accepts
 * requests for `drainSeconds` more, then accepts none and finishes those in flight. A second signal ends the drain.
 *
 * @returns A promise that is fulfilled when the last connection is closed.
 */
export function stopGracefully(
  server: Server,
  { shutdown, drainSeconds, signals }: { shutdown: Shutdown; drainSeconds: number; signals: EventEmitter },
): Promise<void> {
  return new Promise((resolve) => {
    let drain: NodeJS.Timeout | undefined;
    const close = () => {
      clearTimeout(drain);
      if (server.listening) {
        const idle = setInterval(() => server.closeIdleConnections(), 50); // those whose last response was just sent
        server.close(() => {
          clearInterval(idle);
          resolve();
        });
        setTimeout(() => server.closeAllConnections(), FINISH_SECONDS * 1000).unref();
      }
    };
    const stop = () => {
      if (shutdown.requested) {
        close();
        return;
      }
      shutdown.requested = true;
      drain = setTimeout(close, drainSeconds * 1000);
    };
    signals.on("SIGTERM", stop);
    signals.on("SIGINT", stop);
  });
}
