"""Counts visits in a file of its volume, over HTTP; says how it is over gRPC; burns CPU on request."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

VISITS = Path(os.environ.get("DATA", "/data"), "visits")
BURN_SECONDS = 0.05
LOCK = threading.Lock()


class Handler(BaseHTTPRequestHandler):
    """`/` returns the number of visits so far, `/visit` adds one, `/burn` uses CPU."""

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/burn":
            end = time.thread_time() + BURN_SECONDS
            while time.thread_time() < end:
                pass
        with LOCK:
            count = int(VISITS.read_text() or 0) if VISITS.exists() else 0
            if self.path == "/visit":
                count += 1
                VISITS.write_text(str(count))
        body = f"{count}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base's signature
        """Write nothing."""


def heartbeat() -> None:
    """What the sidecar does: write the time to the shared folder until it is asked to end."""
    while True:
        Path("/beat/time").write_text(str(time.time()))
        time.sleep(1)


def serve() -> None:
    """Serve HTTP on 8080 and gRPC health on 9090."""
    checks = health.HealthServicer()
    checks.set("", health_pb2.HealthCheckResponse.SERVING)
    server = grpc.server(ThreadPoolExecutor(2))
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    server.add_insecure_port("0.0.0.0:9090")
    server.start()
    ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()  # noqa: S104 - a pod's address


def main() -> None:
    """Run as the sidecar or as the server."""
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if sys.argv[1:] == ["sidecar"]:
        heartbeat()
    serve()


if __name__ == "__main__":
    main()
