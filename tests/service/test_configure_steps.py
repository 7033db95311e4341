"""What configure() looks at before there is a writer, and what it does where a step fails."""

from __future__ import annotations

import shutil

import pytest

import mplog
from mplog import _native
from mplog.config import Settings
from mplog.producer.gate import GATE
from mplog.ring import create_bell, services
from mplog.service import configure as module


def test_what_the_command_line_overrules_is_told(alone, logdir, monkeypatch, capfd):
    """`mplog run` hands it down; the call's own value gives way, and says so."""
    monkeypatch.setenv("MPLOG_OPERATOR", '{"level": "ERROR"}')
    loaded = module.load_settings(logdir / "app.jsonl", {"level": "INFO"})

    assert 40 == loaded.settings.level
    assert "configure(level=…): INFO gives way to ERROR from the command" in capfd.readouterr().err


@pytest.mark.parametrize("text", ["{", "[1]", "7", '"level"', "\udcff"])
def test_what_only_mplog_run_sets_is_refused_where_it_is_not_that(alone, logdir, monkeypatch, text):
    """With what to do, and nothing is set up."""
    monkeypatch.setenv("MPLOG_OPERATOR", text)
    with pytest.raises(mplog.ConfigError, match="unset it; only mplog run sets it"):
        mplog.configure(logdir / "app.jsonl")
    assert [] == services(alone)


@pytest.mark.parametrize("kind", [str, lambda path: path])
def test_settings_come_from_the_file_that_config_names(alone, tmp_path, kind):
    """As a text or as a path."""
    toml = tmp_path / "mplog.toml"
    toml.write_text(f'file = "{tmp_path}/named.jsonl"\nlevel = "ERROR"\n')
    loaded = module.load_settings(None, {"config": kind(toml)})

    assert (f"{tmp_path}/named.jsonl", 40) == (loaded.settings.file, loaded.settings.level)


class Held:
    """A sink that cannot cross to another process."""

    def __init__(self):
        self.held = (number for number in ())

    def __call__(self, batch):
        pass


def test_a_sink_that_cannot_cross_is_refused_and_leaves_no_service(alone, logdir):
    """The call that is put right finds nothing of it in force."""
    sink = {"type": "callable", "target": Held()}
    with pytest.raises(mplog.ConfigError, match="cannot cross to the writer") as refused:
        mplog.configure(logdir / "app.jsonl", sinks=[sink])
    assert "give its name" in str(refused.value)
    assert ([], None) == (services(alone), GATE.connection)

    service = mplog.configure(logdir / "app.jsonl")
    assert (True, ()) == (service.created, service.differences)


def test_where_the_directory_is_gone_each_time_the_program_runs_on(
    alone, logdir, monkeypatch, capfd
):
    """Five times: then WARNING and above go to stderr, which is told."""
    real, tried = module.create_bell, []

    def gone(directory, *rest):
        tried.append(directory)
        shutil.rmtree(directory)
        return real(directory, *rest)

    monkeypatch.setattr(module, "create_bell", gone)
    service = mplog.configure(logdir / "app.jsonl")
    mplog.get_logger("shop").warning("hello")
    told = capfd.readouterr().err

    assert [str(alone)] * 5 == tried
    assert not service.created
    assert service.differences[0].startswith("not running: ")
    assert "no shared memory for logging" in told
    assert "mplog: WARNING shop: hello\n" in told


def test_a_directory_that_goes_once_the_service_is_there_is_made_again(alone, logdir, monkeypatch):
    """Before it was looked at for what other versions have left."""
    real = module.create_bell

    def gone(directory, *rest):
        created = real(directory, *rest)
        shutil.rmtree(directory)
        return created

    monkeypatch.setattr(module, "create_bell", gone)
    service = mplog.configure(logdir / "app.jsonl")

    assert service.created
    assert [service.name] == services(alone)
    assert GATE.connection.producer.attached


def test_a_service_of_another_name_that_has_no_writer_yet_has_its_file(alone, logdir):
    """Whoever comes second is told whose it is."""
    path = logdir / "app.jsonl"
    create_bell(alone, "other", Settings(file=str(path)))
    with pytest.raises(mplog.FileOwnedError, match="other") as refused:
        mplog.configure(path, service="mine")

    assert str(path) in str(refused.value)
    assert ["other"] == services(alone)


def test_a_broken_service_beside_keeps_nobody_from_his_own(alone, logdir):
    """What stands in its memory cannot be read: it has no file that is known."""
    (alone / f"broken.{_native.ABI}.bell").write_bytes(b"nothing that anybody can read")
    create_bell(alone, "other", Settings(file=str(logdir / "other.jsonl")))

    assert mplog.configure(logdir / "app.jsonl", service="mine").created
