"""A believable tenant from one number: the same number, the same tenant, down to the ids.

Employees under a tree of managers, guests, shared mailboxes, rooms, service accounts, agents; some disabled, some
without a license, many with a namesake; groups of departments and offices, groups in groups, a circle, a huge one.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from dev.graph.directory.entries import Entry
from dev.graph.directory.names import draw
from dev.graph.directory.offices import DEPARTMENTS, OFFICES, Office
from dev.graph.directory.state import Directory
from dev.graph.wire import Json, graph_time

FEWEST_USERS, MOST_USERS, FEWEST_GROUPS, MOST_GROUPS = 50, 100_000, 40, 500
LARGEST_GROUP = 25_000
_SOME_DAYS = tuple(graph_time(datetime(2015, 1, 5, 8, tzinfo=UTC) + timedelta(hours=25 * n)) for n in range(4_000))
_DEPARTMENTS = tuple(DEPARTMENTS)
_KINDS_OF_WORK = ("Employee",) * 16 + ("Contractor",) * 3 + ("Intern",)
_PARTNERS = ("fabrikam.com", "northwind.example", "adatum.com", "wingtip.example")
_BY_GROUP, _BY_HAND, _OF_WORKERS = "SPE_E3", "SPE_E5", "SPE_F1"
_PLANS = ("EXCHANGE_S_ENTERPRISE", "TEAMS1")


@dataclass
class Population:
    """Fills one directory; `staff` are those who work here, by rank."""

    directory: Directory
    chance: Random
    domain: str
    staff: list[Entry] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    by_team: dict[str, list[str]] = field(default_factory=dict)

    def add(self, number: int) -> None:
        """The next user: nine of ten work here."""
        draw_of = self.chance.random()
        kinds: tuple[tuple[float, Callable[[int], Entry]], ...] = (
            (0.85, self._employee),
            (0.93, self._guest),
            (0.96, self._shared),
            (0.98, self._room),
            (0.995, self._service_account),
        )
        make = next((kind for below, kind in kinds if number == 0 or draw_of < below), self._agent)
        make(number)

    def _employee(self, number: int) -> Entry:
        name, office = draw(self.chance), self.chance.choice(OFFICES)
        department = self.chance.choice(_DEPARTMENTS)
        user = self._add(
            name.local,
            displayName=name.shown,
            givenName=name.given,
            surname=name.surname,
            department=department,
            jobTitle="Chief Executive Officer" if not self.staff else self.chance.choice(DEPARTMENTS[department]),
            companyName="Contoso",
            employeeId=f"{100_000 + number}",
            employeeType=self.chance.choice(_KINDS_OF_WORK),
            preferredLanguage=name.language,
            accountEnabled=self.chance.random() >= 0.06,
            **_place(office),
            **self._telephones(office, number),
            **self._from_active_directory(name.local, number),
            **self._sign_ins(),
        )
        self._under_a_manager(user)
        self.by_team.setdefault(department, []).append(user.id)
        self.by_team.setdefault(f"Office {office.name}", []).append(user.id)
        return user

    def _guest(self, _number: int) -> Entry:
        name, partner = draw(self.chance), self.chance.choice(_PARTNERS)
        mail = f"{name.local}@{partner}"
        accepted = self.chance.random() < 0.8
        return self._add(
            f"{mail.replace('@', '_')}#EXT#",
            displayName=name.shown,
            mail=mail,
            otherMails=[mail],
            userType="Member" if self.chance.random() < 0.05 else "Guest",
            creationType="Invitation",
            externalUserState="Accepted" if accepted else "PendingAcceptance",
        )

    def _shared(self, number: int) -> Entry:
        purpose = self.chance.choice(("Orders", "Info", "Invoices", "Jobs", "Helpdesk", "Press"))
        return self._add(f"{purpose.lower()}{number}", displayName=f"{purpose} {number}", accountEnabled=False)

    def _room(self, number: int) -> Entry:
        office = self.chance.choice(OFFICES)
        local, name = f"room.{number}", f"Room {number} ({office.name})"
        return self._add(local, displayName=name, accountEnabled=False, isResourceAccount=True, **_place(office))

    def _service_account(self, number: int) -> Entry:
        return self._add(f"svc-{number}", displayName=f"svc-backup-{number}", mail=None)

    def _agent(self, number: int) -> Entry:
        return self._add(f"agent{number}", displayName=f"Copilot Agent {number}", type_name="agentUser", mail=None)

    def _add(self, local: str, *, type_name: str = "user", **values: Any) -> Entry:
        """Under a name of its own: the second Anna Schmidt is anna.schmidt2."""
        times = self.taken[local] = self.taken.get(local, 0) + 1
        plain = f"{local}{times}" if times > 1 else local
        name = f"{plain}@{self.domain}"
        mail = values.pop("mail", name)
        known: Json = {"createdDateTime": self._some_day(), "mailNickname": plain, **values}
        if mail is not None:
            known["proxyAddresses"] = [f"SMTP:{mail}"]
        return self.directory.add_user(name, type_name=type_name, mail=mail, **known)

    def _under_a_manager(self, user: Entry) -> None:
        rank = len(self.staff)
        self.staff.append(user)
        if rank:
            boss = self.chance.randrange(rank // 9, min(rank, rank // 6 + 1))
            self.directory.set_manager(user.id, self.staff[boss].id)

    def _telephones(self, office: Office, number: int) -> Json:
        found: Json = {"businessPhones": [f"{office.prefix} {number % 10_000:04}"]}
        if self.chance.random() < 0.5:
            found["mobilePhone"] = f"+44 7700 {900_000 + number % 1_000}"
        return found

    def _from_active_directory(self, local: str, number: int) -> Json:
        """Three of five come from a directory on premises."""
        if self.chance.random() >= 0.6:
            return {}
        return {
            "onPremisesSyncEnabled": True,
            "onPremisesSamAccountName": f"{local[:14]}{number}"[:20],
            "onPremisesImmutableId": f"{self.chance.getrandbits(96):024x}==",
            "onPremisesExtensionAttributes": {"extensionAttribute1": f"cc-{number % 40}"},
        }

    def _sign_ins(self) -> Json:
        return {} if self.chance.random() < 0.1 else {"signInActivity": {"lastSignInDateTime": self._some_day()}}

    def _some_day(self) -> str:
        return self.chance.choice(_SOME_DAYS)


def populate(directory: Directory, seed: int, users: int, groups: int = 40, domain: str = "contoso.com") -> None:
    """Fill a new directory with so many users and groups; nobody can ask for what was before."""
    if not (FEWEST_USERS <= users <= MOST_USERS and FEWEST_GROUPS <= groups <= MOST_GROUPS):
        raise ValueError(f"{FEWEST_USERS} to {MOST_USERS} users, {FEWEST_GROUPS} to {MOST_GROUPS} groups")
    people = Population(directory, Random(seed), domain)  # noqa: S311 - the same number gives the same tenant
    with directory.lock, _without_collecting():
        for number in range(users):
            people.add(number)
        teams = _add_teams(people)
        _add_oddities(people)
        _license(people)
        _add_projects(people, teams, groups - len(directory.groups))
        directory.forget_history()


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Nothing of this is garbage: looking for some takes a quarter of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _add_teams(people: Population) -> list[str]:
    """One for every department and office, and one that has all of these in it."""
    directory = people.directory
    teams = [
        directory.add_group(name, members, description=f"Everybody in {name}").id
        for name, members in sorted(people.by_team.items())
    ]
    directory.add_group("All teams", teams, mail=f"all@{people.domain}", mailEnabled=True, groupTypes=["Unified"])
    return teams


def _add_oddities(people: Population) -> None:
    """A huge group, an empty one, and two that are in each other."""
    directory, staff = people.directory, [user.id for user in people.staff]
    directory.add_group("Everybody", people.chance.sample(staff, min(len(staff), LARGEST_GROUP)))
    directory.add_group("Empty")
    night = directory.add_group("Night shift", staff[-3:])
    directory.add_members(night.id, directory.add_group("Day shift", [*staff[-6:-3], night.id]).id)


def _add_projects(people: Population, teams: list[str], count: int) -> None:
    """Groups of some people, now and then with a team; names come again after 300."""
    directory, chance, staff = people.directory, people.chance, [user.id for user in people.staff]
    for number in range(count):
        members = chance.sample(staff, min(len(staff), chance.randrange(3, 120)))
        team = [chance.choice(teams)] if chance.random() < 0.2 else []
        directory.add_group(f"Project {number % 300}", [*members, *team], key=f"project {number}")


def _license(people: Population) -> None:
    """Half by a group, others by hand, the people of the shop floor a small one, a tenth none."""
    directory, units = people.directory, len(people.staff) + 10
    skus = {name: directory.licensing.buy(name, units, _PLANS) for name in (_BY_GROUP, _BY_HAND, _OF_WORKERS)}
    by_group: list[str] = []
    for user in people.staff:
        drawn = people.chance.random()
        if drawn < 0.5:
            by_group.append(user.id)
        elif drawn < 0.9:
            on_the_floor = user.values["department"] in ("Manufacturing", "Logistics")
            directory.licensing.assign(user, skus[_OF_WORKERS if on_the_floor else _BY_HAND])
    directory.licensing.assign_to_group(directory.add_group("Licensed", by_group), skus[_BY_GROUP])


def _place(office: Office) -> Json:
    shown = {
        "officeLocation": office.name,
        "streetAddress": office.street,
        "city": office.city,
        "postalCode": office.postal_code,
        "country": office.country,
        "usageLocation": office.usage_location,
    }
    return shown if office.state is None else {**shown, "state": office.state}
