"""Logs as one JSON object per line, with the id of the request that a line belongs to."""

import json
import logging
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

REQUEST_ID = ContextVar("request_id", default="")
"""The id of the current request; empty outside of requests."""


class JsonFormatter(logging.Formatter):
    """Formats a record as a JSON object: time (UTC), level, logger, message, request id and `extra["facts"]`."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record. A traceback becomes a single string."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id := REQUEST_ID.get():
            line["request_id"] = request_id
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def logging_config(level: str) -> dict[str, Any]:
    """Return the configuration for logging.config.dictConfig: JSON lines on standard output."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"}},
        # The HTTP client logs every request at level info, with less information than our own log.
        "loggers": {"httpx2": {"level": "WARNING"}},
        "root": {"handlers": ["out"], "level": level.upper()},
    }
