"""What Entra says, as the desk's fields hold it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.directory.checking import check
from shared.directory.mapping import cleaned, default_rules, filled, name_of, reasons_of, values_of, with_set
from shared.directory.persons import Person
from shared.directory.rules import FieldMapping
from tests.directory.examples import STRUCTURE, Desk, person, rules, to_agents, to_site


@pytest.mark.requirement("DIR-2")
def test_a_new_connection_has_mappings_that_can_be_kept_as_they_are() -> None:
    usual = default_rules()
    assert check(usual, STRUCTURE) == []
    assert not usual.enabled, "nothing is imported before somebody wishes it"
    assert {"name", "address", "manager"} <= {each.target for each in usual.user_fields}
    assert {"name", "address", "line_manager"} <= {each.target for each in usual.agent_fields}
    assert usual.user_matching == usual.agent_matching == ("address",)


@pytest.mark.requirement("DIR-2")
@pytest.mark.parametrize(
    ("target", "text", "kept"),
    [
        ("name", "  Ada \t King\r\n", "Ada King"),
        ("name", "Ada\x00\x1b[31m", "Ada [31m"),
        ("name", "exe.\u202egnp.Ada", "exe.gnp.Ada"),
        ("name", "A\u200bda\ufeff", "Ada"),
        ("name", "Ada\ud800", "Ada"),
        ("name", "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc", "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc"),
        ("name", "<script>alert(1)</script>", "<script>alert(1)</script>"),
        ("name", "x" * 300, "x" * 256),
        ("street", "x" * 300, "x" * 300),
        ("street", "x" * 3_000, "x" * 1_024),
        ("address", "Ada@Contoso.Example", "ada@contoso.example"),
        ("address", "ada@contoso", ""),
        ("address", "Ada <ada@contoso.example>", ""),
        ("address", "a@b@contoso.example", ""),
        ("address", "ada@contoso.example, bob@contoso.example", ""),
        ("address", "o'brien+x@xn--bcher-kva.example", "o'brien+x@xn--bcher-kva.example"),
    ],
)
def test_values_are_made_harmless(target: str, text: str, kept: str) -> None:
    assert cleaned(target, text) == kept


@pytest.mark.requirement("DIR-2")
@given(text=st.text(), target=st.sampled_from(["name", "street", "phone", "custom.badge"]))
def test_whatever_somebody_calls_themselves_it_is_one_short_line(text: str, target: str) -> None:
    kept = cleaned(target, text)
    assert len(kept) <= 1_024
    assert not any(unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in kept)
    assert cleaned(target, kept) == kept, "cleaning twice is cleaning once"
    kept.encode("utf-8")


@pytest.mark.requirement("DIR-2")
def test_an_empty_property_empties_its_field_but_never_a_name_an_address_or_a_team() -> None:
    fields = [FieldMapping(source="displayName", target=each) for each in ("name", "address", "team", "phone")]
    assert values_of(Person("ada"), fields) == {"phone": ""}
    assert filled({"phone": "1", "office": "B1"}, {"phone": ""}) == {"office": "B1"}


@pytest.mark.requirement("DIR-2")
def test_custom_fields_are_filled_like_the_others() -> None:
    desk = Desk()
    fields = (*rules().user_fields, FieldMapping(source="employeeId", target="custom.badge"))
    desk.one(rules(user_fields=fields), person("ada", employeeId="17"))
    assert desk.user("ada").custom == {"badge": "17"}
    desk.one(rules(user_fields=fields), person("ada"))
    assert desk.user("ada").custom == {}


@pytest.mark.requirement("DIR-3")
@pytest.mark.parametrize("source", ["creationType", "userType"])
def test_how_an_account_was_made_and_of_which_type_it_is_fill_fields_of_users_and_agents(source: str) -> None:
    desk, field = Desk(), FieldMapping(source=source, target="user_type")
    usual = rules(to_site(external="all"), to_agents(None, external="all"))
    asked = rules(
        *usual.site_mappings, user_fields=(*usual.user_fields, field), agent_fields=(*usual.agent_fields, field)
    )
    assert check(asked, STRUCTURE) == []
    desk.one(asked, person("ada", creationType="Invitation", userType="Guest"))
    expected = {"creationType": "Invitation", "userType": "Guest"}[source]
    assert desk.user("ada").details["user_type"] == desk.agent("ada").details["user_type"] == expected


@pytest.mark.requirement("DIR-3")
def test_a_site_mapping_sets_values_before_what_entra_says() -> None:
    desk = Desk()
    mapping = to_site(name="Berlin staff", values={"department": "Berlin", "custom.badge": "none"})
    entry = desk.one(rules(mapping), person("ada", department="Engines"))
    user = desk.user("ada")
    assert (user.details["department"], user.custom["badge"]) == ("Berlin", "none")
    because = {each.field: each.because for each in entry.changes}
    assert because["department"] == because["custom.badge"] == "the site mapping 'Berlin staff' sets it"


def test_nothing_is_set_where_no_mapping_sets_it() -> None:
    values = {"department": "Engines"}
    assert with_set(values, None) is values
    assert with_set(values, to_site()) is values
    assert reasons_of([], to_site(values={"office": "B1"})) == {"office": "the site mapping 'berlin' sets it"}


@pytest.mark.requirement("DIR-2")
def test_who_has_no_name_is_called_by_their_sign_in_name() -> None:
    nameless = person("ada", displayName=None)
    assert name_of(nameless, {}) == "ada@contoso.example"
    desk = Desk()
    desk.one(rules(), nameless)
    assert desk.user("ada").name == "ada@contoso.example"


@pytest.mark.requirement("DIR-2")
def test_what_is_not_mapped_is_left_to_the_desk() -> None:
    desk = Desk()
    asked = rules(user_fields=(FieldMapping(source="mail", target="address"),))
    desk.one(asked, person("ada"))
    renamed = desk.user("ada")
    desk.users[renamed.user_id] = type(renamed)(renamed.user_id, "Countess", renamed.address, origin=renamed.origin)
    desk.one(asked, person("ada", displayName="Ada King"))
    assert desk.user("ada").name == "Countess"


@pytest.mark.requirement("DIR-2")
def test_a_manager_who_comes_in_with_the_same_run_is_known_at_once() -> None:
    desk = Desk()
    desk.run(rules(to_site(), to_agents(None)), [person("ada", manager="bob"), person("bob", manager="ada")])
    ada, bob = desk.user("ada"), desk.user("bob")
    assert (ada.manager, bob.manager) == (bob.user_id, ada.user_id), "a circle is only two references"
    assert desk.agent("ada").line_manager == desk.agent("bob").agent_id


@pytest.mark.requirement("DIR-2")
@pytest.mark.parametrize("manager", ["ada", "stranger", ""])
def test_s14_who_manages_themselves_or_is_managed_from_outside_has_no_manager(manager: str) -> None:
    desk = Desk()
    desk.run(rules(to_site(), to_agents(None)), [person("ada", manager=manager)])
    assert (desk.user("ada").manager, desk.agent("ada").line_manager) == ("", "")


@pytest.mark.requirement("DIR-2")
def test_the_line_manager_must_be_an_agent_who_came_in_too() -> None:
    desk = Desk()
    people = [person("ada", manager="bob", groups=[to_agents().group.id]), person("bob")]  # type: ignore[union-attr]  # it has one
    desk.run(rules(to_site(), to_agents()), people)
    assert desk.agent("ada").line_manager == ""
    assert desk.user("ada").manager == desk.user("bob").user_id
