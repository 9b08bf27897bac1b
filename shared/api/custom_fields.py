"""Custom fields: what an installation keeps of its users besides."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Query

from shared.api.given import Rt
from shared.api.paging import Page, Paged
from shared.api.problems import documented
from shared.api.roles import Role, needs
from shared.api.structure import Calling, IfMatch, page
from shared.api.values import Body, Changes, FieldName, Name, Output, Time
from shared.desk import custom_fields
from shared.desk.custom_fields import KIND
from shared.errors import BadInput

router = APIRouter(prefix="/custom-fields", tags=["custom-fields"])

MOST = 40
"""So that all of a user's fit into one property of a row, 64 KiB."""


class NewCustomField(Body):
    """A field to make. ``name`` is for good."""

    name: FieldName
    label: Name


class CustomFieldChange(Changes):
    """What to change."""

    label: Name = ""


class CustomField(Output):
    """A field of users: what it is stored under, and what people read."""

    name: str
    label: str
    created_at: Time


@router.get("", openapi_extra=needs(Role.READER))
def list_custom_fields(rt: Rt, query: Annotated[Paged, Query()]) -> Page[CustomField]:
    """List the custom fields, by name."""
    return page(rt, KIND, query, CustomField)


@router.post("", status_code=201, openapi_extra=needs(Role.ADMIN), responses=documented(409))
def create_custom_field(call: Calling, new: NewCustomField) -> CustomField:
    """Make a field, to be filled in afterwards."""
    present = custom_fields.load_all(call.rt)
    if new.name in present:
        raise BadInput("name", f"There is a custom field {new.name!r} already.", "Choose another name, or change that.")
    if len(present) >= MOST:
        raise BadInput("name", f"There are {MOST} custom fields already.", "Use one of them for something else.")
    made = custom_fields.CustomField(new.name, new.label, call.new()[1])
    return CustomField.model_validate(call.create(KIND, made, new.model_dump()))


@router.get("/{field_name}", openapi_extra=needs(Role.READER), responses=documented(404))
def get_custom_field(call: Calling, field_name: FieldName) -> CustomField:
    """Read one custom field."""
    return CustomField.model_validate(call.read(KIND, field_name).thing)


@router.patch("/{field_name}", openapi_extra=needs(Role.ADMIN), responses=documented(404, 409))
def change_custom_field(
    call: Calling, field_name: FieldName, change: CustomFieldChange, if_match: IfMatch = None
) -> CustomField:
    """Change what people read."""
    before, values = call.read(KIND, field_name, if_match), change.model_dump(exclude_unset=True)
    return CustomField.model_validate(call.change(KIND, before, replace(before.thing, **values), values))
