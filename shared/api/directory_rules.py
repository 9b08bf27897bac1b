"""The rules of a connection's directory: read, checked, tried on real people, and changed."""

from typing import Literal

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from shared.api import audit
from shared.api.directory_people import Outlook, Person, outlook
from shared.api.given import Admitted, Rt
from shared.api.problems import documented
from shared.api.roles import Role, needs, sets_up
from shared.api.values import Body, Input, Output, Slug
from shared.connections import store as connections
from shared.directory import checking, consequences, looking, mapping, present, properties, store
from shared.directory.mapping import AGENT_TARGETS
from shared.directory.rules import Rules
from shared.errors import BadInput, BadInputs, Conflict, DeskbridgeError

router = APIRouter(prefix="/connections/{connection_id}/directory", tags=["directory"])


class GivenRules(Body):
    """Rules, all of them."""

    model_config = ConfigDict(strict=False)

    rules: Rules


class RulesToCheck(GivenRules):
    """Rules to be looked at and tried, and not kept."""

    sample: list[Person] | None = Field(
        default=None,
        max_length=looking.MOST_TRIED,
        description="People to try the rules on, by object id or user principal name; left out: the first that Entra "
        "lists; an empty list: nobody.",
    )


class RulesChange(GivenRules):
    """The rules as they are to be, all of them."""

    version: str | None = Field(default=None, max_length=200, description="Of the rules that were read and changed.")
    confirm: bool = Field(default=False, description="The warnings about this change were read, and it is wanted.")
    reset: Literal["", "clear", "latest"] = Field(
        default="",
        description="`clear`: the next run reads everything anew; `latest`: what happened until now is passed over.",
    )


class Reset(Input):
    """What becomes of the saved deltas."""

    to: Literal["clear", "latest"] = Field(
        description="`clear`: the next run reads everything anew; `latest`: what happened until now is passed over."
    )


class Warned(Output):
    """What follows from a rule, and what to do about it."""

    field: str
    text: str
    cure: str


class Problem(Output):
    """A rule that cannot be kept."""

    field: str
    cause: str
    cure: str


class KeptRules(Output):
    """The rules as they are kept. ``problems``: what does not hold any more, since the desk was changed."""

    rules: Rules
    version: str
    problems: list[Problem]
    warnings: list[Warned]


class Untried(Output):
    """Why rules without problems were not tried on anybody."""

    cause: str
    cure: str


class Checked(Output):
    """What keeping these rules would mean. ``sample``: what a run by them would do about some real people now."""

    problems: list[Problem]
    warnings: list[Warned]
    sample: list[Outlook] = []
    untried: Untried | None = None


class Source(Output):
    """A property of Entra users. ``watched``: a change of it alone is seen by a delta round."""

    name: str
    watched: bool


class Vocabulary(Output):
    """What rules may name: properties of Entra, and the fields of the desk that they fill."""

    sources: list[Source]
    user_targets: list[str]
    agent_targets: list[str]


@router.get("/rules", openapi_extra=needs(Role.READER), responses=documented(404))
def get_directory_rules(rt: Rt, connection_id: Slug) -> KeptRules:
    """Read the rules; those of a new connection, switched off, where nobody has made any."""
    connections.get(rt, connection_id)
    rules, version = store.get_rules(rt, connection_id)
    return _kept(rt, rules if version else mapping.default_rules(), version)


@router.put("/rules", openapi_extra=sets_up(), responses=documented(404, 409))
def change_directory_rules(rt: Rt, caller: Admitted, connection_id: Slug, change: RulesChange) -> KeptRules:
    """Keep other rules. What cannot be kept is refused whole; what has consequences wants `confirm`."""
    connections.get(rt, connection_id)
    before, version = store.get_rules(rt, connection_id)
    problems = checking.check(change.rules, present.load_structure(rt))
    if problems:
        raise BadInputs([(f"rules.{each.field}", each.cause) for each in problems], problems[0].cure)
    warned = consequences.warnings(before, change.rules) if version else []
    if warned and not change.confirm:
        raise Conflict(" ".join(each.text for each in warned), "If that is what you want, send it with confirm: true.")
    told = {"rules": before.model_dump(mode="json")}, {"rules": change.rules.model_dump(mode="json")}
    with audit.recorded(rt, caller, "directory.rules_changed", connection_id, before=told[0], after=told[1]):
        _, kept = store.put_rules(
            rt,
            connection_id,
            change.rules,
            reset=change.reset,
            version=version if change.version is None else change.version,
        )
    return _kept(rt, change.rules, kept)


@router.post("/rules/check", openapi_extra=needs(Role.OPERATOR), responses=documented(404))
def check_directory_rules(rt: Rt, connection_id: Slug, asked: RulesToCheck) -> Checked:
    """Say what is wrong with rules, what would follow if they were kept, and what they would make of some people.

    Nothing is kept, and nobody is changed. People are tried on once nothing is wrong; where Entra cannot be asked,
    `untried` says why.
    """
    connections.get(rt, connection_id)
    before, version = store.get_rules(rt, connection_id)
    problems = [Problem.model_validate(each) for each in checking.check(asked.rules, present.load_structure(rt))]
    warned = _warned(consequences.warnings(before if version else Rules(), asked.rules))
    sample, untried = ([], None) if problems or asked.sample == [] else _tried(rt, connection_id, asked)
    return Checked(problems=problems, warnings=warned, sample=sample, untried=untried)


def _tried(rt: Rt, connection_id: str, asked: RulesToCheck) -> tuple[list[Outlook], Untried | None]:
    try:
        found = looking.try_on(rt, connection_id, asked.rules, asked.sample or ())
    except BadInput:
        raise
    except DeskbridgeError as failure:
        return [], Untried(cause=failure.cause, cure=failure.cure)
    return [outlook(each) for each in found], None


@router.get("/vocabulary", openapi_extra=needs(Role.READER), responses=documented(404))
def get_directory_vocabulary(rt: Rt, connection_id: Slug) -> Vocabulary:
    """List what may be mapped, and onto what."""
    connections.get(rt, connection_id)
    known = properties.PROPERTIES.values()
    return Vocabulary(
        sources=[Source(name=each.name, watched=each.watched) for each in known],
        user_targets=list(checking.user_targets(present.load_structure(rt))),
        agent_targets=list(AGENT_TARGETS),
    )


@router.post("/reset", status_code=202, openapi_extra=sets_up(), responses=documented(404, 409))
def reset_directory(rt: Rt, caller: Admitted, connection_id: Slug, wanted: Reset) -> KeptRules:
    """Forget the saved deltas: with the next run everything is read, or only what changes from now on."""
    connections.get(rt, connection_id)
    rules, version = store.get_rules(rt, connection_id)
    with audit.recorded(rt, caller, "directory.reset", connection_id, after={"to": wanted.to}):
        _, version = store.put_rules(rt, connection_id, rules, reset=wanted.to, version=version)
    return _kept(rt, rules, version)


def _kept(rt: Rt, rules: Rules, version: str) -> KeptRules:
    found = checking.check(rules, present.load_structure(rt))
    return KeptRules(
        rules=rules,
        version=version,
        problems=[Problem.model_validate(each) for each in found],
        warnings=_warned(consequences.warnings(rules, rules)),
    )


def _warned(found: list[consequences.Warned]) -> list[Warned]:
    return [Warned.model_validate(each) for each in found]
