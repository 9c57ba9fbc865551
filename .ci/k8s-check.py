"""What .ci/k8s checks of k8s/: that its files are whole, that the API takes what they render to, and that the parts fit
each other and the code. `tree FOLDER` or `rendered OVERLAY FILE FOLDER-FOR-THE-RULES VERSION…`."""

import functools
import ipaddress
import pathlib
import re
import sys

import kubernetes_validate
import yaml

faults = []


def fault(where, what):
    faults.append(f"{where}: {what}")


def name_of(it):
    return f"{it['kind']} {it['metadata']['name']}"


# --- the files ---------------------------------------------------------------------------------------------------------


def tree(root):
    """Every entry of every kustomization is a file or folder here, and every file is an entry."""
    root = pathlib.Path(root).resolve()
    used = set()
    for file in sorted(root.rglob("kustomization.yaml")):
        used.add(file)
        it = yaml.safe_load(file.read_text())
        entries = it.get("resources", []) + it.get("components", [])
        entries += [patch["path"] for patch in it.get("patches", []) if "path" in patch]
        for generator in it.get("configMapGenerator", []):
            # A file may be given another name: `NAME=FILE`.
            entries += generator.get("envs", []) + [entry.rpartition("=")[2] for entry in generator.get("files", [])]
        for entry in entries:
            path = (file.parent / entry).resolve()
            if not path.is_relative_to(root) or not path.exists():
                fault(file.relative_to(root), f"{entry} is not here")
            used.add(path)
    for file in sorted(root.rglob("*")):
        if file.is_file() and file not in used and not file.name.endswith(".test.yaml"):
            fault(file.relative_to(root), "no kustomization names it")


def kustomizations(folder):
    """An overlay's, and all that it is made of."""
    file = folder / "kustomization.yaml"
    it = yaml.safe_load(file.read_text())
    yield file, it
    for entry in it.get("resources", []) + it.get("components", []):
        if (folder / entry).is_dir():
            yield from kustomizations((folder / entry).resolve())


def targets(overlay, everything):
    """kustomize says nothing of a patch whose target is not there."""
    for file, it in kustomizations(pathlib.Path(overlay).resolve()):
        for patch in it.get("patches", []):
            target = patch.get("target")
            if target is None:
                continue
            wanted = dict(label.split("=") for label in target.get("labelSelector", "").split(",") if label)
            if not any(
                one["kind"] == target["kind"]
                and re.fullmatch(target.get("name", ".*"), one["metadata"]["name"])
                and selects({"matchLabels": wanted}, one["metadata"].get("labels", {}))
                for one in everything
            ):
                fault(f"{file.parent.name}/{file.name}", f"a patch has no target: {target}")


# --- what is rendered --------------------------------------------------------------------------------------------------

# Kinds of KEDA and the Prometheus Operator have no schema here: only that these fields are there, with these types.
CUSTOM = {
    ("keda.sh/v1alpha1", "ScaledObject"): {
        "spec.scaleTargetRef.name": str, "spec.minReplicaCount": int, "spec.maxReplicaCount": int, "spec.triggers": list,
    },
    ("keda.sh/v1alpha1", "TriggerAuthentication"): {"spec.secretTargetRef": list},
    ("monitoring.coreos.com/v1", "ServiceMonitor"): {"spec.selector.matchLabels": dict, "spec.endpoints": list},
    ("monitoring.coreos.com/v1", "PrometheusRule"): {"spec.groups": list},
}


def at(it, path):
    for part in path.split("."):
        it = it.get(part) if isinstance(it, dict) else None
    return it


def validate(it, version):
    custom = CUSTOM.get((it["apiVersion"], it["kind"]))
    if custom is not None:
        for path, kind in custom.items():
            if not isinstance(at(it, path), kind):
                fault(name_of(it), f"{path} is no {kind.__name__}")
        return
    try:
        kubernetes_validate.validate(it, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        fault(name_of(it), f"Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message}")
    except kubernetes_validate.SchemaNotFoundError as error:
        fault(name_of(it), error.message)


def restricted(it, pod):
    """The Pod Security Standard "restricted", as far as these pods could break it."""
    context = pod.get("securityContext", {})
    # Without a number: the image's own, or one that the cluster sets (OpenShift).
    if context.get("runAsNonRoot") is not True or context.get("runAsUser") == 0:
        fault(name_of(it), "may run as root")
    if at(context, "seccompProfile.type") != "RuntimeDefault":
        fault(name_of(it), "no seccomp profile")
    if any(pod.get(one) for one in ("hostNetwork", "hostPID", "hostIPC")):
        fault(name_of(it), "shares something with its node")
    if pod.get("automountServiceAccountToken") is not False:
        fault(name_of(it), "gets a service account's token")
    for volume in pod.get("volumes", []):
        if not {"configMap", "emptyDir", "projected", "secret", "persistentVolumeClaim"} & volume.keys():
            fault(name_of(it), f"volume {volume['name']} is of a kind that is not allowed")
    for container in pod["containers"] + pod.get("initContainers", []):
        own = container.get("securityContext", {})
        if own.get("allowPrivilegeEscalation") is not False or at(own, "capabilities.drop") != ["ALL"]:
            fault(name_of(it), f"container {container['name']} keeps privileges")
        if is_ours(it) and own.get("readOnlyRootFilesystem") is not True:
            fault(name_of(it), "can write to its root file system")


def is_ours(it):
    return it["metadata"].get("labels", {}).get("app.kubernetes.io/name") == "cdn-broker"


def selects(selector, labels):
    """A LabelSelector, as far as it is used here."""
    for key, value in (selector.get("matchLabels") or {}).items():
        if labels.get(key) != value:
            return False
    for expression in selector.get("matchExpressions", []):
        if expression["operator"] != "In" or labels.get(expression["key"]) not in expression["values"]:
            return False
    return True


@functools.cache
def code():
    """The program's own source: the only authority on names of settings."""
    files = [file for folder in ("services", "shared") for file in pathlib.Path(folder).rglob("src/**/*.rs")]
    return "\n".join(file.read_text() for file in files)


def is_setting(name):
    """A variable is either written out, or clap makes it from the field's name; a secret's has `_FILE` added."""
    names = {name, name.removesuffix("_FILE")}
    return any(re.search(rf"\b{one}\b|\b{one.lower()}:", code()) for one in names)


# Where the instance metadata service and the agents of ECS and EKS are.
HANDS_OUT_CREDENTIALS = [ipaddress.ip_network(block) for block in ("169.254.0.0/16", "fd00:ec2::/32")]
# Who else could use AWS credentials, and has none.
NO_AWS = ("broker-api", "challenge-verifier", "certificate-issuer")


def credentials(it, pods):
    """What hands out AWS credentials is reached by address, for HTTP alone, by the services that talk to AWS alone; and docs tell of it."""
    page = pathlib.Path("docs/operators/credentials.md").read_text()
    for rule in it["spec"].get("egress", []):
        for block in [ipaddress.ip_network(peer["ipBlock"]["cidr"]) for peer in rule.get("to", []) if "ipBlock" in peer]:
            if not any(block.version == known.version and block.subnet_of(known) for known in HANDS_OUT_CREDENTIALS):
                continue
            if block.num_addresses != 1 or [port["port"] for port in rule["ports"]] != [80]:
                fault(name_of(it), f"{block} is more than one address at port 80")
            if str(block.network_address) not in page:
                fault(name_of(it), f"docs/operators/credentials.md says nothing of {block.network_address}")
            for labels in pods:
                if labels.get("app.kubernetes.io/component") in NO_AWS and selects(it["spec"]["podSelector"], labels):
                    fault(name_of(it), f"lets {labels['app.kubernetes.io/component']} have AWS credentials")


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text).group(1))


def rendered(overlay, file, rules_folder, versions):
    everything = [it for it in yaml.safe_load_all(pathlib.Path(file).read_text()) if it]
    where = pathlib.Path(file).stem
    targets(overlay, everything)
    docs = pathlib.Path("docs/kubernetes.md").read_text()

    def all_of(kind):
        return [it for it in everything if it["kind"] == kind]

    def exists(kind, name):
        return any(it["metadata"]["name"] == name for it in all_of(kind))

    for version in versions:
        for it in everything:
            validate(it, version)

    workloads = all_of("Deployment") + all_of("StatefulSet")
    pods = [it["spec"]["template"]["metadata"]["labels"] for it in workloads]

    def selects_a_pod(it, selector):
        if not any(selects(selector, labels) for labels in pods):
            fault(name_of(it), f"selects no pod: {selector}")

    for it in workloads:
        pod = it["spec"]["template"]["spec"]
        restricted(it, pod)
        if not selects(it["spec"]["selector"], it["spec"]["template"]["metadata"]["labels"]):
            fault(name_of(it), "does not select its own pods")
        account = pod.get("serviceAccountName")
        if account and not exists("ServiceAccount", account):
            fault(name_of(it), f"there is no ServiceAccount {account}")
        secrets = re.findall(r"'secretRef': \{'name': '([^']+)'|'secretKeyRef': \{[^}]*'name': '([^']+)'", str(pod))
        secrets += [(at(volume, "secret.secretName"),) for volume in pod.get("volumes", []) if "secret" in volume]
        for volume in pod.get("volumes", []):
            secrets += [(source["secret"]["name"],) for source in at(volume, "projected.sources") or [] if "secret" in source]
        for secret in {name for found in secrets for name in found if name}:
            if secret not in docs:
                fault(name_of(it), f"docs/kubernetes.md says nothing of the Secret {secret}")
        for container in pod["containers"]:
            mounted = {mount["name"] for mount in container.get("volumeMounts", [])}
            volumes = {volume["name"] for volume in pod.get("volumes", [])}
            volumes |= {claim["metadata"]["name"] for claim in it["spec"].get("volumeClaimTemplates", [])}
            if mounted != volumes:
                fault(name_of(it), f"volumes and mounts differ: {sorted(mounted ^ volumes)}")
            ports = {port["name"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                port = at(container, f"{probe}.httpGet.port") or at(container, f"{probe}.tcpSocket.port")
                if port and port not in ports:
                    fault(name_of(it), f"{probe}: no port {port}")
            if is_ours(it):
                service(it, pod, container, exists, all_of)

    for it in all_of("Service"):
        selects_a_pod(it, {"matchLabels": it["spec"]["selector"]})
    for it in all_of("NetworkPolicy"):
        credentials(it, pods)
        if it["spec"]["podSelector"]:
            selects_a_pod(it, it["spec"]["podSelector"])
        for peer in [peer for rule in it["spec"].get("ingress", []) + it["spec"].get("egress", [])
                     for peer in rule.get("from", []) + rule.get("to", [])]:
            if "podSelector" in peer and "namespaceSelector" not in peer:
                selects_a_pod(it, peer["podSelector"])
    if not any(it["spec"]["podSelector"] == {} and "ingress" not in it["spec"] and "egress" not in it["spec"]
               and sorted(it["spec"]["policyTypes"]) == ["Egress", "Ingress"] for it in all_of("NetworkPolicy")):
        fault(where, "nothing is denied by default")
    for it in all_of("PodDisruptionBudget"):
        selects_a_pod(it, it["spec"]["selector"])
    for it in all_of("HorizontalPodAutoscaler") + all_of("ScaledObject"):
        target = it["spec"]["scaleTargetRef"]["name"]
        deployment = next((one for one in all_of("Deployment") if one["metadata"]["name"] == target), None)
        if deployment is None:
            fault(name_of(it), f"there is no Deployment {target}")
        elif "replicas" in deployment["spec"]:
            fault(name_of(it), f"the Deployment {target} has `replicas`, which each apply would put back")
        for trigger in it["spec"].get("triggers", []):
            if not exists("TriggerAuthentication", trigger["authenticationRef"]["name"]):
                fault(name_of(it), "there is no such TriggerAuthentication")
            prefix, _, worker = trigger["metadata"]["queueName"].partition(".")
            if f'format!("{prefix}.{{}}", service.as_str())' not in code() or not pathlib.Path("services", worker).is_dir():
                fault(name_of(it), f"no queue {trigger['metadata']['queueName']} in the code")
    for it in all_of("TriggerAuthentication"):
        for reference in it["spec"]["secretTargetRef"]:
            if reference["name"] not in docs:
                fault(name_of(it), f"docs/kubernetes.md says nothing of the Secret {reference['name']}")
    for it in all_of("Ingress"):
        for path in [path for rule in it["spec"]["rules"] for path in rule["http"]["paths"]]:
            if not exists("Service", at(path, "backend.service.name")):
                fault(name_of(it), f"{path['path']} leads to no Service")
            if at(path, "backend.service.port.name") != "http":
                fault(name_of(it), f"{path['path']} leads to a port that is for the inside")
            if any(inner.startswith(path["path"]) for inner in ("/metrics", "/healthz", "/readyz")):
                fault(name_of(it), f"{path['path']} shows the world what has no password")
    for it in all_of("ServiceMonitor"):
        selected = [one for one in all_of("Service") if selects(it["spec"]["selector"], one["metadata"].get("labels", {}))]
        if not selected:
            fault(name_of(it), "selects no Service")
        for one, port in [(one, endpoint["port"]) for one in selected for endpoint in it["spec"]["endpoints"]]:
            if port not in {known["name"] for known in one["spec"]["ports"]}:
                fault(name_of(it), f"the Service {one['metadata']['name']} has no port {port}")
    for it in all_of("PrometheusRule"):
        (pathlib.Path(rules_folder) / "rules.yaml").write_text(yaml.safe_dump(it["spec"]))
    for it in all_of("Secret"):
        fault(name_of(it), "a secret must not be made from what is in git")

    custom = sum((it["apiVersion"], it["kind"]) in CUSTOM for it in everything)
    print(f"k8s: {where}: {len(everything) - custom} objects against the API of {' and '.join(versions)}, "
          f"{custom} of KEDA and the Prometheus Operator by their shape alone")


def service(it, pod, container, exists, all_of):
    """What is particular to the services."""
    variables = {variable["name"] for variable in container.get("env", [])}
    for reference in [source["configMapRef"]["name"] for source in container["envFrom"] if "configMapRef" in source]:
        if not exists("ConfigMap", reference):
            fault(name_of(it), f"there is no ConfigMap {reference}")
            continue
        data = next(one for one in all_of("ConfigMap") if one["metadata"]["name"] == reference)["data"]
        missing = {"LISTEN", "HEALTH_LISTEN", "SHUTDOWN_GRACE"} - data.keys()
        if missing:
            fault(name_of(it), f"not in the ConfigMap: {sorted(missing)}")
            continue
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        listens = {"health": data["HEALTH_LISTEN"]}
        if it["metadata"]["name"] == "broker-api":
            listens["http"] = data["LISTEN"]
            if data.get("OPERATOR_LISTEN"):
                listens["operator"] = data["OPERATOR_LISTEN"]
        if it["metadata"]["name"] == "dns-responder":
            listens |= {"dns": data["DNS_LISTEN"], "dns-tcp": data["DNS_LISTEN"]}
        if {name: int(address.rsplit(":", 1)[1]) for name, address in listens.items()} != ports:
            fault(name_of(it), f"its ports are {ports}, the ConfigMap has {listens}")
        variables |= data.keys()
        needs = seconds(data["SHUTDOWN_GRACE"]) + (at(container, "lifecycle.preStop.sleep.seconds") or 0) + 20
        if pod.get("terminationGracePeriodSeconds", 30) < needs:
            fault(name_of(it), f"terminationGracePeriodSeconds has to be {needs} or more")
    for name in sorted(variables):
        if not is_setting(name):
            fault(name_of(it), f"{name} is no setting")
    binary = container["command"][0].rsplit("/", 1)[-1]
    if binary != it["metadata"]["name"] or not pathlib.Path("services", binary).is_dir():
        fault(name_of(it), f"{binary} is not this service's program")


# The schemas are megabytes, and read anew for each object otherwise.
kubernetes_validate.utils.schema_contents = functools.cache(kubernetes_validate.utils.schema_contents)

match sys.argv[1:]:
    case ["tree", folder]:
        tree(folder)
    case ["rendered", overlay, file, rules_folder, *versions]:
        rendered(overlay, file, rules_folder, versions)
    case _:
        sys.exit(__doc__)
for line in dict.fromkeys(faults):
    print(f"k8s: FAULT: {line}", file=sys.stderr)
sys.exit(1 if faults else 0)
