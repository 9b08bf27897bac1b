"""S12: who at the desk a person is, whatever they are called and whatever address they have now."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest

from shared.desk.agents import Agent, agent_id_of
from shared.desk.people import User
from shared.directory.matching import Candidate, index_of, match_user, new_user_id
from shared.directory.reasons import Reason
from shared.directory.rules import FieldMapping
from tests.directory.examples import CONTOSO, DESK, Desk, person, rules, to_agents, to_site


@pytest.mark.requirement("DIR-7")
@pytest.mark.parametrize(
    "renamed",
    [
        {"userPrincipalName": "ada.king@contoso.example"},
        {"mail": "ada.king@contoso.example"},
        {"surname": "King", "displayName": "Ada King"},
        {"mail": "ada@fabrikam.example", "userPrincipalName": "ada@fabrikam.example"},
    ],
    ids=["upn", "mail", "surname", "domain"],
)
def test_s12_somebody_who_is_renamed_is_the_same_user(renamed: dict[str, Any]) -> None:
    desk = Desk()
    desk.one(rules(), person("ada"))
    before = desk.user("ada").user_id
    entry = desk.one(rules(), person("ada", **renamed))
    assert (entry.outcome, entry.matched_by) == ("update", "id")
    assert desk.user("ada").user_id == before
    assert len(desk.users) == 1


@pytest.mark.requirement("DIR-7")
def test_s12_two_people_swap_their_addresses() -> None:
    desk = Desk()
    desk.run(rules(), [person("ada"), person("bob")])
    ada, bob = desk.user("ada").user_id, desk.user("bob").user_id
    swapped = [person("ada", mail="bob@contoso.example"), person("bob", mail="ada@contoso.example")]
    found = desk.run(rules(), swapped)
    assert {entry.outcome for entry in found.values()} == {"update"}
    assert (found["ada"].address_from, found["bob"].address_from) == (bob, ada)
    assert (desk.user("ada").user_id, desk.user("ada").address) == (ada, "bob@contoso.example")
    assert (desk.user("bob").user_id, desk.user("bob").address) == (bob, "ada@contoso.example")
    assert {entry.outcome for entry in desk.run(rules(), swapped).values()} == {"unchanged"}


@pytest.mark.requirement("DIR-7")
@pytest.mark.parametrize("leaving", ["never", "deleted"])
def test_s12_a_leavers_address_makes_nobody_the_leaver(leaving: str) -> None:
    asked = rules(leaving=leaving)
    desk = Desk()
    desk.one(asked, person("old", mail="info@contoso.example"))
    leaver = desk.user("old")
    found = desk.run(asked, [person("old", gone="deleted"), person("new", mail="info@contoso.example")])
    assert (found["new"].outcome, found["new"].matched_by) == ("create", "new")
    assert found["new"].address_from == leaver.user_id
    assert desk.user("new").user_id != leaver.user_id
    assert (desk.user("old").address, desk.user("old").active) == ("", leaving == "never")


@pytest.mark.requirement("DIR-7", "DIR-8")
def test_s12_deleted_and_restored_is_the_same_user() -> None:
    asked = rules(leaving="deleted")
    desk = Desk()
    desk.one(asked, person("ada"))
    before = desk.user("ada")
    assert desk.one(asked, person("ada", gone="deleted")).outcome == "deactivate"
    entry = desk.one(asked, person("ada"))
    assert (entry.outcome, entry.reason) == ("update", Reason.RETURNED)
    assert desk.user("ada") == before


@pytest.mark.requirement("DIR-7")
def test_an_address_that_entra_gave_to_somebody_else_is_lost_whoever_comes_first() -> None:
    for backwards in (False, True):
        desk = Desk()
        desk.one(rules(), person("ada", mail="info@contoso.example"))
        people = [person("ada", mail=None), person("bob", mail="info@contoso.example")]
        found = desk.run(rules(), people[::-1] if backwards else people)
        assert (desk.user("ada").address, desk.user("bob").address) == ("", "info@contoso.example")
        [change] = found["ada"].changes
        assert (change.field, change.after, change.because) == ("address", "", "it is somebody else's in Entra now")


@pytest.mark.requirement("DIR-7")
def test_an_address_that_entra_does_not_name_any_more_stays_while_nobody_else_has_it() -> None:
    desk = Desk()
    desk.one(rules(), person("ada"))
    assert desk.one(rules(), person("ada", mail=None)).outcome == "unchanged"
    assert desk.user("ada").address == "ada@contoso.example"


@pytest.mark.requirement("DIR-7")
def test_s12_deleted_and_made_again_is_somebody_else() -> None:
    asked = rules(leaving="deleted")
    desk = Desk()
    desk.one(asked, person("ada-1", mail="ada@contoso.example"))
    found = desk.run(asked, [person("ada-1", gone="deleted"), person("ada-2", mail="ada@contoso.example")])
    assert (found["ada-1"].outcome, found["ada-2"].outcome) == ("deactivate", "create")
    assert desk.user("ada-1").user_id != desk.user("ada-2").user_id


@pytest.mark.requirement("DIR-7")
def test_somebody_who_was_there_before_the_first_import_is_found_by_the_fields_in_their_order() -> None:
    desk = Desk()
    by_number = desk.add(User("u1", "A. King", "", details={"employee_number": "17"}))
    desk.add(User("u2", "Bob", ""))
    desk.add(User("u3", "Ada", ""))
    asked = rules(user_matching=("employee_number", "name"))
    fields = (*asked.user_fields, {"source": "employeeId", "target": "employee_number"})
    asked = type(asked).model_validate(asked.model_dump() | {"user_fields": fields})
    entry = desk.one(asked, person("ada", employeeId="17"))
    assert (entry.outcome, entry.reason, entry.matched_by) == ("update", Reason.ADOPTED, "employee_number")
    assert desk.user("ada").user_id == by_number.user_id, "the name would lead to somebody else, and comes second"
    assert desk.one(asked, person("bob", displayName="BOB")).matched_by == "name"
    assert len(desk.users) == 3, "nobody is there twice"


@pytest.mark.requirement("DIR-7")
def test_several_of_one_name_are_not_chosen_between() -> None:
    desk = Desk()
    desk.add(User("u1", "Ada", ""))
    desk.add(User("u2", "ada", ""))
    entry = desk.one(rules(user_matching=("name",)), person("ada"))
    assert (entry.outcome, entry.reason, entry.user) == ("refuse", Reason.AMBIGUOUS, None)


@pytest.mark.requirement("DIR-7")
def test_a_namesake_who_came_in_already_makes_the_only_free_one_doubtful() -> None:
    desk = Desk()
    desk.add(User("u1", "Ada", ""))
    desk.add(User("u2", "Ada", "", origin=f"{CONTOSO}/other"))
    assert desk.one(rules(user_matching=("name",)), person("ada")).reason is Reason.AMBIGUOUS


@pytest.mark.requirement("DIR-7")
def test_namesakes_who_came_in_from_elsewhere_are_other_people() -> None:
    desk = Desk()
    desk.add(User("u1", "Ada", "", origin="fabrikam/ada"))
    assert desk.one(rules(user_matching=("name",)), person("ada")).outcome == "create"


@pytest.mark.requirement("DIR-7", "DIR-12")
def test_s13_nobody_is_taken_over_from_another_connection_by_their_address() -> None:
    desk = Desk()
    theirs = desk.add(User("u1", "Ada", "ada@contoso.example", origin="fabrikam/ada"))
    entry = desk.one(rules(), person("ada"))
    assert (entry.outcome, entry.reason, entry.user) == ("refuse", Reason.OTHER_CONNECTION, None)
    assert desk.users == {"u1": theirs}


@pytest.mark.requirement("DIR-7")
def test_an_address_that_somebody_by_hand_has_is_left_to_them_unless_it_is_a_matching_field() -> None:
    desk = Desk()
    desk.add(User("u1", "Countess", "ada@contoso.example", source="mail"))
    refused = desk.one(rules(user_matching=()), person("ada"))
    assert (refused.outcome, refused.reason) == ("refuse", Reason.ADDRESS_TAKEN)
    entry = desk.one(rules(), person("ada"))
    assert (entry.reason, entry.matched_by) == (Reason.ADOPTED, "address")
    assert desk.user("ada").user_id == "u1"


@pytest.mark.requirement("DIR-7")
def test_somebody_known_who_cannot_have_their_new_address_gets_everything_else() -> None:
    desk = Desk()
    desk.one(rules(), person("ada"))
    desk.add(User("u1", "Countess", "countess@contoso.example"))
    entry = desk.one(rules(), person("ada", mail="countess@contoso.example", department="Engines"))
    assert (entry.outcome, entry.reason) == ("update", Reason.ADDRESS_TAKEN)
    assert desk.user("ada").address == "ada@contoso.example"
    assert desk.user("ada").details["department"] == "Engines"


@pytest.mark.requirement("DIR-7")
def test_an_address_of_two_accounts_goes_to_neither_whatever_the_order() -> None:
    people = [person("ada", mail="both@contoso.example"), person("bob", mail="both@contoso.example"), person("eve")]
    outcomes = []
    for order in permutations(people):
        found = Desk().run(rules(), order)
        outcomes.append({name: (entry.outcome, entry.reason) for name, entry in found.items()})
    assert all(each == outcomes[0] for each in outcomes)
    assert outcomes[0]["ada"] == outcomes[0]["bob"] == ("refuse", Reason.ADDRESS_SHARED)
    assert outcomes[0]["eve"][0] == "create"


@pytest.mark.requirement("DIR-7")
@pytest.mark.parametrize(("fields", "reason"), [(("address",), Reason.ADDRESS_SHARED), (("name",), Reason.AMBIGUOUS)])
def test_nobody_at_the_desk_becomes_two_people(fields: tuple[str, ...], reason: Reason) -> None:
    desk = Desk()
    before = desk.add(User("u1", "Ada", "ada@contoso.example"))
    people = [person(each, displayName="Ada", mail=before.address) for each in ("a-1", "a-2")]
    found = desk.run(rules(user_matching=fields), people)
    assert {entry.reason for entry in found.values()} == {reason}
    assert desk.users == {"u1": before}


@pytest.mark.requirement("DIR-7")
def test_an_earlier_field_goes_before_a_later_one_whoever_comes_first() -> None:
    asked = rules(user_matching=("address", "name"))
    namesake, owner = person("a-1", displayName="Ada"), person("a-2", mail="ada@contoso.example", displayName="A. King")
    for people in ([namesake, owner], [owner, namesake]):
        desk = Desk()
        desk.add(User("u1", "Ada", "ada@contoso.example"))
        desk.run(asked, people)
        assert desk.user("a-2").user_id == "u1"
        assert desk.user("a-1").user_id == new_user_id(f"{CONTOSO}/a-1")


@pytest.mark.requirement("DIR-7")
def test_who_has_a_shared_address_already_keeps_it() -> None:
    desk = Desk()
    desk.one(rules(), person("ada"))
    people = [person("ada"), person("bob", mail="ADA@contoso.example")]
    for _ in range(2):
        found = desk.run(rules(), people)
        assert (found["ada"].outcome, found["bob"].reason) == ("unchanged", Reason.ADDRESS_SHARED)


@pytest.mark.requirement("DIR-7")
def test_whoever_is_an_agent_already_becomes_no_second_one() -> None:
    desk = Desk()
    desk.add(User("u1", "Ada", "ada@contoso.example"))
    desk.agents["a"] = Agent(agent_id_of("u1"), "u1", "Countess", "ada@contoso.example")
    desk.agents = {agent.agent_id: agent for agent in desk.agents.values()}
    entry = desk.one(rules(to_site(), to_agents(None)), person("ada"))
    assert entry.outcome == "update"
    assert len(desk.agents) == 1
    assert desk.agent("ada").agent_id == agent_id_of("u1")


@pytest.mark.requirement("DIR-7")
def test_an_agent_of_another_connection_is_not_taken_over() -> None:
    desk = Desk()
    desk.add(User("u1", "Ada", "ada@contoso.example"))
    theirs = Agent(agent_id_of("u1"), "u1", "Ada", "ada@contoso.example", origin="fabrikam/ada")
    desk.agents = {theirs.agent_id: theirs}
    entry = desk.one(rules(to_site(), to_agents(None)), person("ada"))
    assert entry.reason in {Reason.ADOPTED, Reason.OTHER_CONNECTION}
    assert desk.agents == {theirs.agent_id: theirs}
    assert any(step.what == Reason.OTHER_CONNECTION for step in entry.steps)


@pytest.mark.requirement("DIR-7")
def test_agents_are_found_by_their_own_matching_fields() -> None:
    desk = Desk()
    by_hand = Agent("a1", "u9", "Ada", "ada@contoso.example", details={"login": "ada"})
    desk.agents = {"a1": by_hand}
    entry = desk.one(rules(to_site(), to_agents(), agent_matching=("name",)), person("ada", groups=[DESK.id]))
    assert entry.agent
    assert (entry.agent.agent_id, entry.agent.user_id, entry.agent.origin) == ("a1", "u9", f"{CONTOSO}/ada")


@pytest.mark.requirement("DIR-7")
@pytest.mark.parametrize("field", ["name", "login"])
def test_no_agent_by_hand_becomes_two_people(field: str) -> None:
    by_hand = Agent("a1", "u9", "Ada", "ada@elsewhere.example", details={"login": "ada"})
    fields = (FieldMapping(source="displayName", target="name"), FieldMapping(source="employeeId", target="login"))
    asked = rules(to_site(), to_agents(), agent_fields=fields, agent_matching=(field,))
    called_so: dict[str, Any] = {"displayName": "Ada", "employeeId": "ada"}
    desk_member = person("a-1", **called_so, groups=[DESK.id])
    for other in (person("a-2", **called_so, groups=[DESK.id]), person("a-3", **called_so)):
        for people in permutations([desk_member, other]):
            desk = Desk(agents={"a1": by_hand})
            found = desk.run(asked, people)
            assert (found["a-1"].outcome, found["a-1"].reason) == ("refuse", Reason.AMBIGUOUS)
            assert desk.agents == {"a1": by_hand}, "whoever shares the value, agent or not, makes it doubtful"
    desk = Desk(agents={"a1": by_hand})
    assert desk.one(asked, desk_member).agent_mapping == "agents"
    assert desk.agent("a-1").agent_id == "a1"


@pytest.mark.requirement("DIR-7")
def test_the_id_of_a_newcomer_follows_from_who_they_are() -> None:
    assert new_user_id("contoso/ada") == new_user_id("contoso/ada") != new_user_id("fabrikam/ada")


def test_an_index_finds_by_whatever_case_a_value_has() -> None:
    index = index_of([User("u1", "Ada", "Ada@Contoso.example", details={"office": "B1"})], ["office"])
    assert (
        index.find("office", "b1")
        == index.find("address", "ADA@contoso.example")
        == [Candidate("u1", keys=("office\nb1",))]
    )
    assert index.find("office", "") == ()
    assert match_user("contoso/x", {"office": "B1"}, index, {}).record_id == "u1"
