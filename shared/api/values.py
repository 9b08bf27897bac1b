"""What a text that comes from outside may look like. Every one has a limit; none may hold a control character.

Keys of rows that come from a URL are compared with the pattern of the keys that we make, so that no other row of a
table can be reached by them.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

_VISIBLE = r"[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]"
"""No control character, no line or paragraph separator, nothing that turns the direction of writing."""
_IN_ADDRESS = r"[^@\s\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]"
_FIRST_YEAR, _LAST_YEAR = 1971, 2199


class Input(BaseModel):
    """A body or a query: a name that is not known is refused, and not passed over."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Output(BaseModel):
    """What an answer shows of something stored; where that does not fit, no log line repeats it."""

    model_config = ConfigDict(from_attributes=True, hide_input_in_errors=True)


class Body(Input):
    """A body: a number is no text, and ``"yes"`` is not true."""

    model_config = ConfigDict(strict=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    """What is left out of a change stays as it is: there are no defaults to tell of."""
    for each in schema["properties"].values():
        each.pop("default", None)
    schema["minProperties"] = 1


class Changes(Body):
    """What to change of something: at least one value; what is left out stays as it is."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not self.model_fields_set:
            raise PydanticCustomError("nothing", "Should name something to change")
        return self


def _text(least: int, most: int) -> StringConstraints:
    return StringConstraints(min_length=least, max_length=most, pattern=f"^{_VISIBLE}*$")


Name = Annotated[str, _text(1, 100), Field(examples=["Contoso"])]
"""What people call something."""
Label = Annotated[str, _text(0, 100), Field(examples=["Second line"])]
"""The name of a team, a site and the like; may be empty."""
LongLabel = Annotated[str, _text(0, 200)]
"""A longer text on one line; may be empty."""
Word = Annotated[str, _text(1, 100), Field(examples=["incident"])]
"""As a label, and never empty."""
SearchText = Annotated[str, _text(1, 200)]
"""Something to look for."""
AnyAddress = Annotated[str, _text(3, 320), Field(examples=["jo@contoso.example"])]
"""A mail address as strangers write them; it is only ever compared."""
FolderName = Annotated[str, _text(1, 255), Field(examples=["Processed"])]
"""The display name of a mail folder. https://learn.microsoft.com/en-us/graph/api/resources/mailfolder"""

PersonAddress = Annotated[
    str,
    StringConstraints(max_length=320, pattern=rf"^{_IN_ADDRESS}+@{_IN_ADDRESS}+$", to_lower=True),
    Field(examples=["jo@contoso.example"]),
]
"""The mail address of a user, whatever their mail system allows."""
MailDomain = Annotated[
    str,
    StringConstraints(
        max_length=253, pattern=r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}$", to_lower=True
    ),
    Field(examples=["contoso.example"]),
]
"""A mail domain; an international one in its ASCII form (``xn--...``)."""
FieldName = Annotated[str, StringConstraints(pattern="^[a-z][a-z0-9_]{0,39}$"), Field(examples=["badge_number"])]
"""What a custom field is stored under."""
Nobody = Literal[""]
"""In the place of an id: none."""

Slug = Annotated[
    str, StringConstraints(pattern="^[a-z0-9-]{1,64}$"), Field(examples=["support-contoso-example-1a2b3c"])
]
"""The id of a connection or a mailbox."""
EntryKey = Annotated[
    str, StringConstraints(pattern="^[0-9]{17}~[0-9a-f]{12}$"), Field(examples=["98204812799999999~0123456789ab"])
]
"""The key of an entry of the journal, or of work set aside: its time, newest first, and a digest."""
ActionKey = Annotated[
    str,
    StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z~[0-9a-f]{14}$"),
    Field(examples=["2026-11-20T09:30:00.000000Z~0006430a1b2c3d"]),
]
"""The key of an action within its ticket: its time and its place in time."""
TicketNumber = Annotated[int, Field(ge=1, le=9_999_999_999, examples=[1042])]
"""The number of a ticket."""
FileIndex = Annotated[int, Field(ge=0, le=9_999)]
"""The place of an attachment within its action."""

Guid = Annotated[
    str,
    StringConstraints(pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$", to_lower=True),
    Field(examples=["11111111-2222-3333-4444-555555555555"]),
]
"""An id of Entra."""
MailboxAddress = Annotated[
    str,
    StringConstraints(
        max_length=254, pattern=r"^[A-Za-z0-9._'!^~+-]{1,64}@([A-Za-z0-9-]{1,63}\.)+[A-Za-z0-9-]{2,63}$", to_lower=True
    ),
    Field(examples=["support@contoso.example"]),
]
"""The address of a mailbox: the characters that Microsoft 365 allows, without those that mean something in a URL.
https://learn.microsoft.com/en-us/microsoft-365/enterprise/prepare-for-directory-synchronization"""
FolderId = Annotated[str, StringConstraints(pattern="^[A-Za-z0-9_=-]{1,400}$"), Field(examples=["inbox"])]
"""A mail folder: its id, or its well-known name. https://learn.microsoft.com/en-us/graph/api/resources/mailfolder"""

ClientSecret = Annotated[SecretStr, Field(min_length=8, max_length=500)]
"""The value of a client secret; no answer and no log line ever holds it."""
Pem = Annotated[SecretStr, Field(min_length=100, max_length=30_000)]
"""A private key and its certificate as one PEM text; no answer and no log line ever holds it."""
VaultName = Annotated[str, StringConstraints(pattern="^[0-9a-zA-Z-]{1,127}$"), Field(examples=["deskbridge-graph"])]
"""The name of a certificate in Azure Key Vault.
https://learn.microsoft.com/en-us/azure/key-vault/general/about-keys-secrets-certificates"""
Environment = Annotated[str, StringConstraints(pattern=r"^(\*|[a-z0-9-]{1,30})$"), Field(examples=["production"])]
"""The name of an environment, as the setting ENVIRONMENT has it; a star for every one."""


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        raise PydanticCustomError(
            "moment", "Should be ISO 8601, such as 2026-11-20T09:30:00Z (in a URL, write + as %2B)"
        ) from None
    if moment.tzinfo is None:
        raise PydanticCustomError("moment_naive", "Should name its time zone, such as Z or +01:00")
    if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        raise PydanticCustomError("moment_far", "Should lie between 1971 and 2199")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, BeforeValidator(_moment)]
"""A moment given from outside: ISO 8601 with its time zone."""
Time = Annotated[datetime | None, BeforeValidator(lambda stored: stored or None)]
"""A stored moment, where the empty text stands for never."""
