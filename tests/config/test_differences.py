"""Where a running service's settings hold."""

from mplog.config import Settings
from mplog.config.differences import differences
from mplog.config.load import load

FILE = "/var/log/app.jsonl"


def test_equal_settings_have_no_difference():
    """The same wish as the service's is silent."""
    settings = Settings(file=FILE)
    assert differences(settings, settings, {"file", "rotation"}) == []


def test_difference_names_both_values_and_the_place():
    """The sentence has what holds, what was asked for, and where."""
    wanted = load(environ={"MPLOG_ROTATION": "20 MB", "MPLOG_FILE": FILE})
    running = Settings(file=FILE)
    expected = (
        "rotation: the running service keeps 100 MB; "
        "20 MB (environment variable MPLOG_ROTATION) has no effect"
    )
    assert [expected] == differences(running, wanted.settings, wanted.given, wanted.origins)


def test_place_may_be_unknown():
    """Without origins the caller is 'here'."""
    found = differences(Settings(mode=0o640), Settings(mode=0o600), {"mode"})
    assert found == ["mode: the running service keeps 0640; 0600 (here) has no effect"]


def test_defaults_are_no_wish():
    """What the caller has not set does not differ."""
    assert differences(Settings(retention=3), Settings(), {"rotation"}) == []


def test_settings_of_the_process_do_not_differ():
    """Each process has its own level and policy."""
    asked = {"level", "when_full", "block_timeout"}
    running = Settings(level=10, when_full="drop_newest", block_timeout_s=1.0)
    assert differences(running, Settings(), asked) == []


def test_an_open_name_is_no_difference():
    """A service that was found without naming it has the name asked for."""
    wanted = Settings(file=FILE, service="web", dir="/dev/shm/web")
    assert differences(Settings(file=FILE), wanted, {"service", "dir", "file"}) == []


def test_same_file_through_a_link(tmp_path):
    """Two paths to one file are no difference; two files are."""
    (tmp_path / "link").symlink_to(tmp_path)
    running = Settings(file=f"{tmp_path}/app.log")
    assert differences(running, Settings(file=f"{tmp_path}/link/app.log"), {"file"}) == []
    assert len(differences(running, Settings(file=f"{tmp_path}/b.log"), {"file"})) == 1
