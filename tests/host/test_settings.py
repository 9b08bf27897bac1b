"""local.settings.json, as the Functions tools read it."""

from pathlib import Path

import pytest

from dev.doors.errors import HostError
from dev.doors.settings import read_local_settings, resolve_names


def written(folder: Path, text: str) -> Path:
    path = folder / "local.settings.json"
    path.write_text(text)
    return path


def test_values_are_read(tmp_path: Path) -> None:
    assert read_local_settings(written(tmp_path, '{"Values": {"A_NAME": "b"}}')) == {"A_NAME": "b"}


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_NAME", "from outside")
    assert read_local_settings(written(tmp_path, '{"Values": {"A_NAME": "b"}}')) == {"A_NAME": "from outside"}


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("{", "not JSON"),
        ("[]", "Values"),
        ("{}", "Values"),
        ('{"Values": {"NUMBER": 3}}', "NUMBER"),
        ('{"Values": {"NOTHING": null}}', "NOTHING"),
        ('{"IsEncrypted": true, "Values": {}}', "encrypted"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, cause: str) -> None:
    with pytest.raises(HostError, match=cause):
        read_local_settings(written(tmp_path, text))


def test_a_missing_file_tells_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HostError, match=r"copy local\.settings\.example\.json"):
        read_local_settings(tmp_path / "local.settings.json")


def test_names_between_percent_signs_are_settings() -> None:
    assert resolve_names("a-%ONE%-%TWO%", {"ONE": "1", "TWO": "2"}) == "a-1-2"
    with pytest.raises(KeyError, match="ONE"):
        resolve_names("%ONE%", {})
