"""Deployments (data-model.md, section 3)."""

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, Strict, model_validator

from dockyard.model.entity import Entity, FrozenMap, Port, PortRef
from dockyard.model.errors import RuleError
from dockyard.model.names import (
    ContainerEnvName,
    DataKey,
    DnsSubdomain,
    HttpPath,
    LabelKey,
    LabelValue,
    PortName,
    container_env_name,
)
from dockyard.model.quantity import CpuQuantity, MemoryQuantity
from dockyard.model.reference import ImageReference
from dockyard.model.rule import Rule, between, filled

SECTION = "data-model.md, section 3"
PROBES = 'Kubernetes documentation, "Configure Probes"'
MANY = 2**31 - 1
"""The largest number that Kubernetes keeps in such a field."""

MIN_REPLICAS, MAX_REPLICAS = 1, 3
"""For Minikube (data-model.md, section 3)."""

Replicas = Annotated[int, Strict(), between(MIN_REPLICAS, MAX_REPLICAS, "a number of replicas", SECTION)]
Delay = Annotated[int, Strict(), between(0, MANY, "a delay in seconds", PROBES)]
Positive = Annotated[int, Strict(), between(1, MANY, "a number of probes or seconds", PROBES)]
Protocol = Literal["TCP", "UDP", "SCTP"]
Labels = FrozenMap[LabelKey, LabelValue]


class Amounts(Entity):
    """CPU and memory of one container; None where nothing is said.

    Attributes:
        cpu: In thousandths of a core.
        memory: In bytes.
        ephemeral_storage: In bytes of the node's disk.
    """

    cpu: CpuQuantity | None = None
    memory: MemoryQuantity | None = None
    ephemeral_storage: Annotated[MemoryQuantity | None, Field(alias="ephemeral-storage")] = None


class Resources(Entity):
    """What a container may use at most, and what it is guaranteed.

    Attributes:
        limits: At most.
        requests: Guaranteed.
    """

    limits: Amounts = Field(default_factory=Amounts)
    requests: Amounts = Field(default_factory=Amounts)

    @model_validator(mode="after")
    def _requests_within_limits(self) -> Self:
        for name in Amounts.model_fields:
            request, limit = getattr(self.requests, name), getattr(self.limits, name)
            if request is not None and limit is not None and request > limit:
                raise RuleError(
                    f"The request for {name} is {request}, its limit {limit}",
                    why=f"A request is not more than its limit ({SECTION})",
                )
        return self

    @property
    def guaranteed(self) -> Amounts:
        """What the scheduler counts: the request, or the limit where there is no request."""
        return Amounts.model_validate(
            {
                name: limit if (request := getattr(self.requests, name)) is None else request
                for name in Amounts.model_fields
                if (limit := getattr(self.limits, name)) is not None or getattr(self.requests, name) is not None
            }
        )


class HttpGet(Entity):
    """A request that must be answered with 200 to 399.

    Attributes:
        path: The path.
        port: A port's number or name.
        scheme: HTTP or HTTPS.
        host: Another host than the pod; empty for the pod.
        http_headers: Headers to send, as Kubernetes has them.
    """

    path: HttpPath = "/"
    port: PortRef
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    host: str = ""
    http_headers: tuple[FrozenMap[str, str], ...] = ()


class TcpSocket(Entity):
    """A connection that must be accepted.

    Attributes:
        port: A port's number or name.
        host: Another host than the pod; empty for the pod.
    """

    port: PortRef
    host: str = ""


class Exec(Entity):
    """A command in the container that must end with 0.

    Attributes:
        command: The program and its arguments; no shell.
    """

    command: Annotated[tuple[str, ...], filled("command", PROBES)]


class Grpc(Entity):
    """A gRPC health check.

    Attributes:
        port: The port's number.
        service: The service that is asked for; empty for the whole server.
    """

    port: Port
    service: str = ""


class Probe(Entity):
    """A health check; exactly one of the four ways to ask.

    Attributes:
        http_get: By an HTTP request.
        tcp_socket: By a connection.
        exec: By a command.
        grpc: By gRPC.
        initial_delay_seconds: Seconds after the start until it asks first.
        period_seconds: Seconds between two questions.
        timeout_seconds: Seconds that an answer may take.
        success_threshold: Answers in a row until it counts as passed.
        failure_threshold: Failures in a row until it counts as failed.
        termination_grace_period_seconds: Seconds to end after it failed; None takes the pod's.
    """

    http_get: HttpGet | None = None
    tcp_socket: TcpSocket | None = None
    exec: Exec | None = None
    grpc: Grpc | None = None
    initial_delay_seconds: Delay = 0
    period_seconds: Positive = 10
    timeout_seconds: Positive = 1
    success_threshold: Positive = 1
    failure_threshold: Positive = 3
    termination_grace_period_seconds: Positive | None = None

    @model_validator(mode="after")
    def _one_way_to_ask(self) -> Self:
        ways = [way for way in ("http_get", "tcp_socket", "exec", "grpc") if getattr(self, way) is not None]
        if len(ways) != 1:
            raise RuleError(
                f"The probe has {len(ways)} ways to ask" + (f": {', '.join(ways)}" if ways else ""),
                why=f"It has exactly one of httpGet, tcpSocket, exec and grpc ({PROBES})",
            )
        return self

    @property
    def port(self) -> int | str | None:
        """The port it asks, by number or name; None for a command."""
        asked = self.http_get or self.tcp_socket or self.grpc
        return None if asked is None else asked.port


class KeyRef(Entity):
    """One key of a ConfigMap or Secret.

    Attributes:
        name: The ConfigMap or Secret.
        key: The key.
        optional: Whether the pod starts without it.
    """

    name: DnsSubdomain
    key: DataKey
    optional: bool = False


class EnvSource(Entity):
    """Where a variable's value comes from; exactly one.

    Attributes:
        config_map_key_ref: A key of a ConfigMap.
        secret_key_ref: A key of a Secret.
        field_ref: A field of the pod, as Kubernetes has it.
        resource_field_ref: A resource of the container, as Kubernetes has it.
        file_key_ref: A key of a file that an init container writes, as Kubernetes has it.
    """

    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None
    field_ref: FrozenMap[str, Any] | None = None
    resource_field_ref: FrozenMap[str, Any] | None = None
    file_key_ref: FrozenMap[str, Any] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _exactly_one("valueFrom", self)
        return self


class EnvVar(Entity):
    """One environment variable of a container.

    Attributes:
        name: Its name.
        value: Its value, where it is written there; not shown in a repr, since it may be a secret by mistake.
        value_from: Where its value comes from, else.
    """

    name: ContainerEnvName
    value: Annotated[str, Field(repr=False)] = ""
    value_from: EnvSource | None = None

    @model_validator(mode="after")
    def _value_or_source(self) -> Self:
        if self.value and self.value_from is not None:
            raise RuleError(
                f"The variable {self.name} has a value and a source", why="It has one of both (Kubernetes API, EnvVar)"
            )
        return self


class SourceRef(Entity):
    """A whole ConfigMap or Secret.

    Attributes:
        name: Its name.
        optional: Whether the pod starts without it.
    """

    name: DnsSubdomain
    optional: bool = False


def _prefix(text: str) -> str:
    return container_env_name(text) if text else text


class EnvFrom(Entity):
    """All keys of a ConfigMap or Secret as variables; exactly one of both.

    Attributes:
        config_map_ref: The ConfigMap.
        secret_ref: The Secret.
        prefix: What is put before each key.
    """

    config_map_ref: SourceRef | None = None
    secret_ref: SourceRef | None = None
    prefix: Annotated[str, Rule(_prefix)] = ""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        _exactly_one("envFrom", self, besides="prefix")
        return self


class ContainerPort(Entity):
    """A port that a container listens on; a bare number stands for one without a name.

    Attributes:
        container_port: Its number.
        name: Its name, or None.
        protocol: TCP, UDP or SCTP.
    """

    container_port: Port
    name: PortName | None = None
    protocol: Protocol = "TCP"


def _from_number(given: object) -> object:
    return {"containerPort": given} if isinstance(given, int) else given


class RollingUpdate(Entity):
    """How far a rolling update goes from the wanted number of pods.

    Attributes:
        max_surge: Extra pods; exactly 1.
        max_unavailable: Pods that may be missing; exactly 0.
    """

    max_surge: Annotated[int, Strict(), between(1, 1, "the number of extra pods of an update", SECTION)] = 1
    max_unavailable: Annotated[int, Strict(), between(0, 0, "the number of pods an update may miss", SECTION)] = 0


class Strategy(Entity):
    """How pods are replaced.

    Attributes:
        type: RollingUpdate, and nothing else.
        rolling_update: Its bounds.
    """

    type: Literal["RollingUpdate"] = "RollingUpdate"
    rolling_update: RollingUpdate = Field(default_factory=RollingUpdate)


class DeploymentSpec(Entity):
    """How the pods of a service are made and kept.

    Attributes:
        name: The Deployment's name.
        replicas: Pods; 1 to 3.
        image: The image, name and tag.
        ports: Ports that its container listens on.
        env: Environment variables, one by one.
        env_from: ConfigMaps and Secrets that are variables as a whole.
        resources: CPU and memory.
        liveness_probe: Its failure restarts the container.
        readiness_probe: Its failure takes the pod out of its Service.
        startup_probe: The others wait for it.
        strategy: How pods are replaced.
        labels: Labels of the pods: what a Service selects them by.
    """

    name: DnsSubdomain
    replicas: Replicas = 1
    image: ImageReference
    ports: tuple[Annotated[ContainerPort, BeforeValidator(_from_number)], ...] = ()
    env: tuple[EnvVar, ...] = ()
    env_from: tuple[EnvFrom, ...] = ()
    resources: Resources = Field(default_factory=Resources)
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    strategy: Strategy = Field(default_factory=Strategy)
    labels: Labels = Field(default_factory=dict, validate_default=True)

    @model_validator(mode="after")
    def _ports_are_distinct(self) -> Self:
        named = [port.name for port in self.ports if port.name]
        numbered = [(port.container_port, port.protocol) for port in self.ports]
        if len(set(named)) < len(named) or len(set(numbered)) < len(numbered):
            raise RuleError(
                f"The Deployment {self.name} has a port twice", why="Names and numbers are distinct (Kubernetes API)"
            )
        return self

    @model_validator(mode="after")
    def _one_success_is_enough(self) -> Self:
        for name in ("liveness_probe", "startup_probe"):
            probe: Probe | None = getattr(self, name)
            if probe is not None and probe.success_threshold != 1:
                raise RuleError(
                    f"The {name.replace('_', ' ')} has successThreshold {probe.success_threshold}",
                    why=f"It must be 1 for liveness and startup ({PROBES})",
                )
        return self


def _exactly_one(thing: str, entity: Entity, *, besides: str = "") -> None:
    kinds = [name for name in type(entity).model_fields if name != besides]
    given = [name for name in kinds if getattr(entity, name) is not None]
    if len(given) != 1:
        raise RuleError(
            f"{thing} names {len(given)} sources",
            why=f"It names exactly one of {', '.join(kinds)} (Kubernetes API)",
        )
