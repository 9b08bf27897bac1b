"""A person's properties as texts."""

from __future__ import annotations

from typing import Any

import pytest

from shared.directory.persons import Person


@pytest.mark.requirement("DIR-2")
@pytest.mark.parametrize(
    ("name", "value", "texts"),
    [
        ("department", "Engines", ("Engines",)),
        ("department", "  ", ()),
        ("department", None, ()),
        ("businessPhones", ["+49 30 1", "", "+49 30 2"], ("+49 30 1", "+49 30 2")),
        ("businessPhones", [], ()),
        ("accountEnabled", True, ("true",)),
        ("accountEnabled", False, ("false",)),
        ("assignedLicenses", [{"skuId": "e5", "disabledPlans": []}, {"skuId": "f1"}], ("e5", "f1")),
    ],
)
def test_a_property_is_read_as_texts(name: str, value: Any, texts: tuple[str, ...]) -> None:
    who = Person("ada", {name: value})
    assert who.texts(name) == texts
    assert who.text(name) == (texts[0] if texts else "")


def test_a_part_of_a_property_is_read_by_its_path() -> None:
    who = Person("ada", {"onPremisesExtensionAttributes": {"extensionAttribute1": "blue", "extensionAttribute2": None}})
    assert who.text("onPremisesExtensionAttributes.extensionAttribute1") == "blue"
    assert who.text("onPremisesExtensionAttributes.extensionAttribute2") == ""
    assert Person("ada").text("onPremisesExtensionAttributes.extensionAttribute1") == ""


def test_the_manager_is_read_like_a_property() -> None:
    assert Person("ada", manager="babbage").texts("manager") == ("babbage",)
    assert Person("ada").texts("manager") == ()


def test_only_what_entra_says_blocks_an_account() -> None:
    assert Person("ada", {"accountEnabled": False}).is_disabled()
    assert not Person("ada", {"accountEnabled": None}).is_disabled()
    assert not Person("ada").is_disabled(), "absent: the permission to see it may be missing"


def test_membership_is_direct_unless_nested_groups_count() -> None:
    who = Person("ada", groups=frozenset({"inner"}), all_groups=frozenset({"inner", "outer"}))
    assert who.is_in("inner", transitive=False)
    assert not who.is_in("outer", transitive=False)
    assert who.is_in("outer", transitive=True)


def test_everybody_can_be_called_something() -> None:
    assert Person("id", {"displayName": "Ada", "userPrincipalName": "a@b.example"}).name() == "Ada"
    assert Person("id", {"userPrincipalName": "a@b.example"}).name() == "a@b.example"
    assert Person("id").name() == "id"
