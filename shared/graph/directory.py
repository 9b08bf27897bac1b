"""Users and groups of a tenant. https://learn.microsoft.com/en-us/graph/api/resources/users

Two kinds of failure hide behind a 404 here, see ``MAILBOX_CODES``; so it is told by its status.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import batched

from shared.graph.batch import Request, perform
from shared.graph.client import GraphClient, Json, segment
from shared.graph.delta import Page, iter_pages
from shared.graph.errors import GraphBusy, GraphError
from shared.graph.limits import DIRECTORY_PAGE, GROUPS_CHECKED_AT_ONCE, IDS_AT_ONCE, SIGN_IN_PAGE

USER_FIELDS = "id,displayName,mail,userPrincipalName"
GROUP_ADDRESS = "id,displayName,mail,mailEnabled"
USER_TYPE, GROUP_TYPE = "#microsoft.graph.user", "#microsoft.graph.group"
GROUP_FIELDS = "displayName,members"
REPEATED_PAGES = 3
"""Pages that may come again before a round counts as endless: Graph may tell the same twice.
https://learn.microsoft.com/en-us/graph/delta-query-overview#replays"""
_WHOLE_PAGES = f"odata.maxpagesize={DIRECTORY_PAGE}"


def list_users(client: GraphClient, *, starts_with: str = "", top: int = 50) -> list[Json]:
    """The first users, in Graph's order, whose name or address begins with a text; needs ``User.Read.All``."""
    params = {"$select": USER_FIELDS, "$top": str(top)}
    if starts_with:
        text = starts_with.replace("'", "''")
        params["$filter"] = f"startswith(displayName,'{text}') or startswith(mail,'{text}')"
    return list(client.get("/users", params=params).get("value", []))


def iter_user_changes(client: GraphClient, select: Sequence[str], link: str) -> Iterator[Page]:
    """Users that came, changed or went since ``link``, or all; raises ResyncRequired, EndlessRound.

    https://learn.microsoft.com/en-us/graph/api/user-delta
    """
    params = {"$select": ",".join(select)}
    return iter_pages(client, "/users/delta", params=params, link=link, prefer=_WHOLE_PAGES, repeats=REPEATED_PAGES)


def iter_group_changes(client: GraphClient, ids: Sequence[str], link: str) -> Iterator[Page]:
    """Groups that came, changed or went since ``link``, or all of them; with ``members@delta``.

    ``ids``: only these, fifty at most. https://learn.microsoft.com/en-us/graph/api/group-delta
    """
    params = {"$select": GROUP_FIELDS}
    if ids:
        params["$filter"] = " or ".join(f"id eq '{each}'" for each in ids)
    return iter_pages(client, "/groups/delta", params=params, link=link, prefer=_WHOLE_PAGES, repeats=REPEATED_PAGES)


def latest_user_link(client: GraphClient, select: Sequence[str]) -> str:
    """The link by which only what changes from now on is told.

    https://learn.microsoft.com/en-us/graph/delta-query-overview#use-delta-query-to-track-changes-in-a-resource-collection
    """
    params = {"$select": ",".join(select), "$deltatoken": "latest"}
    return str(client.get("/users/delta", params=params).get("@odata.deltaLink", ""))


def latest_group_link(client: GraphClient, ids: Sequence[str]) -> str:
    """The same for groups."""
    params = {"$select": GROUP_FIELDS, "$deltatoken": "latest"}
    if ids:
        params["$filter"] = " or ".join(f"id eq '{each}'" for each in ids)
    return str(client.get("/groups/delta", params=params).get("@odata.deltaLink", ""))


def find_present(client: GraphClient, ids: Sequence[str]) -> frozenset[str]:
    """Those of these users that are there at this moment.

    https://learn.microsoft.com/en-us/graph/api/directoryobject-getbyids
    """
    found: set[str] = set()
    for chunk in batched(ids, IDS_AT_ONCE, strict=False):
        body: Json = {"ids": list(chunk), "types": ["user"]}
        answer = client.send("POST", "/directoryObjects/getByIds?$select=id", body)
        found.update(str(each["id"]) for each in answer.get("value", []))
    return frozenset(found)


def find_deleted(client: GraphClient, ids: Sequence[str]) -> frozenset[str]:
    """Those of these users that were deleted and can be restored still; the others are gone for good.

    Raises GraphError. https://learn.microsoft.com/en-us/graph/api/directory-deleteditems-get
    """
    asked = [Request("GET", f"/directory/deletedItems/{segment(each)}?$select=id") for each in ids]
    outcomes = perform(client, "", asked)
    for outcome in outcomes:
        if isinstance(outcome, GraphError) and outcome.status != 404:
            raise outcome
    return frozenset(each for each, outcome in zip(ids, outcomes, strict=True) if not isinstance(outcome, GraphError))


def find_purposes(client: GraphClient, ids: Sequence[str]) -> dict[str, str]:
    """What the mailboxes of these users are for (*user*, *shared*, *room*, ...), by their ids; needs
    ``MailboxSettings.Read``. Nothing is said of who has no mailbox, or none that this app may look into.

    Raises GraphBusy. https://learn.microsoft.com/en-us/graph/api/user-get-mailboxsettings
    """
    asked = [Request("GET", f"/users/{segment(each)}/mailboxSettings?$select=userPurpose") for each in ids]
    found: dict[str, str] = {}
    for object_id, outcome in zip(ids, perform(client, "", asked), strict=True):
        if isinstance(outcome, GraphBusy):
            raise outcome
        if not isinstance(outcome, GraphError):
            found[object_id] = str(outcome.get("userPurpose") or "")
    return found


def find_user(client: GraphClient, key: str, select: Sequence[str]) -> Json | None:
    """A user by object id or user principal name, with ``manager`` (its id); None where there is none.

    https://learn.microsoft.com/en-us/graph/api/user-get
    """
    names = [each for each in select if each != "manager"]
    params = {"$select": ",".join(names), "$expand": "manager($select=id)"}
    try:
        return client.get(f"/users/{segment(key)}", params=params)
    except GraphError as failure:
        if failure.status == 404:
            return None
        raise


def list_groups_of(client: GraphClient, user_id: str) -> frozenset[str]:
    """The groups that a user is a member of directly. Roles and administrative units are told of, too.

    Without a cast, which would be answered from an index that lags behind.
    https://learn.microsoft.com/en-us/graph/api/user-list-memberof
    """
    page = client.get(f"/users/{segment(user_id)}/memberOf", params={"$select": "id", "$top": str(DIRECTORY_PAGE)})
    found = list(page.get("value", []))
    while "@odata.nextLink" in page:
        page = client.get(page["@odata.nextLink"])
        found += page.get("value", [])
    return _groups_among(found)


def find_groups_of(client: GraphClient, ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """The same for many users, by their ids; nothing is said of who is not there. Raises GraphError."""
    asked = [Request("GET", f"/users/{segment(each)}/memberOf?$select=id&$top={DIRECTORY_PAGE}") for each in ids]
    found: dict[str, frozenset[str]] = {}
    for user_id, outcome in zip(ids, perform(client, "", asked), strict=True):
        if isinstance(outcome, GraphError):
            if outcome.status != 404:
                raise outcome
        elif "@odata.nextLink" in outcome:
            found[user_id] = list_groups_of(client, user_id)
        else:
            found[user_id] = _groups_among(outcome.get("value", []))
    return found


def _groups_among(objects: Sequence[Json]) -> frozenset[str]:
    return frozenset(str(each["id"]) for each in objects if each.get("@odata.type") == GROUP_TYPE)


def list_groups(client: GraphClient, *, starts_with: str = "", top: int = 50) -> list[Json]:
    """The first groups, in Graph's order, whose name or address begins with a text; needs ``GroupMember.Read.All``.

    https://learn.microsoft.com/en-us/graph/api/group-list
    """
    params = {"$select": GROUP_ADDRESS, "$top": str(top)}
    if starts_with:
        text = starts_with.replace("'", "''")
        params["$filter"] = f"startswith(displayName,'{text}') or startswith(mail,'{text}')"
    return list(client.get("/groups", params=params).get("value", []))


def find_group(client: GraphClient, group_id: str) -> Json | None:
    """A group with its address; None where there is none. https://learn.microsoft.com/en-us/graph/api/group-get"""
    try:
        return client.get(f"/groups/{segment(group_id)}", params={"$select": GROUP_ADDRESS})
    except GraphError as failure:
        if failure.status == 404:
            return None
        raise


def iter_members(client: GraphClient, group_id: str) -> Iterator[list[Json]]:
    """The users in a group, through other groups too, page by page; without a cast, see ``list_groups_of``.

    https://learn.microsoft.com/en-us/graph/api/group-list-transitivemembers
    """
    params = {"$select": USER_FIELDS, "$top": str(DIRECTORY_PAGE)}
    page = client.get(f"/groups/{segment(group_id)}/transitiveMembers", params=params)
    while True:
        yield [each for each in page.get("value", []) if each.get("@odata.type") == USER_TYPE]
        if "@odata.nextLink" not in page:
            return
        page = client.get(page["@odata.nextLink"])


def list_sign_ins(client: GraphClient, link: str, *, top: int = 0) -> tuple[list[Json], str]:
    """A page of users with their ``signInActivity``, as large as Graph gives it (0) or of ``top``, and the link of the
    next one, empty at the end.

    Needs ``AuditLog.Read.All``. https://learn.microsoft.com/en-us/graph/api/resources/signinactivity
    """
    params = None if link else {"$select": "id,signInActivity", "$top": str(top or SIGN_IN_PAGE)}
    page = client.get(link or "/users", params=params)
    return list(page.get("value", [])), str(page.get("@odata.nextLink", ""))


def find_group_names(client: GraphClient, ids: Sequence[str]) -> dict[str, str]:
    """What those of these groups are called that are there.

    https://learn.microsoft.com/en-us/graph/api/directoryobject-getbyids
    """
    if not ids:
        return {}
    body: Json = {"ids": list(ids[:IDS_AT_ONCE]), "types": ["group"]}
    answer = client.send("POST", "/directoryObjects/getByIds?$select=id,displayName", body)
    return {str(each["id"]): str(each.get("displayName") or each["id"]) for each in answer.get("value", [])}


def check_groups(client: GraphClient, user_id: str, ids: Sequence[str]) -> frozenset[str]:
    """Those of these groups that a user is in, directly or through other groups.

    https://learn.microsoft.com/en-us/graph/api/directoryobject-checkmembergroups
    """
    found: set[str] = set()
    for chunk in batched(ids, GROUPS_CHECKED_AT_ONCE, strict=False):
        answer = client.send("POST", f"/users/{segment(user_id)}/checkMemberGroups", {"groupIds": list(chunk)})
        found.update(map(str, answer.get("value", [])))
    return frozenset(found)
