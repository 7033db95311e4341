"""What a process finds out about where it runs, from an environment and files that are given."""

from __future__ import annotations

import sys

import pytest

from mplog.producer.surroundings import ENRICHERS, read

ID = "4f" * 32
POD = "0f9d3c1e-6d1b-4c5e-9a57-2f64b1a7d001"


def nothing(path: str) -> str:
    """No file is there."""
    return ""


def files(**contents):
    """A reader of the files whose names end in what is given."""
    return lambda path: contents.get(path.rpartition("/")[2], "")


@pytest.mark.parametrize(
    ("environ", "fields"),
    [
        ({}, {}),
        ({"RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "8", "SLURM_PROCID": "0"},
         {"rank": 3, "local_rank": 1, "world_size": 8, "group_rank": ""}),
        ({"RANK": "colonel", "OMPI_COMM_WORLD_RANK": "2", "OMPI_COMM_WORLD_LOCAL_RANK": "0",
          "OMPI_COMM_WORLD_SIZE": "4"}, {"rank": 2, "local_rank": 0, "world_size": 4}),
        ({"PMI_RANK": "5"}, {"rank": 5, "local_rank": "", "world_size": ""}),
        ({"SLURM_PROCID": "7", "SLURM_LOCALID": "1", "SLURM_NTASKS": "16"},
         {"rank": 7, "local_rank": 1, "world_size": 16}),
    ],
)  # fmt: skip
def test_the_rank_is_told_by_what_has_started_the_ranks(environ, fields):
    """The nearest first: torchrun inside of a SLURM job counts its own."""
    assert fields == ENRICHERS["rank"](environ, nothing)


def test_a_job_of_slurm_is_told_under_the_names_of_its_variables():
    """What is not set has no field."""
    environ = {"SLURM_JOB_ID": "991", "SLURM_ARRAY_TASK_ID": "4", "SLURMD_NODENAME": "n17"}
    assert {"slurm.job_id": 991, "slurm.array_task_id": 4, "slurm.nodename": "n17"} == ENRICHERS[
        "slurm"
    ](environ, nothing)
    assert {} == ENRICHERS["slurm"]({"SLURM_JOB_ID": ""}, nothing)


def test_a_service_is_called_as_opentelemetry_is_told():
    """By its own variable first, then by the resource's attributes, undone from percent signs."""
    environ = {
        "OTEL_RESOURCE_ATTRIBUTES": "service.name=shop%20two, service.version=1.4 ,x,"
        "deployment.environment=test,deployment.environment.name=staging"
    }
    assert {"service.name": "shop two"} == ENRICHERS["service"](environ, nothing)
    assert {"service.version": "1.4"} == ENRICHERS["version"](environ, nothing)
    assert {"service.environment": "staging"} == ENRICHERS["environment"](environ, nothing)
    named = {**environ, "OTEL_SERVICE_NAME": "shop"}
    assert {"service.name": "shop"} == ENRICHERS["service"](named, nothing)
    assert ENRICHERS["service"]({}, nothing)["service.name"], "the program's, where nobody says"


@pytest.mark.parametrize(
    ("argv", "name"),
    [
        (["/srv/shop/__main__.py"], "shop"),
        (["/srv/app.py", "x"], "app"),
        (["-c"], "python"),
        ([], "python"),
    ],
)
def test_a_service_that_nobody_names_is_called_as_its_program(monkeypatch, argv, name):
    """A package that is run by `python -m` has its own name."""
    monkeypatch.setattr(sys, "argv", argv)
    assert {"service.name": name} == ENRICHERS["service"]({}, nothing)


@pytest.mark.parametrize(
    ("cgroup", "mountinfo"),
    [
        (f"12:cpu:/docker/{ID}\n", ""),
        (f"0::/system.slice/docker-{ID}.scope\n", ""),
        (f"0::/kubepods.slice/kubepods-pod{POD}.slice/cri-containerd-{ID}.scope\n", ""),
        ("0::/\n", f"9 8 254:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - ext4\n"),
        ("", f"9 8 0:2 /overlay-containers/{ID}/userdata/hosts /etc/hosts rw - tmpfs tmpfs rw\n"),
    ],
)
def test_a_container_is_known_by_its_group_or_its_mounts(cgroup, mountinfo):
    """Docker, systemd, containerd, podman; the second form where the group is not to be seen."""
    told = ENRICHERS["container"]({}, files(cgroup=cgroup, mountinfo=mountinfo))
    assert {"container.id": ID} == told


@pytest.mark.parametrize("cgroup", ["", "0::/\n", "0::/user.slice\n", f"0::/a{ID}0\n", "\xff\0:::"])
def test_outside_of_a_container_there_is_none(cgroup):
    """Nor in lines that make no sense."""
    assert {"container.id": ""} == ENRICHERS["container"]({}, files(cgroup=cgroup))


def test_a_pod_is_told_with_its_namespace_and_node():
    """By the downward API, the service account's file, and what kubelet has mounted."""
    mounts = f"7 6 8:1 /var/lib/kubelet/pods/{POD}/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n"
    mounts += f"8 6 8:1 /var/lib/kubelet/pods/{POD}/containers/web/1a2b /dev/termination-log rw -\n"
    environ = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "POD_NAME": "web-7", "NODE_NAME": "n2"}
    told = ENRICHERS["container"](environ, files(mountinfo=mounts, namespace="prod\n"))
    assert {
        "container.id": "", "k8s.pod.name": "web-7", "k8s.pod.uid": POD,
        "k8s.namespace.name": "prod", "k8s.node.name": "n2", "k8s.container.name": "web",
    } == told  # fmt: skip


def test_a_file_that_cannot_be_read_says_nothing(tmp_path):
    """And of one that never ends a bounded part is read."""
    assert "" == read(str(tmp_path / "none")) == read(str(tmp_path))
    assert 256 << 10 == len(read("/dev/zero"))
