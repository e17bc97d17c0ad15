"""Checks DY1xx: names that lead from one object to another."""

from __future__ import annotations

import pytest

from tests.checks.examples import ENV, POD, SERVICE, SOUND, change, release, subject
from tests.checks.samples import changed, find, said

APP = "Deployment/web: spec.template.spec.containers[0]"
SPEC = "Deployment/web: spec.template.spec"
CONFIG = "- configMapRef: {name: web-config}"
URL = "http://api-service:8000"


def variable(source: str) -> str:
    """Return the sound text with a variable that takes its value from somewhere."""
    return changed(SOUND, ENV, f"env: [{{name: A, value: x}}, {{name: B, valueFrom: {source}}}]")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "{configMapKeyRef: {name: web-config, key: LEVEL}}",
            "LEVEL' of ConfigMap 'web-config', which has: API_URL, LOG",
        ),
        ("{secretKeyRef: {name: web-secrets, key: URL}}", "URL' of Secret 'web-secrets', which has: DATABASE_URL"),
        ("{secretKeyRef: {name: web-secrets, key: DATABASE_URL}}", ""),
        ("{secretKeyRef: {name: web-secrets, key: URL, optional: true}}", ""),
        ("{secretKeyRef: {name: elsewhere, key: URL}}", ""),
        ("{fieldRef: {fieldPath: metadata.name}}", ""),
    ],
)
def test_a_missing_key_is_found(source: str, message: str) -> None:
    """With the keys there are; an object that is not there is another check's."""
    found = said("DY101", subject(variable(source)))
    assert [one.partition(f"{APP}.env[1].valueFrom")[0] for one in found] == ([""] if message else [])
    assert all(message in one for one in found)


def test_keys_of_every_part_of_an_object_count() -> None:
    """Those of stringData and binaryData too, and a Secret of another release."""
    objects = "kind: Secret\nmetadata: {name: s}\nstringData: {A: x}\n"
    both = "kind: ConfigMap\nmetadata: {name: s}\nbinaryData: {B: eA==}\ndata:\n"
    for source in ("{secretKeyRef: {name: s, key: A}}", "{configMapKeyRef: {name: s, key: B}}"):
        other = release(f"{objects}---\n{both}", name="other")
        assert said("DY101", subject(variable(source), other)) == []


@pytest.mark.parametrize(
    ("old", "new", "path", "wanted"),
    [
        (CONFIG, "- configMapRef: {name: web-confg}", "envFrom[0].configMapRef", "ConfigMap 'web-confg'"),
        (CONFIG, "- secretRef: {name: qqq}", "envFrom[0].secretRef", "Secret 'qqq'"),
        (CONFIG, "- configMapRef: {name: web-confg, optional: true}", "", ""),
        (
            ENV,
            "env: [{name: A, valueFrom: {secretKeyRef: {name: qqq, key: k}}}]",
            "env[0].valueFrom.secretKeyRef",
            "Secret 'qqq'",
        ),
    ],
)
def test_a_missing_source_of_variables_is_found(old: str, new: str, path: str, wanted: str) -> None:
    """With the nearest name of the same kind, where one is near."""
    hint = "; did you mean 'web-config'?" if "confg" in wanted else ""
    message = f"{path}: container 'app' takes variables from {wanted}, which no release makes{hint}"
    assert said("DY102", change(old, new)) == ([f"{APP}.{message}"] if path else [])


def test_what_no_release_makes_is_not_known_where_one_does_not_render() -> None:
    """Else one broken chart would be many findings."""
    text = changed(SOUND, CONFIG, "- configMapRef: {name: q}")
    volumes = "volumes: [{name: tmp, secret: {secretName: q}}]"
    text = changed(text, POD, f"{volumes}\n      serviceAccountName: q\n      imagePullSecrets: [{{name: q}}]")
    text = changed(changed(text, URL, "http://qqq"), "selector: {app: web}\n  ports", "selector: {app: q}\n  ports")
    ids = ("DY102", "DY103", "DY104", "DY106", "DY107", "DY201")
    assert [len(find(id_, subject(text))) for id_ in ids] == [1] * 6
    for broken in (release("", name="other", failure="no"), release("", name="other", unreadable={"a": "b"})):
        assert [find(id_, subject(text, broken)) for id_ in ids] == [[]] * 6


ACCOUNT = "---\nkind: ServiceAccount\nmetadata: {name: runner}\n"


@pytest.mark.parametrize(
    ("line", "more", "found"),
    [
        ("serviceAccountName: runner", "", True),
        ("serviceAccount: runner", "", True),
        ("serviceAccountName: runner", ACCOUNT, False),
        ("serviceAccountName: default", "", False),
        ("serviceAccountName: ''", "", False),
    ],
)
def test_a_missing_service_account_is_found(line: str, more: str, found: bool) -> None:  # noqa: FBT001 - a table's column
    """`default` is in every namespace."""
    path = f"{SPEC}.{line.partition(':')[0]}"
    expected = [f"{path}: the pods run as ServiceAccount 'runner', which no release makes"] if found else []
    assert said("DY103", subject(changed(SOUND, POD, f"{POD}\n      {line}") + more)) == expected


@pytest.mark.parametrize(
    ("volume", "path", "wanted"),
    [
        ("configMap: {name: web-confg}", "configMap", "ConfigMap 'web-confg'"),
        ("secret: {secretName: qqq}", "secret", "Secret 'qqq'"),
        ("persistentVolumeClaim: {claimName: qqq}", "persistentVolumeClaim", "PersistentVolumeClaim 'qqq'"),
        ("projected: {sources: [{}, {secret: {name: qqq}}]}", "projected.sources[1].secret", "Secret 'qqq'"),
        ("projected: {sources: [{configMap: {name: web-config}}]}", "", ""),
        ("secret: {secretName: qqq, optional: true}", "", ""),
        ("configMap: {name: web-config}", "", ""),
        ("emptyDir: {}", "", ""),
    ],
)
def test_a_missing_source_of_a_volume_is_found(volume: str, path: str, wanted: str) -> None:
    """Of every kind of volume that is made of an object."""
    hint = "; did you mean 'web-config'?" if "confg" in wanted else ""
    message = f"{path}: the volume is made of {wanted}, which no release makes{hint}"
    looked_at = change(POD, f"volumes: [{{name: tmp, {volume}}}]")
    assert said("DY104", looked_at) == ([f"{SPEC}.volumes[0].{message}"] if path else [])


def test_a_mount_of_no_volume_is_found() -> None:
    """Volumes of a StatefulSet's claims count."""
    assert said("DY105", change("{name: tmp, mountPath: /tmp}", "{name: tpm, mountPath: /tmp}")) == [
        f"{APP}.volumeMounts[0]: it mounts the volume 'tpm', and the pod has: tmp"
    ]
    claims = "spec:\n  volumeClaimTemplates: [{metadata: {name: tmp}}]\n  replicas: 1"
    text = changed(changed(SOUND, "spec:\n  replicas: 1", claims), POD, "volumes: []")
    assert said("DY105", subject(text)) == []


def test_a_missing_pull_secret_is_found() -> None:
    """It only warns: what is loaded is not pulled."""
    pods = f"{POD}\n      imagePullSecrets: [{{name: web-secrets}}, {{name: registry}}]"
    assert said("DY106", change(POD, pods)) == [f"{SPEC}.imagePullSecrets[1]: no release makes the Secret 'registry'"]


HOOK = "annotations: {helm.sh/hook: pre-install}"
MADE = {
    "a hook": f"kind: Secret\nmetadata: {{name: made, {HOOK}}}\ndata: {{KEY: eA==}}\n",
    "cert-manager": "kind: Certificate\nmetadata: {name: web}\nspec: {secretName: made}\n",
    "External Secrets": "kind: ExternalSecret\nmetadata: {name: web}\nspec: {target: {name: made}}\n",
    "External Secrets without a target": "kind: ExternalSecret\nmetadata: {name: made}\nspec: {}\n",
    "Sealed Secrets": "kind: SealedSecret\nmetadata: {name: made}\nspec: {encryptedData: {KEY: AgB}}\n",
}


@pytest.mark.parametrize("made", MADE.values(), ids=MADE)
def test_what_hooks_and_operators_make_is_made(made: str) -> None:
    """Of an operator's Secret the keys are not known; a hook's are."""
    variables = "env: [{name: A, valueFrom: {secretKeyRef: {name: made, key: KEY}}}]"
    volumes = "volumes: [{name: tmp, secret: {secretName: made, items: [{key: KEY}]}}]"
    pods = f"{volumes}\n      imagePullSecrets: [{{name: made}}]"
    text = changed(changed(SOUND, ENV, variables), POD, pods)
    ids = ("DY101", "DY102", "DY104", "DY106", "DY109")
    assert [len(find(id_, subject(text))) for id_ in ids] == [0, 1, 1, 1, 0]
    assert [find(id_, subject(f"{text}---\n{made}")) for id_ in ids] == [[]] * 5
    wrong = subject(f"{text.replace('key: KEY', 'key: WRONG')}---\n{made}")
    assert [len(find(id_, wrong)) for id_ in ids] == ([1, 0, 0, 0, 1] if made is MADE["a hook"] else [0] * 5)


def test_other_objects_of_hooks_are_made_too() -> None:
    """An account that pods run as, and a Service that is asked."""
    account = changed(ACCOUNT, "name: runner", f"name: runner, {HOOK}")
    text = changed(SOUND, POD, f"{POD}\n      serviceAccountName: runner")
    assert said("DY103", subject(text + account)) == []
    service = changed(SERVICE, "  name: api-service\n", f"  name: api-service\n  {HOOK}\n")
    assert said("DY107", subject(changed(SOUND, SERVICE, service))) == []


def test_the_config_map_of_every_namespace_is_there() -> None:
    """Kubernetes puts the certificate of its API server there."""
    for key, found in (("ca.crt", 0), ("ca.pem", 1)):
        volume = f"volumes: [{{name: tmp, configMap: {{name: kube-root-ca.crt, items: [{{key: {key}}}]}}}}]"
        looked_at = change(POD, volume)
        assert [len(find(id_, looked_at)) for id_ in ("DY104", "DY109")] == [0, found]


def test_an_upstream_of_nginx_is_no_service() -> None:
    """It may be declared in another file than the one that names it."""
    files = "a.conf: 'upstream App_Servers {\n server api-service:8000; }'\n  b.conf: 'proxy_pass http://app_servers;'"
    lines = "a.conf: 'upstream appservers { server api-service:8000; }'\n  b.conf: 'proxy_pass http://appservers;'"
    for text, found in ((lines, 0), (files, 0), (lines.replace("upstream", "stream"), 1)):
        assert len(find("DY107", change("LOG_LEVEL: info", text))) == found


@pytest.mark.parametrize(
    ("url", "host", "hint"),
    [
        ("http://api-servce:8000", "api-servce", "did you mean 'api-service'?"),
        ("http://qqq.default.svc.cluster.local", "qqq.default.svc.cluster.local", "there is: api-service"),
        ("http://api-service.default:8000", "", ""),
        ("http://qqq.other.svc.cluster.local", "", ""),
        ("https://api.example.org", "", ""),
        ("https://kubernetes.default.svc", "", ""),
        ("http://localhost:9", "", ""),
    ],
)
def test_a_url_of_no_service_is_found(url: str, host: str, hint: str) -> None:
    """In a ConfigMap, a variable or an argument; hosts elsewhere are nobody's concern."""
    texts = {
        "ConfigMap/web-config: data.API_URL": (URL, url),
        f"{APP}.env[0].value": (ENV, f"env: [{{name: A, value: '{url}'}}]"),
        f"{APP}.args[1]": (ENV, f"args: [--api, '{url}']\n          {ENV}"),
        f"{APP}.command[0]": (ENV, f"command: ['{url}']\n          {ENV}"),
    }
    for path, (old, new) in texts.items():
        message = f"{path}: a URL has the host {host!r}, and no release makes that Service; {hint}"
        expected = [message] if host else []
        assert said("DY107", change(old, new)) == expected


def test_a_password_in_a_url_is_not_repeated() -> None:
    """Only host and port are."""
    (found,) = find("DY107", change(URL, "http://user:hunter2@qqq:80"))
    assert "hunter2" not in repr(found)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://api-service:8001", "a URL asks for port 8001 of Service 'api-service', which has: 8000"),
        ("http://api-service", "a URL asks for port 80 of Service 'api-service', which has: 8000"),
        ("tcp://api-service", ""),
        ("http://qqq:1", ""),
    ],
)
def test_a_port_that_a_service_lacks_is_found(url: str, message: str) -> None:
    """A scheme without a port means one, where it has one."""
    expected = [f"ConfigMap/web-config: data.API_URL: {message}"] if message else []
    assert said("DY108", change(URL, url)) == expected


def test_a_headless_service_has_every_port_of_its_pods() -> None:
    """Its name leads to the pods."""
    headless = changed(SERVICE, "type: NodePort", "clusterIP: None")
    text = changed(changed(SOUND, SERVICE, headless), URL, "http://api-service:9")
    assert said("DY108", subject(text)) == []


@pytest.mark.parametrize(
    ("source", "key"),
    [
        ("configMap: {name: web-config, items: [{key: LOG_LEVEL}, {key: nginx.conf}]}", "nginx.conf"),
        ("projected: {sources: [{secret: {name: web-secrets, items: [{key: a}]}}]}", "a"),
        ("configMap: {name: web-config, optional: true, items: [{key: nginx.conf}]}", ""),
        ("configMap: {name: qqq, items: [{key: nginx.conf}]}", ""),
    ],
)
def test_a_missing_key_of_a_volume_is_found(source: str, key: str) -> None:
    """An object that is not there is another check's."""
    found = said("DY109", change(POD, f"volumes: [{{name: tmp, {source}}}]"))
    assert [f"takes the key {key!r} of" in one for one in found] == ([True] if key else [])
