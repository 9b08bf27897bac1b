"""What becomes of the user that a person is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from shared.desk.licenses import linked, linked_still
from shared.desk.people import User
from shared.directory import entitlements
from shared.directory.differences import user_changes
from shared.directory.identifying import Context, Identified, Managers
from shared.directory.mapping import CUSTOM, MANAGER, filled, fills_manager, name_of, reasons_of
from shared.directory.matching import claim_key, origin_of
from shared.directory.parts import Case, Part, matched, removals_of
from shared.directory.plan import Removal
from shared.directory.reasons import Reason
from shared.directory.standing import find_departure, stand, with_standing


def plan_user(context: Context, known: Identified, before: User | None, managers: Managers) -> Part[User]:
    """What becomes of the user; ``before``: as they are, None for a newcomer or for nobody."""
    if not known.user.record_id:
        return Part()
    base = before or _newcomer(context, known)
    standing = stand(base, _why_not(context, known), context.connection_id, taken=known.choice.taken)
    kept = _without_lost_address(context, known, base)
    case = Case(context, known, before, kept, standing)
    told = with_standing(kept, standing)
    if standing.removed:
        return _part(case, told, kept, ("deactivation",), {})
    if standing.rests or not known.present:
        return _part(case, kept, kept, (), {})
    return _entitled(case, _filled(case, told, managers) if known.choice.taken else told)


def _newcomer(context: Context, known: Identified) -> User:
    origin = origin_of(context.connection_id, known.person.object_id)
    name = name_of(known.person, known.user_values)
    return User(known.user.record_id, name, "", source=context.connection_id, created_at=context.at, origin=origin)


def _without_lost_address(context: Context, known: Identified, user: User) -> User:
    """Without an address that is somebody else's in Entra now and not theirs any more: no two users have the same."""
    if not user.address or known.user_values.get("address", "") == user.address:
        return user
    claimants = context.claims.get(claim_key("address", user.address), frozenset())
    return replace(user, address="") if claimants - {known.person.object_id} else user


def _why_not(context: Context, known: Identified) -> Reason | None:
    """Why the user should not be active."""
    absence = None if known.choice.taken else known.choice.reason
    departure = find_departure(known.person, context.rules, absence)
    blocked = context.rules.disabled_users == "deactivate" and known.person.is_disabled()
    return departure or (Reason.BLOCKED if blocked else None)


def _filled(case: Case[User], user: User, managers: Managers) -> User:
    """With everything that is mapped. An address that they cannot have is left as it is."""
    known, values = case.known, case.known.user_values
    address = "" if known.addressing.reason else values.get("address", "")
    return replace(
        user,
        origin=origin_of(case.context.connection_id, known.person.object_id),
        name=values.get("name", user.name),
        address=address or user.address,
        manager=_manager(case, managers),
        details=filled(user.details, values),
        custom=filled(user.custom, values, CUSTOM),
        site=_site(case, address or user.address),
        licenses=_licenses(case),
    )


def _licenses(case: Case[User]) -> tuple[str, ...]:
    """What Entra says they have, where licenses are imported; a link may be there before its license is."""
    imported = bool(case.context.rules.licenses_organization)
    skus = case.known.person.texts("assignedLicenses") if imported else ()
    return linked(case.base.licenses, case.context.connection_id, skus)


def _manager(case: Case[User], managers: Managers) -> str:
    """The user who is their manager; nobody is their own, and who is not at the desk is nobody's."""
    if not fills_manager(case.context.rules.user_fields):
        return case.base.manager
    placed = managers.get(case.known.person.manager)
    return placed.user_id if placed and placed.user_id != case.base.user_id else ""


def _site(case: Case[User], address: str) -> str:
    """The site that the mapping says; an agent whom no user mapping takes has the one of their mail domain."""
    choice = case.known.choice
    if choice.site:
        return choice.site.site_id
    if choice.user or case.base.site or not address:
        return case.base.site
    found = case.context.structure.sites_with("domain", address)
    return found[0].site_id if len(found) == 1 else ""


def _entitled(case: Case[User], user: User) -> Part[User]:
    """With the roles and the seats that groups and mappings give."""
    context, person = case.context, case.known.person
    wanted = entitlements.user_roles(person, context.rules, case.known.choice.user)
    seats_wanted = entitlements.seats(person, context.rules)
    givable, ours = context.structure.givable, context.connection_id
    roles = entitlements.settle_roles(user.roles, wanted, givable["user"], ours)
    seats = entitlements.settle_seats(user.seats, seats_wanted, givable["board"], ours)
    kept = linked_still(case.base.licenses, user.licenses)
    removals = removals_of("role", roles.removed) + removals_of("seat", seats.removed)
    removals += ("license",) if kept != user.licenses else ()
    because = {**wanted, **{board: why for board, (_, why) in seats_wanted.items()}}
    settled = (roles.after, seats.after) == (user.roles, user.seats)
    after = user if settled else replace(user, roles=roles.after, seats=seats.after)
    held = replace(user, roles=roles.held, seats=seats.held, licenses=kept) if removals else after
    return _part(case, after, held, removals, because)


def _part(
    case: Case[User], after: User, held: User, removals: tuple[Removal, ...], because: Mapping[str, str]
) -> Part[User]:
    if after == case.before:
        return Part(after, after, reason=case.standing.reason)
    told = reasons_of(case.context.rules.user_fields, case.known.choice.user)
    if not after.address:
        told.pop("address", None)
    changes = user_changes(case.before, after, {**_reasons(case), **told, **because}, case.context.structure)
    return Part(case.before, after, held if removals else None, case.standing.reason, changes, removals)


def _reasons(case: Case[User]) -> dict[str, str]:
    """What gives the values that are not mapped one by one."""
    mapping, found = case.known.choice.user, matched(case.known.user.by)
    site = mapping.title() if mapping else "the site of their mail domain"
    lost = "it is somebody else's in Entra now"
    named = {"active": case.why_active(), "site": site, "address": lost, MANAGER: "manager in Entra", "origin": found}
    return named | dict.fromkeys(case.base.licenses, _TAKEN) | dict.fromkeys(_licenses(case), "assigned in Entra")


_TAKEN = "no longer assigned in Entra"
