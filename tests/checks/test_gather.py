"""What checks look at: real charts, rendered by real Helms."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dockyard import config
from dockyard.checks import gather as module
from dockyard.checks.catalogue import run_checks
from dockyard.checks.gather import SAMPLE_TAG, gather
from dockyard.checks.subject import ReleaseSubject, Subject
from dockyard.model.errors import ToolFailedError, ToolMissingError, ToolTimeoutError
from dockyard.model.project import Project
from dockyard.model.redaction import Redactor
from dockyard.tools.helm import Helm
from dockyard.tools.process import Completed
from tests.fakes import FakeHelm, fake_workspace

ROOT = Path(__file__).parents[2]
CHARTS = "tests/checks/charts"

EXAMPLES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "sound": ({"values": [f"{CHARTS}/level.yaml"]}, set()),
    "fails": ({}, {"DY002"}),
    "broken": ({}, {"DY002"}),
    "no-object": ({}, {"DY002"}),
    "laughs": ({}, {"DY002"}),
    "missing": ({}, {"DY002"}),
    "lint-error": ({}, {"DY003"}),
    "lint-as-installed": ({"values": [f"{CHARTS}/level.yaml"], "config": {"MODE": "quiet"}}, set()),
    "lint-warning": ({}, {"DY004"}),
    "random": ({}, {"DY005"}),
    "clock": ({}, {"DY005"}),
    "elsewhere": ({}, {"DY006"}),
    "written": ({}, {"DY007"}),
    "unread-file": ({"chart": "sound", "values": [f"{CHARTS}/same.yaml"]}, {"DY008"}),
    "unread-key": ({"chart": "sound", "values": [f"{CHARTS}/misspelt.yaml"]}, {"DY009"}),
    "unread-config": ({"chart": "sound", "config": {"A": "b"}}, {"DY009"}),
    "no-version": ({}, {"DY010"}),
    "other-version": ({"chart": "sound", "image": "web"}, {"DY011", "DY012"}),
    "twice": ({}, {"DY013"}),
    "tag": ({"chart": "sound", "values": [f"{CHARTS}/tag.yaml"]}, {"DY001"}),
    "laughing-values": ({"chart": "sound", "values": [f"{CHARTS}/laughs.yaml"]}, {"DY001"}),
    "no-values": ({"chart": "sound", "values": [f"{CHARTS}/none.yaml"]}, {"DY001"}),
    "values-are-a-folder": ({"chart": "sound", "values": [f"{CHARTS}/sound"]}, {"DY001"}),
    "values-are-text": ({"chart": "sound", "values": [f"{CHARTS}/sound/templates/configmap.yaml"]}, {"DY001"}),
}
"""By release: its keys in dockyard.yaml, and the ids of what is found."""

IMAGE = {"baseImage": "scratch", "buildContext": f"{CHARTS}/sound", "dockerfile": "dockerfiles/backend.Dockerfile"}


def project(**releases: Any) -> Project:  # noqa: ANN401 - what dockyard.yaml may have
    """Return a project of example charts."""
    described = {name: {**keys, "chart": f"{CHARTS}/{keys.get('chart', name)}"} for name, keys in releases.items()}
    return Project.model_validate({"name": "examples", "images": {"web": IMAGE}, "releases": described})


def look(helm: Helm, of: Project, root: Path = ROOT, **facts: Any) -> Subject:  # noqa: ANN401 - gather's own
    """Gather what checks look at."""
    return gather(of, root=root, helm=helm, **{"secrets": {}, "kubernetes_version": "v1.28.3", **facts})


def alone(helm: Helm, root: Path, **keys: Any) -> ReleaseSubject:  # noqa: ANN401 - what dockyard.yaml may have
    """Gather one release of a chart in another folder."""
    described = {"name": "examples", "releases": {"web": {"chart": "web", **keys}}}
    (release,) = look(helm, Project.model_validate(described), root).releases
    return release


def chart(root: Path, template: str = "", **files: str) -> Path:
    """Write a chart and return its folder."""
    folder = root / "web"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: web\nversion: 1.0.0\nappVersion: 1.0.0\n")
    (folder / "templates" / "a.yaml").write_text(template or "kind: ConfigMap\nmetadata: {name: web}\n")
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def examples(helm: Helm) -> Subject:
    """Return all example charts, gathered once with each Helm."""
    return look(helm, project(**{name: keys for name, (keys, _) in EXAMPLES.items()}))


@pytest.mark.process
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_chart_has_its_findings(examples: Subject, name: str) -> None:
    """And no others; each knows its release, also where several share a chart."""
    of_charts = [found for found in run_checks(examples, without={}) if found.check < "DY100"]
    assert {found.check for found in of_charts if found.release == name} == EXAMPLES[name][1]


def test_every_example_chart_is_used() -> None:
    """A folder that no release names tests nothing."""
    folders = {path.parent.name for path in (ROOT / CHARTS).glob("*/Chart.yaml")}
    assert folders <= {keys.get("chart", name) for name, (keys, _) in EXAMPLES.items()}


@pytest.mark.process
def test_this_project_has_no_findings(helm: Helm) -> None:
    """Our own charts, images and dockyard.yaml, with secrets as `setup` makes them."""
    secrets = {"DATABASE_URL": "postgresql://todo:x7Gk2pQ9mR4tZ8wB@db:5432/todo", "BETTER_AUTH_SECRET": "x7Gk2pQ9" * 5}
    assert run_checks(look(helm, config.load(ROOT), secrets=secrets), without={}) == ()


@pytest.mark.process
def test_a_secret_that_dockyard_writes_is_there_for_the_checks(helm: Helm) -> None:
    """The chart makes none and nothing is missed: not the object, not its keys, not the checksum that follows it."""
    ours = config.load(ROOT)
    releases = {
        name: spec.model_copy(update={"existing_secret": f"ai-todo-{name}-secrets"})
        for name, spec in ours.releases.items()
    }
    secrets = {"DATABASE_URL": "postgresql://todo:x7Gk2pQ9mR4tZ8wB@db:5432/todo", "BETTER_AUTH_SECRET": "x7Gk2pQ9" * 5}
    seen = look(helm, ours.model_copy(update={"releases": releases}), secrets=secrets)
    assert run_checks(seen, without={}) == ()
    assert {name.name for one in seen.releases for name in one.manifests.objects if name.kind == "Secret"} == {
        f"ai-todo-{name}-secrets" for name in releases
    }


@pytest.mark.process
def test_charts_render_without_the_secrets_that_a_deploy_would_refuse_to_start_without(helm: Helm) -> None:
    """They get samples, the development database's included; optional ones stay empty, as in a deploy."""
    seen = look(helm, config.load(ROOT))
    assert seen.is_whole
    assert seen.secrets == {}


@pytest.mark.process
def test_a_release_is_rendered_with_what_a_deploy_adds(helm: Helm, tmp_path: Path) -> None:
    """Image, namespace and the version of the cluster; a known reference wins over the sample tag."""
    added = (".Values.image.repository", ".Values.image.tag", ".Release.Namespace", ".Capabilities.KubeVersion")
    text = " ".join(f"{{{{ {name} }}}}" for name in added)
    chart(tmp_path, f"kind: ConfigMap\nmetadata: {{name: web}}\ndata: {{a: '{text}'}}\n")
    described = {
        "name": "examples",
        "cluster": {"namespace": "todo"},
        "images": {"web": {"baseImage": "scratch", "buildContext": "web", "dockerfile": "none"}},
        "releases": {"web": {"chart": "web", "image": "web"}},
    }
    of = Project.model_validate(described)
    for references, tag in (({}, SAMPLE_TAG), ({"web": "web:1.2.3"}, "1.2.3")):
        (release,) = look(helm, of, tmp_path, references=references).releases
        (made,) = release.manifests.of_kind("ConfigMap")
        assert made["data"]["a"] == f"web {tag} todo v1.28.3"
        assert release.tag == tag


@pytest.mark.process
def test_a_chart_for_newer_clusters_does_not_render(helm: Helm, tmp_path: Path) -> None:
    """Helm would refuse it on the cluster."""
    with (chart(tmp_path) / "Chart.yaml").open("a") as file:
        file.write('kubeVersion: ">=1.30.0"\n')
    assert "incompatible with Kubernetes v1.28.3" in alone(helm, tmp_path).failure


SCALER = """\
{{- if semverCompare ">=1.34-0" .Capabilities.KubeVersion.Version }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec: {scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, maxReplicas: 3}
{{- else }}
apiVersion: autoscaling/v2beta2
kind: HorizontalPodAutoscaler
metadata: {name: web}
{{- end }}
"""


@pytest.mark.process
@pytest.mark.parametrize(("version", "found"), [("v1.34.4", []), ("v1.33.9", ["DY702"])])
def test_the_version_is_that_of_the_target_cluster(helm: Helm, tmp_path: Path, version: str, found: list[str]) -> None:
    """Templates see the version that the cluster reports, and what they render is checked against it."""
    chart(tmp_path, SCALER)
    workspace = fake_workspace(tmp_path, {"releases": {"web": {"chart": "web"}}})
    workspace.cluster.version = version
    programs = {"helm": Path(helm._program)}  # noqa: SLF001 - the program under test
    subject = module.look(replace(workspace, programs=programs))
    assert (subject.kubernetes_version, subject.provider) == (version, "embedded")
    assert [one.check for one in run_checks(subject, without={}, only=["DY701", "DY702", "DY703"])] == found


@pytest.mark.process
def test_a_known_version_is_not_asked_for(helm: Helm, tmp_path: Path) -> None:
    """A deploy knows what it sends to; one that nobody knows is unknown, and no error."""
    chart(tmp_path)
    workspace = fake_workspace(tmp_path, {"releases": {"web": {"chart": "web"}}})
    workspace.cluster.version = ""  # whoever asks is told nothing
    programs = {"helm": Path(helm._program)}  # noqa: SLF001 - the program under test
    subject = module.look(replace(workspace, programs=programs), kubernetes_version="v1.31.0")
    assert subject.kubernetes_version == "v1.31.0"
    assert module.look(replace(workspace, programs=programs)).kubernetes_version == ""


@pytest.mark.process
def test_keys_that_text_does_not_show_are_not_called_unread(helm: Helm, tmp_path: Path) -> None:
    """They are read through a variable: the rendering without them differs."""
    template = (
        '{{- $all := get . "Values" }}\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: {{ $all.level | quote }}}\n'
    )
    chart(tmp_path, template)
    (tmp_path / "ci.yaml").write_text("level: info\n")
    release = alone(helm, tmp_path, values=["ci.yaml"])
    assert (release.unread, release.unread_keys) == ((), {})


@pytest.mark.process
@pytest.mark.parametrize("value", ["hunter2", "correct  hunter2   battery", "correct\n\n  hunter2\nbattery"])
def test_a_secret_in_an_error_of_a_template_is_not_repeated(helm: Helm, tmp_path: Path, value: str) -> None:
    """A template can put anything into its error; blanks and line breaks of a value make no difference."""
    chart(tmp_path, "{{ fail .Values.secrets.KEY }}")
    described = {"name": "examples", "releases": {"web": {"chart": "web", "secrets": ["KEY"]}}}
    seen = look(helm, Project.model_validate(described), tmp_path, secrets={"KEY": value})
    assert "***" in seen.releases[0].failure
    assert not any(word in repr(seen) for word in ("hunter2", "battery"))


UNFIT = {
    "not UTF-8": {"KEY": "hunter\udcff"},
    "a zero character": {"KEY": "hunter\0"},
    "too large": {"KEY": "x" * 2_000_000},
    "too large together": {f"KEY_{at}": "q7Xv2mKp9TzR4wYb" * 8000 for at in range(9)},
}


@pytest.mark.process
@pytest.mark.parametrize("secrets", UNFIT.values(), ids=UNFIT)
@pytest.mark.parametrize("existing", ["web-secrets", None])
def test_values_that_no_secret_can_hold_are_found(
    helm: Helm, tmp_path: Path, secrets: dict[str, str], existing: str | None
) -> None:
    """The chart is rendered with samples, whoever writes its Secret."""
    chart(tmp_path)
    keys = {"chart": "web", "secrets": list(secrets), **({"existingSecret": existing} if existing else {})}
    seen = look(helm, Project.model_validate({"name": "a", "releases": {"web": keys}}), tmp_path, secrets=secrets)
    assert seen.is_whole
    assert [found.check for found in run_checks(seen, without={}, only=["DY512"])] == ["DY512"]


HOSTILE = {
    "5 MB": (lambda folder: (folder / "values.yaml").write_text(f"a: {'x' * 5_000_000}"), "it has 5,000,003 bytes"),
    "a folder": (lambda folder: (folder / "values.yaml").mkdir(), "it is a folder"),
    "not UTF-8": (
        lambda folder: (folder / "values.yaml").write_bytes(b"a: \xff\xfe"),
        "it is not UTF-8, byte 3 is 0xff",
    ),
    "a pipe": (lambda folder: os.mkfifo(folder / "values.yaml"), "it is no regular file"),
    "a list": (lambda folder: (folder / "values.yaml").write_text("- a"), "it holds a list, a mapping is needed"),
}


@pytest.mark.parametrize(("make", "why"), HOSTILE.values(), ids=HOSTILE)
def test_values_that_cannot_be_read_are_told_and_helm_is_not_asked(make: Any, why: str, tmp_path: Path) -> None:  # noqa: ANN401 - any function
    """A process of Helm would fail this unmarked test."""
    make(chart(tmp_path))
    release = alone(Helm("helm"), tmp_path)
    assert release.unreadable["web/values.yaml"].startswith(why)
    assert (release.failure, release.lint, dict(release.values)) == ("", (), {})


@pytest.mark.parametrize("name", ["Chart.yaml", "templates/a.yaml", "templates/more/pipe.yaml"])
def test_other_files_of_a_chart_are_read_as_carefully(name: str, tmp_path: Path) -> None:
    """Helm would wait for ever for a pipe."""
    folder = chart(tmp_path)
    (folder / name).unlink(missing_ok=True)
    (folder / name).parent.mkdir(exist_ok=True)
    os.mkfifo(folder / name)
    assert alone(Helm("helm"), tmp_path).unreadable == {f"web/{name}": "it is no regular file"}


class Stubborn(FakeHelm):
    """A Helm that does not end, or breaks where it lints."""

    def __init__(self, *, breaks: bool) -> None:
        super().__init__()
        self.breaks = breaks

    def lint(self, charts: Any, values: Any = None, *, files: Any = ()) -> Completed:  # noqa: ANN401, ARG002 - the real one's signature
        """Break, or do not end."""
        if self.breaks:
            return Completed(("helm",), 2, "panic: runtime error", "")
        raise ToolTimeoutError(["helm", "lint"], 30)

    def template(self, *arguments: Any, **options: Any) -> str:  # noqa: ANN401, ARG002 - the real one's signature
        """Do not end."""
        raise ToolTimeoutError(["helm", "template"], 30)


@pytest.mark.parametrize(("breaks", "end"), [(True, "it ended with 2"), (False, "`helm lint` did not end within 30 s")])
def test_a_helm_that_does_not_end_or_breaks_is_a_finding(breaks: bool, end: str, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    """The deploy would meet the same."""
    chart(tmp_path)
    release = alone(Stubborn(breaks=breaks), tmp_path)
    assert release.failure == "`helm template` did not end within 30 s: It was stopped"
    assert release.lint == (f"[ERROR] `helm lint`, one call for all charts, said nothing of this one: {end}",)


class Wary(Stubborn):
    """A Helm that finds fault with every chart, and says more or nothing where it is given values."""

    def lint(self, charts: Any, values: Any = None, *, files: Any = ()) -> Completed:  # noqa: ANN401 - the real one's signature
        """Find fault."""
        if values and self.breaks:
            return super().lint(charts, values, files=files)
        if values:
            raise ToolTimeoutError(["helm", "lint"], 30)
        return Completed(("helm",), 1, f"==> Linting {charts[0]}\n[ERROR] templates/: no\n", "")


@pytest.mark.parametrize("breaks", [True, False])
def test_what_lint_finds_stands_where_it_says_nothing_of_the_values(breaks: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    """It broke, or did not end."""
    chart(tmp_path)
    assert alone(Wary(breaks=breaks), tmp_path, config={"A": "b"}).lint == ("[ERROR] templates/: no",)


@pytest.mark.process
def test_a_secret_that_lint_repeats_is_not_shown(helm: Helm, tmp_path: Path) -> None:
    """A name that Kubernetes would refuse is named, and a template may put anything into it."""
    chart(tmp_path, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: 'A_{{ .Values.secrets.KEY }}'}\n")
    (tmp_path / "web" / "values.yaml").write_text("secrets: {KEY: x}\n")
    described = {"name": "examples", "releases": {"web": {"chart": "web", "secrets": ["KEY"]}}}
    seen = look(helm, Project.model_validate(described), tmp_path, secrets={"KEY": "hunter2"})
    assert "***" in " ".join(seen.releases[0].lint)
    assert "hunter2" not in repr(seen.releases[0].lint)


def test_no_helm_is_an_error_and_no_finding(tmp_path: Path) -> None:
    """That the machine lacks something is no fault of a chart."""
    chart(tmp_path)
    with pytest.raises(ToolMissingError):
        alone(Helm(tmp_path / "no-helm"), tmp_path)


def test_what_helm_says_is_one_line_without_its_noise() -> None:
    """Log lines and hints are left out."""
    stderr = 'level=INFO msg="x"\nError: web/templates/a.yaml:1:2\n  executing: nil\n\nUse --debug flag to render out\n'
    said = module._said(ToolFailedError(["helm"], 1, stderr), Redactor())  # noqa: SLF001 - its grammar has no other door
    assert said == "web/templates/a.yaml:1:2 executing: nil"


def test_a_project_without_releases_needs_no_helm(tmp_path: Path) -> None:
    """Nothing is rendered or linted."""
    assert look(Helm("helm"), Project.model_validate({"name": "a"}), tmp_path).releases == ()


def with_image(root: Path, **keys: str) -> Subject:
    """Gather a project of one image."""
    spec = {"baseImage": "scratch", "buildContext": "app", "dockerfile": "Dockerfile", **keys}
    return look(Helm("helm"), Project.model_validate({"name": "a", "images": {"web": spec}}), root)


def test_a_build_context_is_what_docker_would_send(tmp_path: Path) -> None:
    """With what .dockerignore leaves out and the Dockerfile names."""
    for name in ("app/src/main.py", "app/src/x.pyc", "app/data/a.csv", "app/.env", "app/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "app" / ".dockerignore").write_text("data\n**/*.pyc\n.env\nnotes.txt\n")
    dockerfile = (
        'FROM scratch\nCOPY --chown=1 src data/ \\\n  ./none /app/\nADD [".env", "/"]\nCOPY --from=x notes.txt /\n'
    )
    (tmp_path / "Dockerfile").write_text(dockerfile)
    (image,) = with_image(tmp_path).images
    assert (image.dockerfile, image.unreadable) == (dockerfile, {})
    assert image.files == {"src/main.py", ".dockerignore"}
    assert image.left_out == {"data", ".env"}


@pytest.mark.parametrize(
    ("keys", "unreadable"),
    [
        ({"buildContext": "none"}, {"none": "no such folder"}),
        ({"buildContext": "Dockerfile"}, {"Dockerfile": "it is no folder"}),
        ({"dockerfile": "app"}, {"app": "it is a folder"}),
        ({"dockerfile": "none"}, {"none": "no such file or directory"}),
        ({"dockerfile": "latin"}, {"latin": "it is not UTF-8, byte 0 is 0xff"}),
    ],
)
def test_sources_of_an_image_that_cannot_be_read_are_told(
    keys: dict[str, str], unreadable: dict[str, str], tmp_path: Path
) -> None:
    """Each with its path."""
    (tmp_path / "Dockerfile").touch()
    (tmp_path / "app").mkdir()
    (tmp_path / "latin").write_bytes(b"\xff")
    (image,) = with_image(tmp_path, **keys).images
    assert image.unreadable == unreadable


def test_an_env_that_others_may_read_is_told(tmp_path: Path) -> None:
    """A deploy warns of it, and `check --strict` refuses it."""
    assert with_image(tmp_path).exposure == ""
    (tmp_path / ".env").touch(0o600)
    (tmp_path / ".env").chmod(0o644)
    assert with_image(tmp_path).exposure.startswith(".env is open to other users of this machine (mode 0644)")


def test_the_example_of_env_is_read(tmp_path: Path) -> None:
    """Its text, or nothing where there is none."""
    assert with_image(tmp_path).example == ""
    (tmp_path / ".env.example").write_text("# all\nKEY=\n")
    assert with_image(tmp_path).example == "# all\nKEY=\n"
