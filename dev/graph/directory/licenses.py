"""The products of the tenant and the licenses of its users.

https://learn.microsoft.com/en-us/graph/api/user-assignlicense, https://learn.microsoft.com/en-us/graph/api/subscribedsku-list
"""

import uuid
from typing import Any

from dev.graph import odata
from dev.graph.calls import DIRECTORY_READ, USERS_READ, Call, Operation
from dev.graph.directory import lists
from dev.graph.directory.licensing import Sku
from dev.graph.directory.properties import USER
from dev.graph.directory.users import USERS_WRITE, get_user
from dev.graph.wire import Json, Response

_PRODUCTS_READ = (
    "LicenseAssignment.Read.All", "LicenseAssignment.ReadWrite.All", "Organization.Read.All",
    "Organization.ReadWrite.All", *DIRECTORY_READ,
)  # fmt: skip
_ASSIGN = ("LicenseAssignment.ReadWrite.All", *USERS_WRITE)
_DETAILS = ("id", "servicePlans", "skuId", "skuPartNumber")


def _products(call: Call) -> Response:
    """All of them at once; by the metadata no option is supported."""
    odata.allow(call.request)
    rows = [_product(call, sku) for sku in call.tenant.directory.licensing.skus.values()]
    return call.answer(200, {"@odata.context": call.context("subscribedSkus"), "value": rows})


def _details(call: Call) -> Response:
    """What a user has, in whatever way."""
    odata.allow(call.request, "$select")
    names = odata.selected(call.request, _DETAILS, "microsoft.graph.licenseDetails")
    user, skus = get_user(call), call.tenant.directory.licensing.skus
    held = user.values.get("assignedLicenses") or []
    rows = [_only(_detail(user.id, skus[one["skuId"]], set(one["disabledPlans"])), names) for one in held]
    context = call.context(call.user_context("licenseDetails"))
    return call.answer(200, {"@odata.context": context, "value": rows})


def _assign(call: Call) -> Response:
    """Add and remove, both or neither; the answer is the user.

    https://learn.microsoft.com/en-us/graph/api/user-assignlicense
    """
    body, user, licensing = call.request.json, get_user(call), call.tenant.directory.licensing
    adding = [_added(licensing.skus, one) for one in _listed(body, "addLicenses")]
    removing = [_known(licensing.skus, key) for key in _listed(body, "removeLicenses")]
    if {sku.id for sku, _ in adding} & {sku.id for sku in removing}:
        raise lists.refused("The same license cannot be both added and removed.")
    licensing.exchange(user, adding, removing)
    what = lists.View(None, lists.seen(call) | {"user": None})
    return call.answer(200, {"@odata.context": call.context(f"{USER.collection}/$entity"), **what.show(user)})


def _added(skus: dict[str, Sku], one: Any) -> tuple[Sku, tuple[str, ...]]:
    if not isinstance(one, dict):
        raise lists.refused("Invalid value specified for parameter 'addLicenses'.")
    sku, disabled = _known(skus, one.get("skuId")), one.get("disabledPlans") or []
    unknown = set(disabled) - set(sku.plans.values())
    if unknown:
        raise lists.refused(f"License assignment failed because service plan {min(unknown)} is not in {sku.id}.")
    return sku, tuple(disabled)


def _known(skus: dict[str, Sku], key: Any) -> Sku:
    try:
        found = skus.get(str(uuid.UUID(key)))
    except (ValueError, TypeError, AttributeError) as error:
        raise lists.refused("Cannot convert a primitive value to the expected type 'Edm.Guid'.") from error
    if found is None:
        raise lists.refused(f"License {key} does not correspond to a valid company License.")
    return found


def _listed(body: Json, name: str) -> list[Any]:
    """Both lists must be there, empty if need be."""
    found = body.get(name)
    if not isinstance(found, list):
        raise lists.refused(f"One or more parameters of the operation 'assignLicense' are missing: {name}.")
    return found


def _product(call: Call, sku: Sku) -> Json:
    return {
        "accountId": call.tenant.id,
        "accountName": call.tenant.domain.partition(".")[0],
        "appliesTo": "User",
        "capabilityStatus": sku.capability,
        "consumedUnits": sku.held,
        "id": f"{call.tenant.id}_{sku.id}",
        "prepaidUnits": {"enabled": sku.enabled, "suspended": 0, "warning": 0, "lockedOut": 0},
        "servicePlans": _plans(sku, set()),
        "skuId": sku.id,
        "skuPartNumber": sku.part_number,
        "subscriptionIds": [str(uuid.uuid5(uuid.UUID(sku.id), call.tenant.id))],
    }


def _detail(user_id: str, sku: Sku, disabled: set[str]) -> Json:
    key = f"{user_id}_{sku.id}"
    return {"id": key, "skuId": sku.id, "skuPartNumber": sku.part_number, "servicePlans": _plans(sku, disabled)}


def _plans(sku: Sku, disabled: set[str]) -> list[Json]:
    return [
        {
            "servicePlanId": key,
            "servicePlanName": name,
            "provisioningStatus": "Disabled" if key in disabled else "Success",
            "appliesTo": "User",
        }
        for name, key in sku.plans.items()
    ]


def _only(row: Json, names: tuple[str, ...] | None) -> Json:
    return row if names is None else {name: row[name] for name in names}


OPERATIONS = [
    Operation("GET", "subscribedSkus", _products, _PRODUCTS_READ, units=3),
    Operation("GET", "users/{user}/licenseDetails", _details, USERS_READ, units=2),
    Operation("POST", "users/{user}/assignLicense", _assign, _ASSIGN, units=1),
]
