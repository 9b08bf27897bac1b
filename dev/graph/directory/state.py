"""The directory of one tenant: its objects, who manages whom, who is in which group, and the log of every change."""

import threading
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from dev.graph import identifiers
from dev.graph.clock import Clock
from dev.graph.directory.entries import Change, Entry
from dev.graph.directory.licensing import Licensing
from dev.graph.directory.properties import GROUP, KINDS, USER, Kind
from dev.graph.wire import Json, graph_time

KEPT_AFTER_DELETION = timedelta(days=30)


class Directory:
    """What an administrator can do to it; hold `lock` while reading or changing more than one thing.

    A key is an object id, a user principal name or the display name of a group. KeyError: there is no such object.
    """

    def __init__(self, tenant_id: str, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.delta_epoch = 0
        self.log: list[Change] = []
        self.live: dict[str, dict[str, Entry]] = {name: {} for name in KINDS}
        self.bin: dict[str, Entry] = {}
        self.licensing = Licensing(self)
        self._tenant_id, self._clock = tenant_id, clock
        self._serial = 0
        self._ids: set[str] = set()
        self._names: dict[str, str] = {}
        self._members: dict[str, dict[str, None]] = {}
        self._former: dict[str, dict[str, None]] = {}
        self._groups_of: dict[str, dict[str, None]] = {}

    # ---- looking
    @property
    def users(self) -> dict[str, Entry]:
        """The users that are not deleted, by id."""
        return self.live["user"]

    @property
    def groups(self) -> dict[str, Entry]:
        """The groups that are not deleted, by id."""
        return self.live["group"]

    def find(self, key: str) -> Entry | None:
        """A user or group that is not deleted, by its id."""
        low = key.lower()
        return self.users.get(low) or self.groups.get(low)

    def find_user(self, key: str) -> Entry | None:
        """By id or user principal name, in any case."""
        low = key.lower()
        return self.users.get(low) or self.users.get(self._names.get(low, ""))

    def get(self, key: str) -> Entry:
        """Whatever this key names."""
        found = self.find_user(key) or self.find(key) or next((g for g in self.groups.values() if g.name == key), None)
        if found is None:
            raise KeyError(key)
        return found

    def members(self, group_id: str) -> list[Entry]:
        """The direct members; who is deleted is none."""
        return [entry for key in self._members.get(group_id, ()) if (entry := self.find(key)) is not None]

    def former_members(self, group_id: str) -> list[str]:
        """Who was taken out of a group and has not come back."""
        return list(self._former.get(group_id, ()))

    def all_members(self, group_id: str) -> list[Entry]:
        """The members of the group and of the groups in it, each once; groups may go round in a circle."""
        found: dict[str, Entry] = {}
        ahead = [group_id]
        while ahead:
            for entry in self.members(ahead.pop()):
                if entry.id not in found:
                    found[entry.id] = entry
                    ahead += [entry.id] if entry.kind is GROUP else []
        return list(found.values())

    def groups_of(self, key: str, *, deep: bool = False) -> list[Entry]:
        """The groups that an object is in, with `deep` those that these are in too."""
        found: dict[str, Entry] = {}
        ahead = [key]
        while ahead:
            for group_id in self._groups_of.get(ahead.pop(), ()):
                if group_id in self.groups and group_id not in found:
                    found[group_id] = self.groups[group_id]
                    ahead += [group_id] if deep else []
        return list(found.values())

    def now(self) -> str:
        """The time as the directory writes it."""
        return graph_time(self._clock.now())

    # ---- users and groups
    def add_user(self, name: str, *, type_name: str = "user", **values: Any) -> Entry:
        """A new user, a member of the organization who may sign in unless `values` say otherwise."""
        if name.lower() in self._names:
            raise ValueError(f"there is a user {name} already")
        local = name.partition("@")[0]
        given: Json = {"displayName": local, "userPrincipalName": name, "mail": name, "mailNickname": local}
        given |= {"accountEnabled": True, "userType": "Member", **values}
        with self.lock:
            return self._add(USER, self._new_id(name), given, type_name)

    def add_group(self, name: str, members: Iterable[str] = (), *, key: str = "", **values: Any) -> Entry:
        """A new security group unless `values` say otherwise; `groupTypes=["Unified"]` is one of Microsoft 365."""
        given: Json = {"displayName": name, "mailEnabled": False, "securityEnabled": True, "groupTypes": []}
        with self.lock:
            group = self._add(GROUP, self._new_id(key or f"group {name}"), {**given, **values}, "group")
            self.add_members(group.id, *members)
            return group

    def change(self, key: str, **values: Any) -> Entry:
        """Set properties; what stays as it was is no change."""
        with self.lock:
            entry = self.get(key)
            _check_names(entry.kind, values)
            changed = {name: value for name, value in values.items() if entry.values.get(name, ...) != value}
            if changed:
                self._unname(entry)
                entry.values.update(changed)
                self._name(entry)
                self.note(entry, frozenset(changed))
            return entry

    def delete(self, key: str) -> Entry:
        """Into the bin, or gone at once if it is a group that the bin does not take. The links of it stay."""
        with self.lock:
            entry = self.get(key)
            del self.live[entry.kind.name][entry.id]
            self._unname(entry)
            self.licensing.count(entry, -1)
            entry.deleted = self._clock.now()
            if entry.restorable:
                self.bin[entry.id] = entry
            self.note(entry, frozenset())
            return entry

    def restore(self, key: str, *, told: bool = True) -> Entry:
        """Out of the bin, with all that it had. ValueError: somebody else has its name by now.

        `told`: whether delta rounds tell of it; they may not where properties were selected, none of which changed.
        https://github.com/microsoftgraph/microsoft-graph-docs/issues/5821
        """
        with self.lock:
            entry = self.bin[key.lower()]
            if entry.kind is USER and entry.name.lower() in self._names:
                raise ValueError(f"there is a user {entry.name} already")
            del self.bin[entry.id]
            entry.deleted = None
            self.live[entry.kind.name][entry.id] = entry
            self._name(entry)
            self.licensing.count(entry, 1)
            if told:
                self.note(entry, None)
            return entry

    def purge(self, key: str) -> None:
        """Out of the bin and gone, with every link of it."""
        with self.lock:
            entry = self.bin.pop(key.lower())
            for group_id in self._groups_of.pop(entry.id, {}):
                self._members[group_id].pop(entry.id, None)
            for member_id in self._members.pop(entry.id, {}):
                self._groups_of[member_id].pop(entry.id, None)
            self.note(entry, frozenset())

    def purge_what_is_due(self) -> None:
        """What has lain in the bin for 30 days is gone."""
        limit = self._clock.now() - KEPT_AFTER_DELETION
        for entry in [e for e in self.bin.values() if e.deleted is not None and e.deleted <= limit]:
            self.purge(entry.id)

    # ---- links
    def set_manager(self, key: str, manager: str | None) -> None:
        """Give a user a manager, or none; nothing keeps people from managing each other or themselves."""
        with self.lock:
            entry, former = self.get(key), self.get(key).manager
            entry.manager = None if manager is None else self.get(manager).id
            if entry.manager != former:
                links = ((former, False), (entry.manager, True))
                self.note(entry, frozenset({"manager"}), tuple((one, is_one) for one, is_one in links if one))

    def manager_of(self, entry: Entry) -> Entry | None:
        """The manager, unless deleted."""
        return self.users.get(entry.manager or "")

    def add_members(self, group: str, *keys: str) -> None:
        """Put users and groups into a group, the group itself included if anybody wants that."""
        with self.lock:
            target = self.get(group)
            within = self._members.setdefault(target.id, {})
            new = [key for key in dict.fromkeys(self.get(key).id for key in keys) if key not in within]
            for key in new:
                within[key] = None
                self._former.get(target.id, {}).pop(key, None)
                self._groups_of.setdefault(key, {})[target.id] = None
            self._note_members(target, new, True)

    def remove_members(self, group: str, *keys: str) -> None:
        """Take users and groups out of a group."""
        with self.lock:
            target = self.get(group)
            within = self._members.setdefault(target.id, {})
            gone = [key for key in dict.fromkeys(self.get(key).id for key in keys) if key in within]
            for key in gone:
                del within[key]
                self._former.setdefault(target.id, {})[key] = None
                del self._groups_of[key][target.id]
            self._note_members(target, gone, False)

    def expire_delta(self) -> None:
        """Every delta and skip token of users and groups is answered with 410 from now on."""
        self.delta_epoch += 1

    def forget_history(self) -> None:
        """No line of the log any more, and no token that counts on one."""
        self.log.clear()
        self.expire_delta()

    def note(self, entry: Entry, names: frozenset[str] | None, links: tuple[tuple[str, bool], ...] = ()) -> None:
        """Write a line of the log."""
        self.log.append(Change(entry.kind.name, entry.id, names, links))

    # ---- within
    def _note_members(self, group: Entry, keys: list[str], joined: bool) -> None:
        if keys:
            self.note(group, frozenset({"members"}), tuple((key, joined) for key in keys))
            self.licensing.members_changed(group, keys, joined)

    def _add(self, kind: Kind, key: str, values: Json, type_name: str) -> Entry:
        _check_names(kind, values)
        self._serial += 1
        values["id"] = key
        if "createdDateTime" not in values:
            values["createdDateTime"] = self.now()
        entry = Entry(kind, key, self._serial, values, type_name)
        self.live[kind.name][key] = entry
        self._name(entry)
        self.note(entry, None)
        return entry

    def _new_id(self, name: str) -> str:
        """The same in every run; who comes after a namesake has another one."""
        key = identifiers.user_id(self._tenant_id, name)
        while key in self._ids:
            key = identifiers.user_id(self._tenant_id, f"{name} {len(self._ids)}")
        self._ids.add(key)
        return key

    def _name(self, entry: Entry) -> None:
        if entry.kind is USER:
            self._names[entry.name.lower()] = entry.id

    def _unname(self, entry: Entry) -> None:
        if entry.kind is USER:
            self._names.pop(entry.name.lower(), None)


def _check_names(kind: Kind, values: Json) -> None:
    unknown = set(values) - set(kind.properties)
    if unknown:
        raise ValueError(f"a {kind.name} has no {', '.join(sorted(unknown))}")
