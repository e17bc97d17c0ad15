"""An API server of one namespace, in memory: objects with their versions, Helm's Secrets, and what goes wrong."""

from __future__ import annotations

import base64
import copy
import gzip
import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from dockyard.model.errors import ApiRefusedError, ApiSilentError
from dockyard.releases.causes import Object
from dockyard.tools.kubernetes import RESOURCES, Api

SILENT = ApiSilentError("127.0.0.1:16443", "Connection refused")


def pack(content: object) -> str:
    """Return what Helm's Secret has as its `release`: gzip and base64 by Helm, base64 again by the API."""
    inner = base64.b64encode(gzip.compress(json.dumps(content).encode()))
    return base64.b64encode(inner).decode()


def packed_plain(content: object) -> str:
    """Return the same without gzip."""
    return base64.b64encode(base64.b64encode(json.dumps(content).encode())).decode()


def release_secret(release: str, number: int, packed: str) -> Object:
    """Return the Secret in which Helm keeps a revision."""
    return {
        "kind": "Secret",
        "type": "helm.sh/release.v1",
        "metadata": {
            "name": f"sh.helm.release.v1.{release}.v{number}",
            "uid": f"uid-{release}-{number}",
            "labels": {"name": release, "owner": "helm", "version": str(number)},
        },
        "data": {"release": packed},
    }


class Server(Api):
    """The server.

    Attributes:
        objects: What it holds, by kind and name.
        asked: What it was asked, in order.
        troubles: Raised by the next questions, one each, instead of an answer; None answers.
        lines: Logs, by pod, container and whether they are of the run before.
        elsewhere: What it answers on other paths.
        between: Called before each change, with the method: somebody else may be quicker.
    """

    def __init__(self) -> None:
        self.namespace = "default"
        self.objects: dict[tuple[str, str], Object] = {}
        self.asked: list[str] = []
        self.troubles: list[Exception | None] = []
        self.lines: dict[tuple[str, str, bool], str] = {}
        self.elsewhere: dict[str, Object] = {}
        self.between: Callable[[str], None] = lambda _: None
        self._mutex = threading.RLock()
        self._version = 0

    def hold(self, *entries: Object) -> None:
        """Have objects, whatever was there under their names."""
        for entry in entries:
            with self._mutex:
                self._version += 1
                kept = copy.deepcopy(entry)
                kept["metadata"].setdefault("uid", f"uid-{self._version}")
                kept["metadata"]["resourceVersion"] = str(self._version)
                self.objects[entry["kind"], entry["metadata"]["name"]] = kept

    def drop(self, kind: str, name: str) -> None:
        """Have an object no more."""
        self.objects.pop((kind, name), None)

    def list(self, kind: str, *, labels: str = "", fields: str = "") -> tuple[Object, ...]:
        """Return the objects of a kind with those labels; of fields, `type` is known."""
        self._ask(" ".join(("list", kind, *filter(None, (labels, fields)))))
        wanted = dict(pair.split("=") for pair in labels.split(",") if pair)
        with self._mutex:
            return tuple(
                copy.deepcopy(entry)
                for (there, _), entry in self.objects.items()
                if there == kind and wanted.items() <= (entry["metadata"].get("labels") or {}).items()
                if _has_type(entry, fields)
            )

    def get(self, kind: str, name: str) -> Object | None:
        """Return an object, or None."""
        self._ask(f"get {kind} {name}")
        with self._mutex:
            return copy.deepcopy(self.objects.get((kind, name)))

    def create(self, kind: str, body: Object) -> Object:
        """Make an object, unless its name is taken."""
        self._ask(f"create {kind} {body['metadata']['name']}")
        self.between("create")
        with self._mutex:
            if (kind, body["metadata"]["name"]) in self.objects:
                raise ApiRefusedError(409, "AlreadyExists", "it is there already")
            self.hold({"kind": kind, **body})
        return body

    def replace(self, kind: str, body: Object) -> Object:
        """Replace an object, if its version is that of the body."""
        name = body["metadata"]["name"]
        self._ask(f"replace {kind} {name}")
        self.between("replace")
        with self._mutex:
            there = self.objects.get((kind, name))
            if there is None:
                raise ApiRefusedError(404, "NotFound", name)
            wanted = body["metadata"].get("resourceVersion")
            if wanted and wanted != there["metadata"]["resourceVersion"]:
                raise ApiRefusedError(409, "Conflict", "the object has been modified")
            self.hold({"kind": kind, **body, "metadata": {**body["metadata"], "uid": there["metadata"]["uid"]}})
        return body

    def merge(self, kind: str, name: str, patch: Object) -> Object:
        """Change members of an object; null removes one."""
        self._ask(f"merge {kind} {name}")
        with self._mutex:
            there = self.objects.get((kind, name))
            if there is None:
                raise ApiRefusedError(404, "NotFound", name)
            self.hold(_merged(there, patch))
            return self.objects[kind, name]

    def delete(self, kind: str, name: str, *, uid: str = "", version: str = "") -> bool:
        """Delete an object, if it is still that one."""
        self._ask(f"delete {kind} {name}")
        self.between("delete")
        with self._mutex:
            there = self.objects.get((kind, name))
            if there is None or (uid and there["metadata"]["uid"] != uid):
                return False
            if version and there["metadata"]["resourceVersion"] != version:
                return False
            del self.objects[kind, name]
        return True

    def logs(self, pod: str, *, tail: int, container: str = "", previous: bool = False) -> str:
        """Return the lines that were prepared."""
        self._ask(f"logs {pod} {tail}")
        return self.lines.get((pod, container, previous), "")

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,  # noqa: ARG002 - the real one's signature, here and below
        body: Object | None = None,  # noqa: ARG002
        content_type: str = "application/json",  # noqa: ARG002
    ) -> Object:
        """Answer what was prepared."""
        self._ask(f"{method} {path}")
        return self.elsewhere[path]

    def ready(self) -> bool:
        """Tell whether the next question would be answered."""
        try:
            self._ask("ready")
        except (ApiSilentError, ApiRefusedError):
            return False
        return True

    def _ask(self, what: str) -> None:
        assert what.split(maxsplit=1)[0] in {"GET", "ready"} or what.split()[1] in RESOURCES or what.startswith("logs ")
        with self._mutex:
            self.asked.append(what)
            trouble = self.troubles.pop(0) if self.troubles else None
        if trouble is not None:
            raise trouble


def _has_type(entry: Object, fields: str) -> bool:
    name, sign, wanted = fields.partition("!=") if "!=" in fields else fields.partition("=")
    return name != "type" or (entry.get("type") == wanted) is (sign == "=")


def _merged(there: Any, patch: Any) -> Any:  # noqa: ANN401 - RFC 7396 on JSON
    if not isinstance(patch, dict):
        return patch
    kept = dict(there) if isinstance(there, dict) else {}
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = _merged(kept.get(key), value)
    return kept
