"""Users as the API takes and shows them."""

from typing import Annotated

from pydantic import Field

from shared.api.person_models import MOST_BELONGINGS, AnyId, Details, GivenSeat, RoleIds, ShownRole, ShownSeat
from shared.api.structure import NamedQuery
from shared.api.values import (
    AnyAddress,
    Body,
    Changes,
    FieldName,
    Guid,
    LongLabel,
    Name,
    Nobody,
    Output,
    PersonAddress,
    Time,
)
from shared.desk import people

Custom = Annotated[
    dict[FieldName, LongLabel],
    Field(description="Custom fields, by their names. What is not named stays; an empty text takes it away."),
]
Seats = Annotated[
    list[GivenSeat],
    Field(max_length=MOST_BELONGINGS, description="All seats that they have by hand; what a directory gave stays."),
]


class UserQuery(NamedQuery):
    """Which users to list: those that fit everything that is named."""

    site: Guid | None = Field(default=None, description="The id of their site.")
    address: AnyAddress | None = Field(default=None, description="Their whole mail address.")

    def fits_user(self, user: people.User) -> bool:
        """Whether a user is asked for."""
        return self.fits(user) and self.site in (None, user.site)


class _Choices(Body):
    """What people decide about a user, and may change at any time."""

    site: AnyId = Field(default="", description="The id of an active site.")
    kept_active: bool = Field(default=False, description="No directory makes them inactive.")
    details: Details = {}
    custom: Custom = {}
    manager: AnyId = Field(default="", description="The id of another user.")
    roles: RoleIds = []
    seats: Seats = []


class NewUser(_Choices):
    """A user to make. ``site`` left out is the one that has the domain of the address."""

    name: Name
    address: PersonAddress


class UserChange(Changes, _Choices):
    """What to change of a user; the rest stays as it is."""

    name: Name = ""
    address: PersonAddress | Nobody = ""
    active: bool = True


class User(Output):
    """Somebody who raises tickets.

    ``source``: what made them known: ``mail``, ``hand``, or the id of a connection; ``origin``: their record in an
    outside directory; ``deactivated_by``: ``hand``, or the id of a connection.
    """

    user_id: str
    name: str
    address: str
    site: str
    active: bool
    source: str
    created_at: Time
    details: dict[str, str]
    custom: dict[str, str]
    manager: str
    roles: list[ShownRole]
    seats: list[ShownSeat]
    licenses: list[str]
    kept_active: bool
    origin: str
    deactivated_by: str
    last_sign_in: Time
