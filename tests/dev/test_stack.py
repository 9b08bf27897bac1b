"""Starting and finding a stack; the settings that it makes."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from dev import local_settings
from dev.desk_api import ApiError, DeskApi
from dev.stack import Addresses, Stack, StackError, choose_port, prefer_port
from shared.settings import from_environment
from tests.dev.conftest import Running

NOBODY = 2**22 + 1  # above the highest process id of Linux


def test_a_folder_is_used_by_one_stack_only(running: Running) -> None:
    with pytest.raises(StackError, match="running already"), Stack(running.stack.folder, running.file, print):
        pass
    running.stack.check()


def test_addresses_are_for_their_owner_only(running: Running) -> None:
    assert running.file.stat().st_mode & 0o777 == 0o600
    assert Addresses.find(running.file) == running.found


def test_a_stack_that_has_died_is_not_found(running: Running, tmp_path: Path) -> None:
    replace(running.found, pid=NOBODY).save(tmp_path / "stack.json")
    assert Addresses.find(tmp_path / "stack.json") is None
    (tmp_path / "stack.json").write_text("{")
    assert Addresses.find(tmp_path / "stack.json") is None


def test_a_refusal_of_the_api_tells_cause_and_cure(running: Running) -> None:
    with pytest.raises(ApiError, match=r"401.*ADMIN_KEY"):
        DeskApi(running.found.app_url, "wrong").get("/tickets")
    with pytest.raises(ApiError, match="does not answer"):
        DeskApi("http://127.0.0.1:1", "any").get("/tickets")


def test_a_port_in_use_is_refused_if_it_was_asked_for() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=f"Port {port} is in use"):
            choose_port(port)
        assert prefer_port(port) != port


def test_settings_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    assert local_settings.ensure(path) == ["SECRET_KEY", "ADMIN_KEY"]
    made = path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert from_environment(json.loads(made)["Values"]).admin_key.get_secret_value()
    assert local_settings.ensure(path) == []
    assert path.read_text() == made


def test_what_somebody_has_set_stays(tmp_path: Path) -> None:
    path = tmp_path / "local.settings.json"
    path.write_text(json.dumps({"Values": {"ADMIN_KEY": "mine", "OTHER": "x"}}))
    assert local_settings.ensure(path) == ["SECRET_KEY"]
    values = json.loads(path.read_text())["Values"]
    assert (values["ADMIN_KEY"], values["OTHER"]) == ("mine", "x")
    assert os.listdir(tmp_path) == ["local.settings.json"]  # noqa: PTH208 - names are what is compared
