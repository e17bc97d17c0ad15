"""Health check of the container for `docker run`; Kubernetes has its own probes. Run as a script, not as a module.

The exit code is 0 if the service on PORT is alive.
"""

import http.client
import os
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(os.environ["PORT"]), timeout=2)
connection.request("GET", "/health")
sys.exit(connection.getresponse().status != http.HTTPStatus.OK)
