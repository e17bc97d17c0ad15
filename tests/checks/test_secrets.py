"""Checks DY5xx: secrets, and what makes pods and images follow what they are configured with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.model.project import Project
from tests.checks.samples import PROJECT, SECRETS, SETTINGS, VALUES, WEB, changed, find, project, release, said, subject

APP = "Deployment/web: spec.template.spec.containers[0]"
IMAGE = "image: web:1.0.0"
POLICY = "imagePullPolicy: IfNotPresent"
ENV = "env: [{name: APP_VERSION, value: 1.0.0}]"
LEVEL = "  LOG_LEVEL: info\n  API_URL"
CHECKSUMS = "annotations: {checksum/config: abc, checksum/secret: def}"
TOKEN = "ghp_" + "q7Xv2mKp9TzR4wYbq7Xv2mKp9TzR4wYb"


@pytest.mark.parametrize("id_", [f"DY{number}" for number in range(501, 515)])
def test_a_sound_release_passes(id_: str) -> None:
    """No check of this group finds fault with the sample release."""
    assert said(id_, subject()) == []


def test_a_secret_in_a_values_file_is_found_with_its_line() -> None:
    """Each file is looked at once, however many releases are installed with it."""
    text = changed(VALUES, 'DATABASE_URL: ""', "DATABASE_URL: postgresql://todo:hunter2@db/todo")
    files = {"shared.yaml": text}
    (found,) = find("DY501", subject("", release("", values=files), release("", values=files, name="other")))
    assert (found.place.file, found.place.path, found.place.line) == ("shared.yaml", "secrets.DATABASE_URL", 5)
    assert found.message == "the value of 'DATABASE_URL' holds a URL with a password"


def test_a_secret_in_a_config_map_is_found() -> None:
    """By the name of its key, or by its form."""
    text = changed(SETTINGS, LEVEL, f"  SMTP_PASSWORD: hunter2\n  NOTE: {TOKEN}\n{LEVEL}")
    assert said("DY502", subject(text)) == [
        (
            "ConfigMap/web-config: data.SMTP_PASSWORD: "
            "the value of 'SMTP_PASSWORD' has a value, and its name says that it is a secret"
        ),
        "ConfigMap/web-config: data.NOTE: the value of 'NOTE' holds a GitHub token",
    ]


def test_a_secret_in_a_variable_is_found() -> None:
    """One that comes from elsewhere is none."""
    text = changed(WEB, ENV, "env: [{name: API_KEY, valueFrom: {secretKeyRef: {}}}, {name: API_KEY, value: hunter2}]")
    assert said("DY503", subject(text)) == [
        f"{APP}.env[1].value: the value of 'API_KEY' has a value, and its name says that it is a secret"
    ]


@given(st.text("abcXYZ0123456789-_", min_size=6))
def test_no_finding_holds_a_secret(value: str) -> None:
    """Wherever a secret stands, neither a message nor a place shows it."""
    told = f"q7{value}"
    text = changed(WEB, ENV, f"env: [{{name: API_KEY, value: {told}}}]")
    text += changed(SETTINGS, LEVEL, f"  API_KEY: {told}\n{LEVEL}")
    images = {"web": {**PROJECT["images"]["web"], "buildArguments": {"API_KEY": told}}}
    looked_at = subject(text, release("", values={"v.yaml": f"apiKey: {told}\n"}), of=project(images=images))
    found = [finding for id_ in ("DY501", "DY502", "DY503", "DY510") for finding in find(id_, looked_at)]
    assert len(found) == 4
    assert not any(told in f"{finding.message}{finding.place}{finding!r}" for finding in found)


def asking(**uses: dict[str, object]) -> Project:
    """Return the sample project with a release that asks for those secrets."""
    return project(releases={"web": {**PROJECT["releases"]["web"], "secrets": uses}})


def test_a_placeholder_is_found() -> None:
    """One that everybody knows as such, and one that dockyard.yaml gives as an example."""
    of = asking(DATABASE_URL={"example": "postgresql://..."}, API_KEY={}, OTHER={"example": "as-given"})
    secrets = {**SECRETS, "API_KEY": "sk-...", "OTHER": "as-given"}
    assert said("DY504", subject(secrets=secrets, of=of)) == [
        "API_KEY: API_KEY is a placeholder",
        "OTHER: OTHER is a placeholder",
    ]


def test_a_required_secret_without_a_value_is_found() -> None:
    """Blank counts as none; one that is not required may have none, and so may the development database's."""
    assert said("DY505", subject(secrets={})) == ["DATABASE_URL: DATABASE_URL has no value"]
    (blank,) = find("DY505", subject(secrets={"DATABASE_URL": " "}))
    assert (blank.message, blank.release) == ("DATABASE_URL has no value, only an empty one", "web")
    assert said("DY505", subject(secrets={}, of=asking(DATABASE_URL={"required": False}))) == []
    assert said("DY505", subject(secrets={}, of=project(database={"secret": "DATABASE_URL"}))) == []


@pytest.mark.parametrize(
    ("use", "value", "told"),
    [
        ({"minLength": 32}, TOKEN[:31], "has 31 characters, and minLength asks for 32"),
        ({"pattern": "sk-.*"}, TOKEN, "does not match its pattern sk-.*"),
    ],
)
def test_a_secret_that_is_not_as_declared_is_found(use: dict[str, object], value: str, told: str) -> None:
    """Wherever it would break, it is said before."""
    assert said("DY512", subject(secrets={"API_KEY": value}, of=asking(API_KEY=use))) == [f"API_KEY: API_KEY {told}"]


def test_a_weak_secret_is_a_warning_for_each_release_that_uses_it() -> None:
    """A deploy goes on; `check --strict` does not."""
    looked_at = subject(secrets={"API_KEY": "hunter2"}, of=asking(API_KEY={}))
    (found,) = find("DY513", looked_at)
    assert (found.severity, found.release) == ("warning", "web")
    assert "hunter2" not in found.message


@pytest.mark.parametrize("empty", ['""', "null", "' '"])
def test_a_required_secret_that_the_chart_leaves_empty_is_found(empty: str) -> None:
    """It has a value, and the pod would not get it."""
    text = changed(SETTINGS, "cG9zdGdyZXNxbDovL2E6YkBkYi90b2Rv", empty)
    assert said("DY505", subject(text)) == [
        "Secret/web-secrets: data.DATABASE_URL: DATABASE_URL has a value, and the chart leaves it empty"
    ]


@pytest.mark.parametrize(
    ("annotations", "missing"),
    [
        ("annotations: {}", ["ConfigMap web-config", "Secret web-secrets"]),
        ("annotations: {checksum: abc, other/checksum: abc}", ["ConfigMap web-config", "Secret web-secrets"]),
        ("annotations: {checksum/config: abc}", ["Secret web-secrets"]),
        ("annotations: {checksum/secrets: abc}", ["ConfigMap web-config"]),
        ("annotations: {checksum/all: abc}", []),
        ("annotations: {checksum/env: abc}", []),
    ],
)
def test_missing_checksums_are_found(annotations: str, missing: list[str]) -> None:
    """One that names the other kind alone does not follow this one; one that names none may follow both."""
    place = "Deployment/web: spec.template.metadata.annotations"
    assert said("DY506", subject(changed(WEB, CHECKSUMS, annotations) + SETTINGS)) == [
        f"{place}: no annotation checksum/... follows {what}" for what in missing
    ]


def test_only_own_objects_that_variables_come_from_need_a_checksum() -> None:
    """An object of nobody, or none that variables come from, cannot be followed; a Job is replaced anyway."""
    bare = changed(WEB, CHECKSUMS, "")
    assert said("DY506", subject(bare)) == []
    single = changed(bare, "env: [{name: APP_VERSION, value: 1.0.0}]", "env: [{valueFrom: {secretKeyRef: {name: s}}}]")
    assert len(find("DY506", subject(single + "---\n{kind: Secret, metadata: {name: s}}\n"))) == 1
    assert said("DY506", subject(bare.replace("kind: Deployment", "kind: Job") + SETTINGS)) == []


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ("web", "the image 'web' has no tag"),
        ("web:latest", "the image 'web:latest' has the tag 'latest'"),
        ("localhost:5000/web", "the image 'localhost:5000/web' has no tag"),
        (f"web@sha256:{'0' * 64}", ""),
        (f"web:latest@sha256:{'0' * 64}", ""),
        ("web:0.0.0-000000abcdef", ""),
    ],
)
def test_a_tag_that_moves_is_found(image: str, message: str) -> None:
    """No tag is `latest`; a digest never moves."""
    found = said("DY507", subject(changed(WEB, IMAGE, f"image: {image!r}")))
    assert found == ([f"{APP}.image: {message}"] if message else [])


@pytest.mark.parametrize(
    ("image", "policy", "message"),
    [
        ("web:1.0.0", "imagePullPolicy: Always", "the image 'web' is loaded, and imagePullPolicy is Always"),
        ("web:latest", "", "the image 'web' is loaded, and imagePullPolicy would be Always for 'latest'"),
        ("web", "", "the image 'web' is loaded, and imagePullPolicy would be Always for 'latest'"),
        ("web:latest", "imagePullPolicy: Never", ""),
        ("web:1.0.0", "", ""),
        ("other:1.0.0", "imagePullPolicy: Always", ""),
        ("registry.local/web:1.0.0", "imagePullPolicy: Always", ""),
    ],
)
def test_an_image_of_the_project_that_would_be_pulled_is_found(image: str, policy: str, message: str) -> None:
    """Images of others, and those of a registry, may be pulled."""
    found = said("DY508", subject(changed(changed(WEB, IMAGE, f"image: {image}"), POLICY, policy)))
    assert found == ([f"{APP}.imagePullPolicy: {message}"] if message else [])


def test_a_variable_of_the_build_is_found() -> None:
    """As a variable of its own, and as a key of an object that becomes variables as a whole."""
    text = changed(WEB, ENV, "env: [{name: VITE_TITLE, value: x}, {name: INVITE_ONLY, value: x}]")
    text += changed(SETTINGS, LEVEL, f"  NEXT_PUBLIC_API: x\n{LEVEL}")
    assert said("DY509", subject(text)) == [
        f"{APP}.env[0]: VITE_TITLE is read by the build",
        "ConfigMap/web-config: data.NEXT_PUBLIC_API: NEXT_PUBLIC_API is read by the build",
    ]


def test_a_secret_in_a_build_argument_is_found() -> None:
    """The finding stands where the argument is given."""
    arguments = {"buildArguments": {"NPM_TOKEN": "hunter2", "MODE": "production"}}
    images = {"web": {**PROJECT["images"]["web"], **arguments}}
    (found,) = find("DY510", subject(of=project(images=images)))
    assert (found.place.file, found.place.path) == ("dockyard.yaml", "images.web.buildArguments.NPM_TOKEN")


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("", "names no image"),
        ("image: ''", "names no image"),
        ("image: Web:1.0.0", "names an image that is no reference"),
        ("image: 'web:1.0.0 '", "names an image that is no reference"),
        ("image: [web]", "names an image that is no reference"),
    ],
)
def test_an_image_that_cannot_be_read_is_found(image: str, told: str) -> None:
    """Other checks of images read past it."""
    looked_at = subject(changed(WEB, IMAGE, image))
    assert said("DY511", looked_at) == [f"{APP}.image: container 'app' {told}"]
    assert said("DY507", looked_at) == said("DY508", looked_at) == []


def test_the_sample_has_its_secret() -> None:
    """What the tests above take away is there to begin with."""
    assert SECRETS.keys() == project().releases["web"].secrets.keys()
