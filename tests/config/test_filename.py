"""A log file's name with names in braces: filled in once, safe, and below its root."""

from __future__ import annotations

import os
import pwd

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mplog.config.filename import MAX_VALUE_CHARS, NAMES, filled
from mplog.config.load import load
from mplog.config.schema import KEYS
from mplog.config.wrong import WrongValue
from mplog.errors import ConfigError

HOST = os.uname().nodename


@pytest.mark.parametrize(
    ("template", "environ", "name"),
    [
        ("logs/{job}.jsonl", {"SLURM_JOB_ID": "991"}, "logs/991.jsonl"),
        ("run_{job}_{array_task}.jsonl", {"PBS_JOBID": "7.head", "SLURM_ARRAY_TASK_ID": "3"},
         "run_7.head_3.jsonl"),
        ("{app}/{rank}.{local_rank}", {"OTEL_SERVICE_NAME": "shop", "RANK": "5", "SLURM_LOCALID":
         "1"}, "shop/5.1"),
        ("{rank}", {"RANK": "", "PMI_RANK": "2", "SLURM_PROCID": "9"}, "2"),
        ("no braces", {}, "no braces"),
        ("{}, {1}, { host }, {a b}", {}, "{}, {1}, { host }, {a b}"),
    ],
)  # fmt: skip
def test_names_are_filled_in(template, environ, name):
    """From the environment of the process; the first variable that says something."""
    assert name == filled(template, environ)


def test_the_machine_and_the_user_are_known():
    """Without any variable."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert f"{HOST}-{user}" == filled("{host}-{user}", {})


def test_a_user_without_a_name_is_a_number(monkeypatch):
    """As in a container that runs under a user of its caller's choice."""
    users = {entry.pw_uid for entry in pwd.getpwall()}
    nameless = next(uid for uid in range(60_001, 70_000) if uid not in users)
    monkeypatch.setattr(os, "geteuid", lambda: nameless)

    assert f"{nameless}.jsonl" == filled("{user}.jsonl", {})


def test_a_setting_is_filled_in_once(tmp_path, monkeypatch):
    """By every file of the service; what is parsed is parsed again from its text."""
    monkeypatch.setenv("RANK", "3")
    name = f"{tmp_path}/{{host}}.{{rank}}.jsonl"
    path = f"{tmp_path}/{HOST}.3.jsonl"
    key = KEYS["file"]
    assert path == key.parse(name)
    assert path == key.parse(key.text(key.parse(name)))
    (second,) = load(arguments={"files": [{"file": name}]}).settings.files
    assert path == second.file


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ("../../etc/passwd", "______etc_passwd"),
        ("..", "__"),
        (".hidden", "_hidden"),
        ("-rf", "_rf"),
        ("a/b\\c\0d\ne", "a_b_c_d_e"),
        ("ä€\U0001f600 {host} %s $HOME ~", "_____host___s__HOME__"),
        ("x" * 500, "x" * MAX_VALUE_CHARS),
    ],
)
def test_a_value_is_a_plain_part_of_a_name(value, safe):
    """No separator, nothing hidden, no way up, no other template, and bounded."""
    found = filled("logs/{app}", {"OTEL_SERVICE_NAME": value})
    assert set(found) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/")
    assert "logs/" + safe == found


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=200))
def test_no_value_leaves_the_root(value):
    """Whatever it is: one component, neither empty nor a way up."""
    root, _, name = filled("logs/{app}", {"OTEL_SERVICE_NAME": value}).rpartition("/")
    assert "logs" == root
    assert name not in ("", ".", "..")
    assert name[0] not in ".-"
    assert len(name) <= MAX_VALUE_CHARS + 8
    assert ".." not in name


@pytest.mark.parametrize(
    ("template", "right"),
    [
        ("{date}.jsonl", "set rotation="),
        ("{pid}.jsonl", "all processes of a service log to one file"),
        ("{level}.jsonl", "several files="),
        ("{service}.jsonl", "{app} is the program's own name"),
        ("{hosst}.jsonl", "did you mean {host}"),
        ("{user.__class__}.jsonl", "{host}, {user}"),
        ("{job}.jsonl", "set one of SLURM_JOB_ID"),
        ("{{host}}.jsonl", "one pair of braces"),
    ],
)
def test_what_cannot_stand_there_is_refused_with_what_can(template, right):
    """Also a name that has no value here."""
    with pytest.raises(WrongValue) as refused:
        filled(template, {})
    assert right in str(refused.value)
    with pytest.raises(ConfigError, match="file"):
        load(arguments={"file": template})


@pytest.mark.parametrize(
    "template", ["logs/{host}/../../x", "logs/{host}/..", "~{user}/x", "{host}/../x"]
)
def test_the_path_may_not_lead_up_behind_a_name(template):
    """Before the first one it may: that is the root."""
    with pytest.raises(WrongValue, match="would leave"):
        filled(template, {})
    assert filled("a/../b/{host}", {}).startswith("a/../b/")


def test_a_link_below_the_root_leads_nowhere_else(tmp_path):
    """A directory that somebody has put there under the name of a value."""
    (tmp_path / "root").mkdir()
    (tmp_path / "elsewhere").mkdir()
    template = f"{tmp_path}/root/{{app}}/log.jsonl"
    environ = {"OTEL_SERVICE_NAME": "shop"}
    assert f"{tmp_path}/root/shop/log.jsonl" == filled(template, environ)
    (tmp_path / "root" / "shop").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(WrongValue, match="would leave"):
        filled(template, environ)


def test_the_reference_names_them_all():
    """What is possible stands beside the key."""
    for name in NAMES:
        assert f"`{{{name}}}`" in KEYS["file"].takes
