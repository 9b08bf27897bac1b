"""The error family.

::

    DeskbridgeError             every error that we raise on purpose: a cause and a cure, in words for an admin
    |- BadInput                 the caller's value is wrong; names the field
    |  '- BadInputs             several are
    |- NotFound                 there is no such thing
    |- Conflict                 the thing is there already, or was changed meanwhile
    |- Unauthorized             no valid key or sign-in
    |- Forbidden                a valid sign-in that does not allow this
    |- Misconfigured            a setting is missing or wrong; nothing works until it is mended
    |- Later                    the work cannot go on now and is put again after a delay
    '- SetAside                 the work can never go on by itself; it is kept and shown
"""

from collections.abc import Sequence


class DeskbridgeError(Exception):
    """Something went wrong in a way we know: ``cause`` says what, ``cure`` says what to do about it."""

    def __init__(self, cause: str, cure: str = "") -> None:
        super().__init__(cause)
        self.cause = cause
        self.cure = cure


class BadInput(DeskbridgeError):
    """A value that came from outside is wrong; ``field`` is the name the caller knows it by."""

    def __init__(self, field: str, cause: str, cure: str = "") -> None:
        super().__init__(cause, cure)
        self.field = field


class BadInputs(BadInput):
    """Several values are wrong. ``found``: each field's name and what is wrong with it, the first one first."""

    def __init__(self, found: Sequence[tuple[str, str]], cure: str = "") -> None:
        field, cause = found[0]
        more = f" And {len(found) - 1} more." if len(found) > 1 else ""
        super().__init__(field, f"{field}: {cause}{more}", cure)
        self.found = found


class NotFound(DeskbridgeError):
    """What was asked for does not exist."""


class Conflict(DeskbridgeError):
    """What was to be created exists, or what was to be changed was changed by somebody else."""


class Unauthorized(DeskbridgeError):
    """The caller did not prove who they are."""


class Forbidden(DeskbridgeError):
    """The caller is known, and may not do this."""


class Misconfigured(DeskbridgeError):
    """A setting is missing or makes no sense."""


class Later(DeskbridgeError):
    """The work must wait: it goes back on its queue and is invisible for ``delay`` seconds."""

    def __init__(self, cause: str, delay: float, cure: str = "") -> None:
        super().__init__(cause, cure)
        self.delay = delay


class SetAside(DeskbridgeError):
    """The work cannot be done and repeating it will not help; it is kept for a person to look at."""
