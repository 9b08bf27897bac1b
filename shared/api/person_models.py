"""What the API takes and shows of users and agents alike."""

from typing import Annotated

from pydantic import Field

from shared.api.values import Body, Guid, Label, Nobody, Output
from shared.desk.people import DetailName

MOST_BELONGINGS = 50

Details = Annotated[
    dict[DetailName, Label],
    Field(description="What else is known of them. What is not named stays; an empty text takes it away."),
]
RoleIds = Annotated[
    list[Guid],
    Field(
        max_length=MOST_BELONGINGS, description="Ids of all roles that they have by hand; what a directory gave stays."
    ),
]
AnyId = Guid | Nobody
"""An id, or an empty text for none."""


class ShownRole(Output):
    """A role that somebody has. ``given_by``: ``hand``, or the id of the connection whose directory gave it."""

    role_id: str
    given_by: str


class GivenMembership(Body):
    """An agent in a team: whether they are given tickets, and which of its tickets they see besides their own."""

    team_id: Guid = Field(description="The id of an active team.")
    assignable: bool = True
    sees_unassigned: bool = True
    sees_others: bool = True


class ShownMembership(Output):
    """An agent in a team."""

    team_id: str
    given_by: str
    assignable: bool
    sees_unassigned: bool
    sees_others: bool


class GivenSeat(Body):
    """A user on a board."""

    board_id: Guid = Field(description="The id of an active board.")
    role: Label = Field(default="", description="One of the board's `seat_roles`, or none.")


class ShownSeat(Output):
    """A user on a board."""

    board_id: str
    role: str
    given_by: str
