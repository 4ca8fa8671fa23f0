"""Lints and renders the Helm chart by Helm's own library, and checks what it makes.

Objects of Kubernetes are held against its schemas, strictly; those of operators (KEDA, Prometheus) have
none at the registries, so only what the chart says of them is checked. Run by `run`.
"""

import itertools
import json
import pathlib
import re
import sys

import helm_python as helm
import kubernetes_validate
import yaml

PROJECT = pathlib.Path(__file__).resolve().parents[2]
CHART = PROJECT / "deploy/helm/dossier"
VERSIONS = ("1.27", "1.33", "1.37")
OF_OPERATORS = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}


def values_of(name):
    return helm.values_from_yaml((CHART / f"ci/{name}.yaml").read_text())


def merged(base, **changes):
    return {**values_of(base), **changes}


def rendered(values, name="documents"):
    """The objects that an installation with these values makes."""
    with helm.Chart.load(str(CHART)) as chart:
        chart.validate_schema(values)
        texts = chart.render(values, name=name, namespace="production", is_install=True)
    objects = []
    for path, text in sorted(texts.items()):
        if path.endswith(".yaml"):
            objects += [one for one in yaml.safe_load_all(text) if one]
    return objects


def of_kind(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def pods(objects):
    """The pods of all roles: their labels and specifications."""
    templates = [one["spec"]["template"] for one in of_kind(objects, "Deployment", "Job")]
    return [(one["metadata"]["labels"], one["spec"]) for one in templates]


def matches(selector, labels):
    return all(labels.get(name) == value for name, value in selector.items())


# --- what holds of every rendering ----------------------------------------------------------------


def kubernetes_takes_it(objects):
    for one, version in itertools.product(objects, VERSIONS):
        if one["kind"] not in OF_OPERATORS:
            kubernetes_validate.validate(one, version, strict=True)


def names_are_unique(objects):
    names = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(names) == len(set(names)), names
    for kind, name in names:
        assert re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name), (kind, name)


def every_pod_is_hardened(objects):
    assert pods(objects)
    for _, spec in pods(objects):
        security = spec["securityContext"]
        assert security["runAsNonRoot"] and security["seccompProfile"] == {"type": "RuntimeDefault"}
        assert security["runAsUser"] == security["runAsGroup"] == 10001
        assert spec["automountServiceAccountToken"] is False
        (container,) = spec["containers"]
        own = container["securityContext"]
        assert own["readOnlyRootFilesystem"] and not own["allowPrivilegeEscalation"]
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not container["image"].endswith((":", ":latest"))
        assert container["envFrom"][0]["secretRef"]["name"]


def every_selector_finds_its_pods(objects):
    labels = [labels for labels, _ in pods(objects)]
    for one in of_kind(objects, "Deployment"):
        selector = one["spec"]["selector"]["matchLabels"]
        assert sum(matches(selector, found) for found in labels) == 1, selector
        assert matches(selector, one["spec"]["template"]["metadata"]["labels"])
    for one in of_kind(objects, "PodDisruptionBudget"):
        selector = one["spec"]["selector"]["matchLabels"]
        assert sum(matches(selector, found) for found in labels) == 1, selector
    for one in of_kind(objects, "Service"):
        for port in one["spec"]["ports"]:
            chosen = [
                spec
                for found, spec in pods(objects)
                if matches(one["spec"]["selector"], found)
            ]
            assert chosen, one["metadata"]["name"]
            for spec in chosen:
                offered = {offer["name"] for offer in spec["containers"][0]["ports"]}
                assert port["targetPort"] in offered, (one["metadata"]["name"], offered)
    for one in of_kind(objects, "ServiceMonitor"):
        selector = one["spec"]["selector"]["matchLabels"]
        found = [
            service
            for service in of_kind(objects, "Service")
            if matches(selector, service["metadata"]["labels"])
        ]
        assert len(found) == 1 and found[0]["spec"]["ports"][0]["name"] == "ops", found


def every_scaler_scales_what_has_no_number(objects):
    scaled = set()
    for one in of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject"):
        scaled.add(one["spec"]["scaleTargetRef"]["name"])
        spec = one["spec"]
        least = spec.get("minReplicas", spec.get("minReplicaCount"))
        assert least <= spec.get("maxReplicas", spec.get("maxReplicaCount"))
    for one in of_kind(objects, "Deployment"):
        assert ("replicas" in one["spec"]) != (one["metadata"]["name"] in scaled), one["metadata"]
    for one in of_kind(objects, "ScaledObject"):
        (trigger,) = one["spec"]["triggers"]
        assert "dossier_queue_oldest_seconds" in trigger["metadata"]["query"]


def every_setting_is_known(objects):
    manual = (PROJECT / "docs/OPERATIONS.md").read_text()
    known = set(re.findall(r"DOSSIER_[A-Z_]+", manual))
    for _, spec in pods(objects):
        names = [one["name"] for one in spec["containers"][0]["env"]]
        assert len(names) == len(set(names)), names
        unknown = {name for name in names if name.startswith("DOSSIER_")} - known
        assert not unknown, unknown


def every_role_waits_long_enough(objects):
    for one in of_kind(objects, "Deployment"):
        spec = one["spec"]["template"]["spec"]
        (container,) = spec["containers"]
        assert spec["terminationGracePeriodSeconds"] >= 45
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert container[probe]["httpGet"]["port"] == "ops"
        assert container["livenessProbe"]["httpGet"]["path"] == "/health/live"
        assert container["readinessProbe"]["httpGet"]["path"] == "/health/ready"


ALWAYS = [
    kubernetes_takes_it,
    names_are_unique,
    every_pod_is_hardened,
    every_selector_finds_its_pods,
    every_scaler_scales_what_has_no_number,
    every_setting_is_known,
    every_role_waits_long_enough,
]


# --- what holds of some values --------------------------------------------------------------------


def environment(objects, component):
    (spec,) = [
        spec for labels, spec in pods(objects) if labels["app.kubernetes.io/component"] == component
    ]
    return {one["name"]: one["value"] for one in spec["containers"][0]["env"]}


def the_least_serves_all_queues(objects):
    workers = [
        environment(objects, labels["app.kubernetes.io/component"])
        for labels, _ in pods(objects)
        if "worker" in labels["app.kubernetes.io/component"]
    ]
    # Without a choice a worker serves all queues.
    assert any("DOSSIER_QUEUES" not in worker for worker in workers), workers
    assert any(worker.get("DOSSIER_QUEUES") == "ingest" for worker in workers), workers
    kinds = {one["kind"] for one in objects}
    assert {"NetworkPolicy", "PodDisruptionBudget", "Job"} <= kinds, kinds
    assert not kinds & {"Ingress", "Secret", *OF_OPERATORS}, kinds


def the_most_has_everything(objects):
    kinds = {one["kind"] for one in objects}
    wanted = {"Ingress", "HorizontalPodAutoscaler", "ConfigMap", *OF_OPERATORS}
    assert wanted <= kinds, kinds
    own = environment(objects, "api")
    assert own["DOSSIER_MAX_CONNECTIONS"] == "4096", own
    assert environment(objects, "worker-bulk")["DOSSIER_MAX_CONNECTIONS"] == "10000000"
    assert own["DOSSIER_JWT_CREATE_USERS"] == "true", own
    (rule,) = of_kind(objects, "PrometheusRule")
    alerts = [one for group in rule["spec"]["groups"] for one in group["rules"] if "alert" in one]
    assert len(alerts) > 15
    (dashboard,) = of_kind(objects, "ConfigMap")
    assert json.loads(dashboard["data"]["dossier.json"])["panels"]


def wrong_values_are_refused():
    settings = values_of("least")["settings"]
    wrong = {
        "no secret": {"settings": settings},
        "an empty secret": merged("least", existingSecret=""),
        "no storage": merged("least", settings={"DOSSIER_QUEUE_URL": "redis://redis"}),
        "local storage": merged(
            "least", settings={**settings, "DOSSIER_STORAGE_URL": "file:///data"}
        ),
        "a secret among the settings": merged(
            "least", settings={**settings, "DOSSIER_DATABASE_URL": "postgres://a:b@c/d"}
        ),
        "an unknown value": merged("least", replicas=3),
        "a list of queues as one": merged("least", workers={"one": {"queues": ["a,b"]}}),
        "the newest image, whatever it is": merged("least", image={"tag": "latest"}),
        "a shutdown that is cut off": merged("least", terminationGracePeriodSeconds=10),
        "an API scaled by the age of queues": merged(
            "least", api={"autoscaling": {"kind": "keda", "max": 3}}
        ),
        "a way in without a host": merged("least", ingress={"enabled": True}),
    }
    for name, values in wrong.items():
        try:
            rendered(values)
        except helm.HelmError:
            continue
        raise AssertionError(f"{name} is not refused")
    return len(wrong)


def main():
    cases = {
        "least": (values_of("least"), the_least_serves_all_queues),
        "most": (values_of("most"), the_most_has_everything),
        "without an account of its own": (
            merged("least", serviceAccount={"create": False}),
            lambda objects: of_kind(objects, "ServiceAccount") and sys.exit("an account"),
        ),
        "one worker for everything": (
            merged(
                "least",
                workers={
                    "ingest": {"queues": [], "replicas": 3},
                    "bulk": None,
                    "every": None,
                },
            ),
            lambda objects: None,
        ),
    }
    number = 0
    for name, (values, holds) in cases.items():
        report = helm.lint(str(CHART), values, strict=True)
        found = [one for one in report["messages"] if one["severity"] >= 2]
        assert not found and not report["errors"], (name, report)
        for release in ("documents", "dossier", "a-release-whose-name-is-as-long-as-helm-allows-it"):
            objects = rendered(values, release)
            number += len(objects)
            for check in ALWAYS:
                try:
                    check(objects)
                except Exception as error:
                    raise AssertionError(f"{name}, {release}: {check.__name__}: {error}") from error
            holds(objects)
    refused = wrong_values_are_refused()
    version = helm.helm_sdk_version()
    print(
        f"the chart is linted and rendered by Helm {version} in {len(cases)} ways: {number} objects hold "
        f"against Kubernetes {', '.join(VERSIONS)}; {refused} wrong values are refused"
    )


if __name__ == "__main__":
    main()
