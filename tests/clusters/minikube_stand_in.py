"""A stand-in for the program `minikube`, which cannot run in every place where the tests do. It is not Minikube.

It follows the documented output of `profile list`, `start --output=json` (CloudEvents lines), `image ls --format json`
and the others below, and keeps what it is told in state.json beside itself. Like the real one up to 1.38.1 it keeps an
older image, silently, when its tag is in use. What it answers to `start --help`, `config get` and `addons list` are the
words of the real program, built from sources later than 1.38.1. A test installs it as `minikube`, first on PATH.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

STATE = Path(__file__).with_name("state.json")
ADDRESS = "192.168.49.2"
DOCKER_IS_OFF = 69
DEFAULT, NEWEST = "v1.35.1", "v1.36.0"
ADDONS = ("dashboard", "default-storageclass", "ingress", "metrics-server", "storage-provisioner")

START_HELP = f"""\
Starts a local Kubernetes cluster

Options:
    --keep-context=false:
\tThis will keep the existing kubectl context and will create a minikube context.

    --kubernetes-version='':
\tThe Kubernetes version that the minikube VM will use (ex: v1.2.3, 'stable' for {DEFAULT}, 'latest' for {NEWEST}). \
Defaults to 'stable'.

    --kvm-gpu=false:
\tEnable experimental NVIDIA GPU support in minikube
"""
"""A part of what the real program prints, word for word but for the versions: it says v1.36.2 for both."""

NO_SUCH_KEY = 14
"""What the real program ends with where `config get` finds nothing."""


def main(argv: Sequence[str]) -> int:
    """Do what the arguments say, and write down that they were given."""
    state: dict[str, Any] = json.loads(STATE.read_text(encoding="utf-8"))
    state["calls"].append([*argv, os.environ.get("KUBECONFIG", "")])
    words = [word for word in argv if not word.startswith("-")]
    if argv[:2] == ["start", "--help"]:
        words = ["help"]
    options = dict(word.removeprefix("--").split("=", 1) for word in argv if word.startswith("--") and "=" in word)
    code = COMMANDS[" ".join(words[:2]) if words[0] in {"profile", "image", "addons", "config"} else words[0]](
        state, words, options
    )
    STATE.write_text(json.dumps(state), encoding="utf-8")
    return code


def say(text: str) -> None:
    """Write a line."""
    sys.stdout.write(f"{text}\n")


def profile_list(state: dict[str, Any], _words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Show the profiles."""
    say(json.dumps({"invalid": [], "valid": [profile for profile in (state["profile"],) if profile]}))
    return 0


def start(state: dict[str, Any], _words: Sequence[str], options: Mapping[str, str]) -> int:
    """Start the profile, or fail as where Docker does not run."""
    event("step", {"currentstep": "0", "message": "minikube v1.38.1 on Debian 12", "totalsteps": "19"})
    if state["broken"]:
        event("error", {"message": "Docker is not running", "advice": "Start it", "exitcode": str(DOCKER_IS_OFF)})
        return DOCKER_IS_OFF
    event("step", {"currentstep": "19", "message": "Done!", "totalsteps": "19"})
    wanted = [name for name in options.get("addons", "").split(",") if name in ADDONS]
    config = {
        "CPUs": int(options["cpus"]),
        "Memory": int(options["memory"].removesuffix("mb")),
        "Driver": options["driver"],
        "KubernetesConfig": {"KubernetesVersion": options.get("kubernetes-version", DEFAULT)},
        "Addons": {"default-storageclass": True, "dashboard": False, **dict.fromkeys(wanted, True)},
    }
    state["profile"] = {"Name": options["profile"], "Status": "OK", "Config": config}
    return update_context(state, (), options)


def start_help(_state: dict[str, Any], _words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Show the options of `start`."""
    sys.stdout.write(START_HELP)
    return 0


def config_get(state: dict[str, Any], words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Show a value of the user's configuration; without one it fails, as the real program does."""
    if value := state["config"].get(words[2]):
        say(value)
        return 0
    sys.stderr.write("Error: specified key could not be found in config\n")
    return NO_SUCH_KEY


def addons_list(state: dict[str, Any], _words: Sequence[str], options: Mapping[str, str]) -> int:
    """Show the addons; without a profile the real program knows nothing of them but their names."""
    facts = {"Profile": options["profile"], "Status": "disabled"} if state["profile"] else {}
    say(json.dumps(dict.fromkeys(ADDONS, facts)))
    return 0


def addons_enable(state: dict[str, Any], words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Enable an addon."""
    state["profile"]["Config"]["Addons"][words[2]] = True
    return 0


def event(kind: str, data: Mapping[str, str]) -> None:
    """Write a CloudEvents line."""
    say(json.dumps({"specversion": "1.0", "type": f"io.k8s.sigs.minikube.{kind}", "data": data}))


def stop(state: dict[str, Any], _words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Stop the profile."""
    state["profile"]["Status"] = "Stopped"
    return 0


def delete(state: dict[str, Any], _words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Delete the profile."""
    state["profile"] = None
    return 0


def update_context(_state: dict[str, Any], _words: Sequence[str], options: Mapping[str, str]) -> int:
    """Write the context where KUBECONFIG says."""
    Path(os.environ["KUBECONFIG"]).write_text(f"current-context: {options['profile']}\n", encoding="utf-8")
    return 0


def ip(_state: dict[str, Any], _words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Show the node's address."""
    say(ADDRESS)
    return 0


def image_ls(state: dict[str, Any], _words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Show the node's images; ids come without the name of their algorithm."""
    images = [
        {
            "id": digest.removeprefix("sha256:"),
            "repoDigests": [],
            "repoTags": [f"docker.io/library/{name}"],
            "size": "1",
        }
        for name, digest in state["node"].items()
    ]
    say(json.dumps(images))
    return 0


def image_load(state: dict[str, Any], words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Take an image from the engine, unless the name is in use."""
    name = words[2]
    if name not in state["in_use"]:
        state["node"][name] = state["engine"][name]
    return 0


def image_rm(state: dict[str, Any], words: Sequence[str], _options: Mapping[str, str]) -> int:
    """Remove an image."""
    del state["node"][words[2].removeprefix("docker.io/library/")]
    return 0


Command = Callable[[dict[str, Any], Sequence[str], Mapping[str, str]], int]
COMMANDS: Mapping[str, Command] = {
    "profile list": profile_list,
    "start": start,
    "help": start_help,
    "config get": config_get,
    "addons list": addons_list,
    "addons enable": addons_enable,
    "stop": stop,
    "delete": delete,
    "update-context": update_context,
    "ip": ip,
    "image ls": image_ls,
    "image load": image_load,
    "image rm": image_rm,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
