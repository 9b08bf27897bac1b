"""Why the directory does what it does about a person: a closed list, each with its meaning and its cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
    """Why an entry of a plan is as it is."""

    NEW = "new"
    ADOPTED = "adopted"
    CHANGED = "changed"
    RETURNED = "returned"
    SAME = "same"
    DELETED = "deleted"
    MISSING = "missing"
    UNMAPPED = "unmapped"
    EXTERNAL = "external"
    BLOCKED = "blocked"
    RESOURCE = "resource"
    MAILBOX = "mailbox"
    AI_AGENT = "ai_agent"
    NO_ROLE = "no_role"
    INACTIVE_ROLE = "inactive_role"
    KEPT_ACTIVE = "kept_active"
    BY_HAND = "by_hand"
    LAST_ADMIN = "last_admin"
    AMBIGUOUS = "ambiguous"
    OTHER_CONNECTION = "other_connection"
    ADDRESS_TAKEN = "address_taken"
    ADDRESS_SHARED = "address_shared"
    NO_SITE = "no_site"
    SEVERAL_SITES = "several_sites"
    SITE_GONE = "site_gone"


IN_THE_WAY = frozenset(
    {
        Reason.AMBIGUOUS,
        Reason.OTHER_CONNECTION,
        Reason.ADDRESS_TAKEN,
        Reason.ADDRESS_SHARED,
        Reason.NO_SITE,
        Reason.SEVERAL_SITES,
        Reason.SITE_GONE,
    }
)
"""Why somebody new is refused; any other reason leaves them out as the rules wish. It lies with the desk, or with other
people: the same person can come out otherwise next time, although nothing about them has changed in Entra."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """``text``: what was found, for an admin; ``cure``: what to do if that is not what was wanted."""

    text: str
    cure: str


_NOTHING = "Nothing to do."
_PEOPLE_ONLY = "If they are to be at the desk, switch 'people_only' off and keep out the others by criteria."

MEANINGS: dict[Reason, Meaning] = {
    Reason.NEW: Meaning("Nobody at the desk is this person: they are made.", _NOTHING),
    Reason.ADOPTED: Meaning(
        "Somebody at the desk was found by one of the matching fields, and is this person from now on.",
        "If it is somebody else, change the field by which they were found before the import is applied.",
    ),
    Reason.CHANGED: Meaning("Something that Entra decides is not as Entra says: it is brought in line.", _NOTHING),
    Reason.RETURNED: Meaning("The directory had made them inactive, and they are back: active again.", _NOTHING),
    Reason.SAME: Meaning("Everything is as Entra says.", _NOTHING),
    Reason.DELETED: Meaning(
        "Entra says that the account was deleted.",
        "Restore it in Entra within 30 days (Deleted users), or make the user active by hand.",
    ),
    Reason.MISSING: Meaning(
        "A whole reading of the directory did not name them, and Entra does not know their object id.",
        "Look in Entra whether the account is there, then reset the delta with 'clear' and run again.",
    ),
    Reason.UNMAPPED: Meaning(
        "No site mapping takes them; the steps say at what each one failed.",
        "Change the group or the criteria of a site mapping, or put them into its group.",
    ),
    Reason.EXTERNAL: Meaning(
        "They are external (a guest, or invited), and the mappings that would take them leave external users out.",
        "Set 'external' of the site mapping to 'all', or to 'licensed' and assign a license in Entra.",
    ),
    Reason.BLOCKED: Meaning(
        "Sign-in of the account is blocked in Entra.",
        "Unblock it in Entra. For users only: set 'disabled_users' to 'keep' if that is no reason to leave them out.",
    ),
    Reason.RESOURCE: Meaning("It is a resource account, not a person.", _PEOPLE_ONLY),
    Reason.MAILBOX: Meaning("Its mailbox is shared, or that of a room or a piece of equipment.", _PEOPLE_ONLY),
    Reason.AI_AGENT: Meaning("It is the account of an AI agent.", _PEOPLE_ONLY),
    Reason.NO_ROLE: Meaning(
        "Roles are managed by Entra, and they are in no group that gives an agent role.",
        "Put them into a group of the agent role mappings.",
    ),
    Reason.INACTIVE_ROLE: Meaning(
        "They have a role that makes agents inactive.",
        "Take them out of the group that gives the role, or take the role off the list 'inactive_roles'.",
    ),
    Reason.KEPT_ACTIVE: Meaning(
        "They would have been made inactive, but are marked as kept active.",
        "Take the mark away if they are to become inactive.",
    ),
    Reason.BY_HAND: Meaning(
        "They are inactive, and it was not this directory that made them so: they stay inactive.",
        "Make them active by hand.",
    ),
    Reason.LAST_ADMIN: Meaning(
        "Nobody with an administrator's role would have been left: they stay an active administrator.",
        "Give another active agent an administrator's role; the full round of the day, or a run after a reset with "
        "'clear', then goes on.",
    ),
    Reason.AMBIGUOUS: Meaning(
        "Several at the desk have the same value in a matching field: nobody is chosen by guess.",
        "Join or change the others, or put a field that tells them apart before it in the order of matching.",
    ),
    Reason.OTHER_CONNECTION: Meaning(
        "Whoever they would be at the desk is another person of a tenant already: nobody is taken over.",
        "Leave the person out of one of the two connections, or give them another address in one of the tenants.",
    ),
    Reason.ADDRESS_TAKEN: Meaning(
        "Somebody at the desk who does not come from Entra has this address.",
        "Make 'address' a matching field, if it is the same person; otherwise take the address from the other one.",
    ),
    Reason.ADDRESS_SHARED: Meaning(
        "Several accounts of the tenant have this address. Whoever has it at the desk keeps it.",
        "Leave it with one account in Entra; the mappings do not tell them apart.",
    ),
    Reason.NO_SITE: Meaning(
        "No site has the value of the field that the site mapping goes by, and it has no default site.",
        "Give a site this name or domain, or the mapping a default site.",
    ),
    Reason.SEVERAL_SITES: Meaning(
        "Several sites have the value of the field that the site mapping goes by.",
        "Rename one of the sites, or map these people to a site by another mapping before this one.",
    ),
    Reason.SITE_GONE: Meaning(
        "The site mapping leads to a site or an organization that is not there any more, or is inactive.",
        "Choose another one in the site mapping, or make it active.",
    ),
}
