"""What dockyard.yaml describes."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from dockyard.model.errors import RuleError, UnknownNameError
from dockyard.model.project import ClusterSpec, Project, ReleaseSpec
from dockyard.model.quantity import ImageSize

if TYPE_CHECKING:
    from collections.abc import Callable

    Refusals = Callable[[type[Project], object], dict[str, str]]

IMAGE: dict[str, Any] = {"baseImage": "python:3.13-slim", "buildContext": "./backend", "dockerfile": "d/b.Dockerfile"}

EXAMPLE: dict[str, Any] = {
    "name": "ai-todo",
    "checks": {"disabled": {"DY402": "the cache writes to /srv"}},
    "cluster": {"provider": "embedded", "cpus": 2, "memory": 4096, "namespace": "dev"},
    "database": {"secret": "DATABASE_URL"},
    "images": {
        "ai-todo-backend": {
            **IMAGE,
            "tag": "v1.0.0",
            "baseImageArgument": "PYTHON_IMAGE",
            "exposedPorts": [8000],
            "buildArguments": {"EXTRAS": "prod"},
        },
        "ai-todo-mcp": IMAGE,
    },
    "releases": {
        "frontend": {"chart": "helm/frontend", "needs": ["backend"], "check": ["/", "/health"]},
        "mcp": {"chart": "helm/mcp", "image": "ai-todo-mcp", "secrets": ["DATABASE_URL"]},
        "backend": {
            "chart": "helm/backend",
            "image": "ai-todo-backend",
            "needs": ["mcp"],
            "timeout": "2m",
            "values": ["helm/values/ci.yaml"],
            "config": {"LOG_LEVEL": "debug"},
            "secrets": {"DATABASE_URL": None, "OPENAI_API_KEY": {"required": False, "description": "of the model"}},
        },
    },
}


def project(**releases: list[str]) -> Project:
    """Return a project of releases with their needs."""
    described = {name: {"chart": "c", "needs": needs} for name, needs in releases.items()}
    return Project.model_validate({"name": "a", "releases": described})


def test_a_whole_project_is_read() -> None:
    """Every key of the file has its place in the model."""
    read = Project.model_validate(EXAMPLE)
    backend = read.release("backend")
    assert (read.name, read.cluster.provider, read.cluster.namespace) == ("ai-todo", "embedded", "dev")
    assert read.database is not None
    assert read.database.secret == "DATABASE_URL"  # noqa: S105 - a name
    assert (backend.timeout, backend.values, backend.config) == (120, ("helm/values/ci.yaml",), {"LOG_LEVEL": "debug"})
    assert {name: use.required for name, use in backend.secrets.items()} == {
        "DATABASE_URL": True,
        "OPENAI_API_KEY": False,
    }
    assert list(read.release("mcp").secrets) == ["DATABASE_URL"]
    assert read.release("frontend").check == ("/", "/health")
    assert read.image("ai-todo-backend").build_arguments == {"EXTRAS": "prod"}
    assert read.checks.disabled == {"DY402": "the cache writes to /srv"}


def test_the_least_project_has_the_specified_defaults() -> None:
    """Only a name is needed; two cores, 4096 MB, Docker, namespace default."""
    cluster = Project(name="a").cluster
    assert (cluster.provider, cluster.cpus, cluster.memory, cluster.driver) == ("auto", 2, 4096, "docker")
    assert (cluster.namespace, cluster.kubernetes_version, cluster.context) == ("default", None, None)
    assert Project(name="a").order() == ()
    assert ReleaseSpec(chart="c").timeout == 120


def test_an_image_follows_its_sources_unless_told() -> None:
    """The tag of an image is `latest` by default, its build argument BASE_IMAGE."""
    image = Project.model_validate(EXAMPLE).image("ai-todo-mcp")
    assert (image.tag, image.base_image_argument, image.exposed_ports) == ("latest", "BASE_IMAGE", ())


@pytest.mark.parametrize("mode", ["json", "python"])
def test_what_is_dumped_reads_as_the_same_project(mode: str) -> None:
    """The dump has the file's own keys and nothing that the file could not have."""
    read = Project.model_validate(EXAMPLE)
    dumped = read.model_dump(mode=mode)
    assert "buildContext" in dumped["images"]["ai-todo-mcp"]
    assert Project.model_validate(dumped) == read


@pytest.mark.parametrize(
    ("change", "place", "sentence"),
    [
        ({"name": "AI Todo"}, "name", "is not a DNS label"),
        ({"clusters": {}}, "clusters", "Extra inputs are not permitted"),
        ({"cluster": {"provider": "kind"}}, "cluster.provider", "Input should be 'auto', 'embedded', 'minikube' or"),
        ({"cluster": {"provider": "context"}}, "cluster", "The cluster has no context."),
        ({"cluster": {"context": "prod"}}, "cluster", "Only `provider: context` uses one."),
        ({"cluster": {"provider": "context", "context": ""}}, "cluster.context", "at least 1 character"),
        ({"cluster": {"cpus": 1}}, "cluster", "Minikube starts with 2 cores and 1800 MB or more."),
        ({"cluster": {"provider": "minikube", "memory": 4}}, "cluster", "has 2 CPU cores and 4 MB of memory."),
        ({"cluster": {"namespace": "a_b"}}, "cluster.namespace", "is not a DNS label"),
        ({"cluster": {"kubernetesVersion": "1.28"}}, "cluster.kubernetesVersion", "written like v1.28.3"),
        ({"database": {"secret": "a b"}}, "database.secret", "is not the name of an environment variable"),
        ({"images": {"Bad:1": IMAGE}}, "images.Bad:1.[key]", "is not an image name"),
        ({"images": {"a": {}}}, "images.a.baseImage images.a.buildContext images.a.dockerfile", "Field required"),
        ({"images": {"a": IMAGE | {"tag": "1.0"}}}, "images.a.tag", "is not an image tag"),
        (
            {"images": {"a": IMAGE | {"buildArguments": {"BASE_IMAGE": "x"}}}},
            "images.a",
            "The build argument BASE_IMAGE is given twice.",
        ),
        ({"releases": {"A_b": {"chart": "c"}}}, "releases.A_b.[key]", "is not a release name"),
        ({"releases": {"a": {"chart": "/c"}}}, "releases.a.chart", "is not a path of the project"),
        ({"releases": {"a": {"chart": "c", "timeout": "soon"}}}, "releases.a.timeout", "is not a length of time"),
        ({"releases": {"a": {"chart": "c", "check": ["health"]}}}, "releases.a.check.0", "path of an HTTP request"),
        ({"releases": {"a": {"chart": "c", "config": {"A": 1}}}}, "releases.a.config.A", "valid string"),
        ({"releases": {"a": {"chart": "c", "secrets": ["A", "A"]}}}, "releases.a.secrets", "The secret 'A' stands"),
        ({"releases": {"a": {"chart": "c", "secrets": [{"A": 1}]}}}, "releases.a.secrets", "A secret's name is dict"),
        ({"releases": {"a": {"chart": "c", "secrets": "A"}}}, "releases.a.secrets", "valid dictionary"),
        (
            {"releases": {"a": {"chart": "c", "secrets": {"A": {"required": "no"}}}}},
            "releases.a.secrets.A.required",
            "valid boolean",
        ),
        ({"releases": {"a": {"chart": "c", "secrets": ["a-b"]}}}, "releases.a.secrets.a-b.[key]", "is not the name of"),
        ({"releases": {"a": {"chart": "c", "existingSecret": "A b"}}}, "releases.a.existingSecret", "is not a DNS"),
        (
            {
                "releases": {
                    "a": {"chart": "c", "secrets": {"A": {"minLength": 8}}},
                    "b": {"chart": "c", "secrets": {"A": {"minLength": 9}}},
                }
            },
            "releases.b.secrets.A.minLength",
            "Release a says otherwise of A",
        ),
        ({"releases": {"a": {"chart": "c", "values": ["v", "v"]}}}, "releases.a.values", "'v' stands there twice"),
        ({"releases": {"a": {"chart": "c", "needs": ["b", "b"]}}}, "releases.a.needs", "'b' stands there twice"),
        ({"checks": {"disabled": {"DY1": "why"}}}, "checks.disabled.DY1.[key]", "is not the id of a check"),
        ({"checks": {"disabled": {"DY101": " "}}}, "checks.disabled.DY101", "There is no reason"),
        ({"checks": {"disabled": {"DY101": None}}}, "checks.disabled.DY101", "valid string"),
    ],
)
def test_a_broken_rule_is_told_at_its_key(
    refusals: Refusals, change: dict[str, Any], place: str, sentence: str
) -> None:
    """Each mistake has its sentence, at the key of the file."""
    found = refusals(Project, {"name": "a", **change})
    assert list(found) == place.split()
    assert all(sentence in said for said in found.values())


@pytest.mark.parametrize("provider", ["auto", "minikube", "embedded"])
def test_a_cluster_may_have_the_least_that_its_provider_takes(provider: str) -> None:
    """Minikube's own minimum is allowed everywhere; less only where Minikube is not meant."""
    least = {"provider": provider, "cpus": 2, "memory": 1800}
    assert ClusterSpec.model_validate(least).memory == 1800
    if provider == "embedded":
        assert ClusterSpec.model_validate(least | {"cpus": 1, "memory": 512}).cpus == 1


def test_all_mistakes_are_told_in_one_go(refusals: Refusals) -> None:
    """Mistakes of one kind do not hide each other, and unknown names are all found."""
    found = refusals(Project, {"name": "A", "cluster": {"cpus": 0}, "releases": {"a": {}}})
    assert list(found) == ["name", "cluster.cpus", "releases.a.chart"]
    releases = {
        "backend": {"chart": "c", "image": "backnd", "needs": ["mpc", "frontend"]},
        "mcp": {"chart": "c", "needs": ["zzz"]},
    }
    found = refusals(Project, {"name": "a", "images": {"backend": IMAGE}, "releases": releases})
    assert found == {
        "releases.backend.image": "Value error, There is no image named 'backnd'. `images` has backend. "
        "Write 'backend', if that was meant.",
        "releases.backend.needs.0": "Value error, There is no release named 'mpc'. `releases` has backend, mcp. "
        "Write 'mcp', if that was meant.",
        "releases.backend.needs.1": "Value error, There is no release named 'frontend'. `releases` has backend, mcp.",
        "releases.mcp.needs.0": "Value error, There is no release named 'zzz'. `releases` has backend, mcp.",
    }


def test_our_own_rules_keep_their_facts() -> None:
    """An error's context holds the RuleError with what, why and fix apart."""
    with pytest.raises(ValidationError) as caught:
        project(a=["b"])
    error = caught.value.errors()[0]["ctx"]["error"]
    assert isinstance(error, RuleError)
    assert (error.what, error.why, error.fix) == ("There is no release named 'b'", "`releases` has a", "")


@pytest.mark.parametrize(
    ("needs", "place", "cycle"),
    [
        ({"a": ["a"]}, "releases.a.needs", "a -> a"),
        ({"a": ["b"], "b": ["a"]}, "releases.a.needs", "a -> b -> a"),
        ({"x": ["c"], "a": ["b"], "b": ["c"], "c": ["y", "a"], "y": []}, "releases.c.needs", "c -> a -> b -> c"),
    ],
)
def test_a_cycle_is_shown(needs: dict[str, list[str]], place: str, cycle: str) -> None:
    """The releases of the cycle are named in their order, without those that only lead to it."""
    with pytest.raises(ValidationError) as caught:
        project(**needs)
    line = caught.value.errors()[0]
    assert ".".join(map(str, line["loc"])) == place
    assert f"The releases need each other: {cycle}." in line["msg"]


def test_a_long_chain_is_no_trap() -> None:
    """Thousands of releases in a row are ordered, and a cycle of them is found, without deep recursion."""
    chain = {f"r{number}": [f"r{number + 1}"] for number in range(2000)}
    assert project(**chain, r2000=[]).order() == tuple(f"r{number}" for number in range(2000, -1, -1))
    with pytest.raises(ValidationError, match="need each other"):
        project(**chain, r2000=["r0"])


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, list[str]]:
    """Return releases with needs, in an order of the file that says nothing about the needs."""
    count = draw(st.integers(0, 8))
    needs = {
        f"r{number}": draw(
            st.lists(st.sampled_from([f"r{low}" for low in range(number)]), unique=True) if number else st.just([])
        )
        for number in range(count)
    }
    return {name: needs[name] for name in draw(st.permutations(list(needs)))}


@given(acyclic())
def test_the_order_respects_needs(needs: dict[str, list[str]]) -> None:
    """Each release comes once and behind what it needs; those that nothing ties keep the order of the file."""
    ordered = project(**needs).order()
    assert sorted(ordered) == sorted(needs)
    assert all(ordered.index(needed) < ordered.index(name) for name, listed in needs.items() for needed in listed)
    free = [name for name in needs if not needs[name] and not any(name in listed for listed in needs.values())]
    assert [name for name in ordered if name in free] == free


@given(acyclic())
def test_a_file_in_order_stays_in_order(needs: dict[str, list[str]]) -> None:
    """Where each release already stands behind what it needs, the file's order is the order."""
    ordered = project(**needs).order()
    assert project(**{name: needs[name] for name in ordered}).order() == ordered


@given(st.dictionaries(st.sampled_from("abcdef"), st.lists(st.sampled_from("abcdef"), unique=True, max_size=3)))
def test_a_project_has_an_order_or_a_reason(needs: dict[str, list[str]]) -> None:
    """Whatever releases need, they have an order, or a sentence says which name is unknown or which cycle there is."""
    try:
        ordered = project(**needs).order()
    except ValidationError as error:
        lines = error.errors()
        unknown = {needed for listed in needs.values() for needed in listed} - needs.keys()
        if unknown:
            assert all("There is no release named" in line["msg"] for line in lines)
            return
        cycle = lines[0]["msg"].split(": ")[1].split(".")[0].split(" -> ")
        assert all(after in needs[before] for before, after in pairwise(cycle))
        assert cycle[0] == cycle[-1]
    else:
        assert all(ordered.index(needed) < ordered.index(name) for name in needs for needed in needs[name])


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=4) | st.dates()
)
documents = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers() | st.none(), inner),
    max_leaves=6,
)


def places(document: object, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the path of everything in a document."""
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    return [path, *(found for key, value in inner for found in places(value, (*path, key)))]


def replaced(document: Any, path: tuple[str | int, ...], value: object) -> Any:  # noqa: ANN401 - any document
    """Return a document with another value at a path."""
    if not path:
        return value
    copy = document.copy()
    copy[path[0]] = replaced(document[path[0]], path[1:], value)
    return copy


@given(st.sampled_from(places(EXAMPLE)), documents)
def test_whatever_stands_in_the_file_it_is_a_project_or_an_error_with_its_place(
    path: tuple[str | int, ...], value: object
) -> None:
    """Any value at any place: nothing but a validation error comes, and it points into the file."""
    try:
        read = Project.model_validate(replaced(EXAMPLE, path, value))
    except ValidationError as error:
        assert all(line["msg"] for line in error.errors())  # noqa: PT017 - most examples are refused, some are projects
    else:
        assert set(read.order()) == set(read.releases)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    """For releases and for images; known ones are returned."""
    read = Project.model_validate(EXAMPLE)
    assert read.release("mcp").chart == "helm/mcp"
    with pytest.raises(UnknownNameError, match=r"no release named 'bakend'.*Did you mean 'backend'"):
        read.release("bakend")
    with pytest.raises(UnknownNameError, match=r"no image named 'ai-todo'.*Known: ai-todo-backend, ai-todo-mcp"):
        read.image("ai-todo")


def test_a_subset_has_a_release_with_its_needs_and_their_images() -> None:
    """What the release does not need is left out; the order of the file stays."""
    read = Project.model_validate(EXAMPLE)
    kept = read.subset("backend")
    assert (list(kept.releases), list(kept.images)) == (["mcp", "backend"], ["ai-todo-backend", "ai-todo-mcp"])
    assert kept.order() == ("mcp", "backend")
    assert kept.cluster == read.cluster
    assert Project.model_validate(kept.model_dump()) == kept
    assert list(read.subset("frontend").releases) == list(read.releases)


def test_a_subset_can_stand_alone() -> None:
    """Without its needs a release needs nothing, and the subset is a valid project."""
    read = Project.model_validate(EXAMPLE)
    alone = read.subset("backend", needs=False)
    assert (list(alone.releases), alone.release("backend").needs) == (["backend"], ())
    assert list(alone.images) == ["ai-todo-backend"]
    assert Project.model_validate(alone.model_dump()) == alone
    assert read.release("backend").needs == ("mcp",)


def test_a_subset_of_nothing_is_refused() -> None:
    """An unknown release is answered with the nearest."""
    with pytest.raises(UnknownNameError, match="Did you mean 'frontend'"):
        Project.model_validate(EXAMPLE).subset("fronted")


def test_an_image_is_described_as_the_entity_of_the_specification() -> None:
    """Its tag may be the content tag that it really has, and its size is held to the limit."""
    spec = Project.model_validate(EXAMPLE).image("ai-todo-backend")
    assert spec.image("ai-todo-backend").reference == "ai-todo-backend:v1.0.0"
    built = spec.image("ai-todo-backend", tag="0.0.0-abcdef123456", size=ImageSize.parse("180MB"))
    assert (built.tag, built.size, built.exposed_ports) == ("0.0.0-abcdef123456", 180_000_000, (8000,))
    with pytest.raises(ValidationError, match="less than 250MB"):
        spec.image("ai-todo-backend", size=ImageSize.parse("1GB"))


def test_a_project_cannot_be_changed() -> None:
    """Neither its fields nor its mappings."""
    read = Project.model_validate(EXAMPLE)
    with pytest.raises(ValidationError, match="frozen"):
        read.name = "b"  # type: ignore[misc]  # that it fails is what is tested
    with pytest.raises(TypeError):
        read.releases["b"] = read.release("mcp")  # type: ignore[index]  # that it fails is what is tested


def test_names_of_secrets_are_not_shown_with_a_release() -> None:
    """A value that was written there by mistake is in no repr."""
    assert "OPENAI_API_KEY" not in repr(Project.model_validate(EXAMPLE))


def test_editors_get_a_schema_with_the_files_keys() -> None:
    """The JSON Schema has the camelCase keys, their descriptions, bounds and patterns, and allows nothing else."""
    schema = Project.model_json_schema()
    release = schema["$defs"]["ReleaseSpec"]
    assert schema["additionalProperties"] is False
    assert set(schema["properties"]) == {"name", "cluster", "database", "images", "releases", "checks"}
    assert schema["$defs"]["ImageSpec"]["required"] == ["baseImage", "buildContext", "dockerfile"]
    assert release["properties"]["timeout"]["anyOf"] == [{"type": "integer"}, {"type": "string"}]
    assert {choice["type"] for choice in release["properties"]["secrets"]["anyOf"]} == {"array", "object"}
    assert schema["$defs"]["ClusterSpec"]["properties"]["cpus"]["minimum"] == 1
    described = [entry for table in schema["$defs"].values() for entry in table["properties"].values()]
    assert all(entry["description"].endswith(".") for entry in described)
    assert json.loads(json.dumps(schema)) == schema


def test_a_subset_knows_what_the_others_say_of_its_secrets() -> None:
    """A release that is deployed alone is held to the length that another one asks for."""
    described = {
        "name": "test",
        "releases": {
            "web": {"chart": "web", "secrets": {"KEY": {"minLength": 32, "pattern": "[a-z]+"}}},
            "api": {"chart": "api", "secrets": {"KEY": {"required": False}}},
        },
    }
    (key,) = Project.model_validate(described).subset("api").secrets().values()
    assert (key.releases, key.required_by, key.min_length, key.pattern) == (("api",), (), 32, "[a-z]+")
