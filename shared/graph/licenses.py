"""What a tenant has bought, and who has it. https://learn.microsoft.com/en-us/graph/api/resources/subscribedsku"""

from __future__ import annotations

from collections.abc import Sequence

from shared.graph.client import GraphClient, Json, segment
from shared.graph.errors import GraphError

_LICENSED = "id,usageLocation,licenseAssignmentStates"


def list_skus(client: GraphClient) -> list[Json]:
    """Everything that was bought; needs ``LicenseAssignment.Read.All`` or ``Organization.Read.All``.

    https://learn.microsoft.com/en-us/graph/api/subscribedsku-list
    """
    return list(client.get("/subscribedSkus").get("value", []))


def find_licensed(client: GraphClient, user_id: str) -> Json | None:
    """What a user has and through what, and where they are; None where there is no such user.

    https://learn.microsoft.com/en-us/graph/api/resources/licenseassignmentstate
    """
    try:
        return client.get(f"/users/{segment(user_id)}", params={"$select": _LICENSED})
    except GraphError as failure:
        if failure.status == 404:
            return None
        raise


def set_usage_location(client: GraphClient, user_id: str, country: str) -> None:
    """Say in which country a user is (ISO 3166, two letters); needs ``User.ReadWrite.All``.

    https://learn.microsoft.com/en-us/graph/api/user-update
    """
    client.send("PATCH", f"/users/{segment(user_id)}", {"usageLocation": country})


def assign(client: GraphClient, user_id: str, add: Sequence[str], remove: Sequence[str]) -> None:
    """Give and take products by their ids, all or none. It is tried once: look before it is tried again.

    https://learn.microsoft.com/en-us/graph/api/user-assignlicense
    """
    adding = [{"skuId": each, "disabledPlans": []} for each in add]
    body: Json = {"addLicenses": adding, "removeLicenses": list(remove)}
    client.send("POST", f"/users/{segment(user_id)}/assignLicense", body, once=True)
