"""Where a process runs, as fields: of its machine, its container, its cluster, its release.

Read from the environment and a few files, once a process; what is not there gives no field.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any

_MOST_BYTES = 256 << 10
_CGROUP, _MOUNTS = "/proc/self/cgroup", "/proc/self/mountinfo"
_NAMESPACE = "/var/run/secrets/kubernetes.io/serviceaccount/namespace"
_ID = r"[0-9a-f]{64}"
# docker, podman and cri-o mount what they have made for a container from a place with its id.
_MOUNTED = re.compile(rf"/(?:overlay-)?containers/({_ID})/\S* /etc/\S+ ")
_POD = re.compile(r"/pods/([0-9a-f][0-9a-f_-]{30,40})/(?:containers/([a-z0-9-]{1,63})/)?")
_SLURM = (
    "SLURM_JOB_ID SLURM_JOB_NAME SLURM_ARRAY_JOB_ID SLURM_ARRAY_TASK_ID SLURM_STEP_ID SLURM_PROCID "
    "SLURM_LOCALID SLURM_NODEID SLURM_NTASKS SLURM_NNODES SLURM_RESTART_COUNT SLURM_CLUSTER_NAME "
    "SLURMD_NODENAME"
)
# What starts the ranks says who is who: torchrun, Open MPI, PMIx and PMI, SLURM; the nearest first.
_RANKS = (
    ("RANK", "LOCAL_RANK", "WORLD_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMIX_RANK", "", ""),
    ("PMI_RANK", "MPI_LOCALRANKID", "PMI_SIZE"),
    ("SLURM_PROCID", "SLURM_LOCALID", "SLURM_NTASKS"),
)
_RESOURCE = {
    "service": ("service.name",),
    "version": ("service.version",),
    "environment": ("deployment.environment.name", "deployment.environment"),
}
FIELDS = {
    "host": "host.name",
    "service": "service.name",
    "version": "service.version",
    "environment": "service.environment",
    "container": "container.id",
}
Environ = Mapping[str, str]
Read = Callable[[str], str]


def read(path: str) -> str:
    """The text of a small file; nothing where it cannot be had."""
    try:
        with open(path, "rb") as file:
            return file.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def host(environ: Environ, read: Read) -> dict[str, Any]:
    """The machine's name, or the container's."""
    return {"host.name": os.uname().nodename}


def service(environ: Environ, read: Read) -> dict[str, Any]:
    """The program's name: as OpenTelemetry is told it, else that of what was started."""
    name = environ.get("OTEL_SERVICE_NAME", "").strip() or _resource(environ, "service")
    return {"service.name": name or _program(sys.argv)}


def version(environ: Environ, read: Read) -> dict[str, Any]:
    """The program's version, as OpenTelemetry is told it."""
    return {"service.version": _resource(environ, "version")}


def environment(environ: Environ, read: Read) -> dict[str, Any]:
    """Where it is deployed, as OpenTelemetry is told it."""
    return {"service.environment": _resource(environ, "environment")}


def container(environ: Environ, read: Read) -> dict[str, Any]:
    """The container, and in Kubernetes its pod."""
    cgroup, mounts = read(_CGROUP), read(_MOUNTS)
    fields: dict[str, Any] = {"container.id": _container_id(cgroup, mounts)}
    pod = _POD.search(mounts)
    if environ.get("KUBERNETES_SERVICE_HOST") or pod:
        named = max(_POD.findall(mounts), key=lambda found: len(found[1]), default=("", ""))
        fields["k8s.pod.name"] = environ.get("POD_NAME") or os.uname().nodename
        fields["k8s.pod.uid"] = named[0].replace("_", "-")
        fields["k8s.namespace.name"] = environ.get("POD_NAMESPACE") or read(_NAMESPACE).strip()
        fields["k8s.node.name"] = environ.get("NODE_NAME", "")
        fields["k8s.container.name"] = named[1]
    return fields


def slurm(environ: Environ, read: Read) -> dict[str, Any]:
    """The job, its step and this task of it, under the names of their variables."""
    pairs = [(name, environ.get(name, "")) for name in _SLURM.split()]
    return {
        f"slurm.{name.partition('_')[2].lower()}": _number(value) for name, value in pairs if value
    }


def rank(environ: Environ, read: Read) -> dict[str, Any]:
    """Which of a job's processes this is, and how many there are."""
    for names in _RANKS:
        found = [_number(environ.get(name, "")) for name in names]
        if isinstance(found[0], int):
            fields = dict(zip(("rank", "local_rank", "world_size"), found, strict=True))
            if names[0] == "RANK":
                fields["group_rank"] = _number(environ.get("GROUP_RANK", ""))
            return fields
    return {}


ENRICHERS: dict[str, Callable[[Environ, Read], dict[str, Any]]] = {
    "host": host,
    "service": service,
    "version": version,
    "environment": environment,
    "container": container,
    "slurm": slurm,
    "rank": rank,
}


def _container_id(cgroup: str, mounts: str) -> str:
    """From the path of its group, where that is to be seen, else from what is mounted for it."""
    for line in cgroup.splitlines():
        found = re.findall(rf"(?<![0-9a-f])({_ID})(?![0-9a-f])", line.rpartition(":")[2])
        if found:
            return str(found[-1])
    mounted = _MOUNTED.search(mounts)
    return mounted[1] if mounted else ""


def _resource(environ: Environ, what: str) -> str:
    given = environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    pairs = [pair.partition("=") for pair in given.split(",")]
    found = {name.strip(): value.strip() for name, _, value in pairs}
    text = next((found[name] for name in _RESOURCE[what] if found.get(name)), "")
    if "%" not in text:
        return text
    from urllib.parse import unquote  # seldom

    return unquote(text)


def _number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else text


def _program(argv: list[str]) -> str:
    path = argv[0] if argv else ""
    if os.path.basename(path) == "__main__.py":  # python -m package
        path = os.path.dirname(path)
    name = os.path.basename(path).removesuffix(".py")
    return name if name not in ("", "-c", "-m") else "python"
