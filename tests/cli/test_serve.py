"""`mplog serve`: what keeps it from serving is told before anything is started."""

from __future__ import annotations

import os

import pytest

from mplog import _native
from mplog.cli import exits, main
from mplog.config import Settings, service_name
from mplog.ring import create_bell, hold


@pytest.mark.parametrize("command", [["serve"], ["run", "--", "true"]])
def test_a_service_without_a_log_file_is_refused(shm, command, capsys):
    """With each place where it can be named."""
    assert exits.USAGE == main.main(command)
    err = capsys.readouterr().err

    assert "no log file is named" in err
    assert "--log F, or file = in the TOML file, or MPLOG_FILE" in err
    assert [] == os.listdir(shm)


@pytest.mark.parametrize("flag", ["stop", "continue"])
def test_a_second_writer_is_refused(shm, logdir, capsys, flag):
    """It has one already: where to see it is told; the log file is no reason."""
    log = logdir / "app.jsonl"
    name = service_name(log)
    create_bell(shm, name, Settings(file=str(log)))
    other = hold(shm, name, _native.LOCK_SUPERVISOR)
    code = main.main(["serve", f"--on-error={flag}", "--log", str(log)])
    os.close(other)

    assert exits.FAILURE == code
    assert f"the service {name} in {shm} has a writer already" in capsys.readouterr().err


@pytest.mark.parametrize("sick", ["the file", "its directory"])
def test_with_stop_a_log_that_cannot_be_written_is_refused(shm, capsys, as_nobody, sick):
    """The file itself, or where it is to be; nothing is started."""
    shm.chmod(0o755)
    folder = shm / "logs"
    folder.mkdir()
    log = folder / "app.jsonl"
    log.touch()
    log.chmod(0o400 if sick == "the file" else 0o666)
    folder.chmod(0o777 if sick == "the file" else 0o555)
    with as_nobody():
        code = main.main(["serve", "--on-error=stop", "--log", str(log)])
    err = capsys.readouterr().err
    folder.chmod(0o700)

    assert exits.FAILURE == code
    text = (
        f"{log} cannot be written" if sick == "the file" else f"nothing can be written in {folder}"
    )
    assert text in err
    assert "MPL-T005" in err
    assert ["logs"] == os.listdir(shm)
