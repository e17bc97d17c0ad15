import type { EventEmitter } from "node:events";
import type { Server } from "node:http";

/** How long requests in flight may take once no new ones are accepted. */
const FINISH_SECONDS = 15;

/** Whether the process is being stopped. */
export interface Life {
  stopping: boolean;
}

/**
 * Stop a server on SIGTERM or SIGINT so that no request is lost.
 *
 * Kubernetes takes a pod out of its Services while it sends SIGTERM, and nodes learn of that up to seconds later. So
 * readiness fails first, requests are served for a while longer, then no new ones are taken and those in flight are
 * finished. A second signal ends the wait.
 *
 * @returns When the last connection is closed.
 */
export function stopped(
  server: Server,
  { life, drainSeconds, signals }: { life: Life; drainSeconds: number; signals: EventEmitter },
): Promise<void> {
  return new Promise((resolve) => {
    let draining: NodeJS.Timeout | undefined;
    const close = () => {
      clearTimeout(draining);
      if (server.listening) {
        const idle = setInterval(() => server.closeIdleConnections(), 50); // each as its last response has gone
        server.close(() => {
          clearInterval(idle);
          resolve();
        });
        setTimeout(() => server.closeAllConnections(), FINISH_SECONDS * 1000).unref();
      }
    };
    const stop = () => {
      if (life.stopping) {
        close();
        return;
      }
      life.stopping = true;
      draining = setTimeout(close, drainSeconds * 1000);
    };
    signals.on("SIGTERM", stop);
    signals.on("SIGINT", stop);
  });
}
