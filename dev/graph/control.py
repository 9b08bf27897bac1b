"""The control plane: what a test does to the emulator from outside, as JSON under `/_control`.

POST   reset                              everything as after the start
POST   seed                               {"tenants": [{"id", "apps": [...], "mailboxes": [...]}]}
POST   deliver?address=&folder=           the body is the MIME of a mail
GET    messages?address=&folder=          what lies in a folder
POST   read | move | delete ?address=&id=&folder=     as a person does it
GET    folders?address=
GET    clock        POST clock            {"advance": seconds}
GET    exchanges?since=n                  JSON lines
DELETE exchanges                          forget them, and the figures
POST   recording                          {"on": true | false}
GET    statistics
GET, POST, DELETE faults                  the fields of `Fault`
GET    subscriptions
POST   forget?id=&silently=true           a subscription is lost
POST   lifecycle?id=&event=
POST   settle                             {"timeout": seconds}
POST   person                             {"address", "consents", "refusal"}: who signs in at the browser
POST   revoke                             {"address", "number"}: refresh tokens so far are refused
POST   expire                             {"tokens": true, "delta": address | true}; true is users and groups too
POST   limit                              {"requests": per ten minutes, "generosity": times the directory's limits}
What works on users and groups stands in `directory_control`.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dev.graph.directory_control import ACTIONS as ON_DIRECTORY
from dev.graph.faults import Fault
from dev.graph.mailboxes import StoredMessage
from dev.graph.subscribing import precise
from dev.graph.wire import GraphError, Json, Request, Response, graph_time
from dev.graph.world import DEFAULT_ROLES

if TYPE_CHECKING:
    from dev.graph.emulator import Emulator

PREFIX = "/_control/"
type _Action = Callable[["Emulator", dict[str, str], bytes], Any]


def control(emulator: "Emulator", request: Request) -> Response:
    """Do what is asked for; a mistake of the caller is answered with 400 and its reason."""
    action = _ACTIONS.get((request.method, request.path.removeprefix(PREFIX)))
    if action is None:
        return Response(404, {"error": f"there is no {request.method} {request.path}"})
    try:
        result = action(emulator, request.options, request.body)
    except (KeyError, ValueError, TypeError, GraphError) as error:
        return Response(400, {"error": f"{type(error).__name__}: {error}"})
    if isinstance(result, bytes):
        return Response(200, content=result, content_type="application/jsonl; charset=utf-8")
    return Response(200, result if isinstance(result, dict) else {"value": result})


def _reset(emulator: "Emulator", _options: dict[str, str], _body: bytes) -> None:
    emulator.reset()


def _seed(emulator: "Emulator", _options: dict[str, str], body: bytes) -> None:
    for tenant in json.loads(body)["tenants"]:
        for app in tenant.get("apps", []):
            expires = app.get("secret_expires")
            emulator.add_app(
                tenant["id"],
                app["client_id"],
                app["secret"],
                tuple(app.get("roles", DEFAULT_ROLES)),
                secret_expires=datetime.fromisoformat(expires) if expires else None,
                mailboxes=app.get("mailboxes"),
                redirect_uris=tuple(app.get("redirect_uris", ())),
                scopes=tuple(app.get("scopes", ())),
            )
        for box in tenant.get("mailboxes", []):
            emulator.add_mailbox(tenant["id"], box["address"], box.get("display_name", ""), box.get("kind", "user"))


def _deliver(emulator: "Emulator", options: dict[str, str], body: bytes) -> Json:
    address = options["address"]
    key = emulator.deliver(address, body, options.get("folder", "inbox"))
    return _message(emulator.message(address, key))


def _messages(emulator: "Emulator", options: dict[str, str], _body: bytes) -> list[Json]:
    return [_message(one) for one in emulator.messages(options["address"], options.get("folder", "inbox"))]


def _folders(emulator: "Emulator", options: dict[str, str], _body: bytes) -> list[str]:
    return emulator.folders(options["address"])


def _read(emulator: "Emulator", options: dict[str, str], _body: bytes) -> None:
    emulator.mark_read(options["address"], options["id"])


def _move(emulator: "Emulator", options: dict[str, str], _body: bytes) -> None:
    emulator.move(options["address"], options["id"], options["folder"])


def _delete(emulator: "Emulator", options: dict[str, str], _body: bytes) -> None:
    emulator.delete(options["address"], options["id"])


def _clock(emulator: "Emulator", _options: dict[str, str], _body: bytes) -> Json:
    return {"now": emulator.clock.now().isoformat()}


def _advance(emulator: "Emulator", _options: dict[str, str], body: bytes) -> Json:
    return {"now": emulator.clock.advance(float(json.loads(body)["advance"])).isoformat()}


def _exchanges(emulator: "Emulator", options: dict[str, str], _body: bytes) -> bytes:
    found = emulator.exchanges[int(options.get("since", "0")) :]
    return "".join(json.dumps(one) + "\n" for one in found).encode()


def _forget_exchanges(emulator: "Emulator", _options: dict[str, str], _body: bytes) -> None:
    emulator.gateway.recorder.reset()


def _record(emulator: "Emulator", _options: dict[str, str], body: bytes) -> None:
    emulator.recording = bool(json.loads(body)["on"])


def _statistics(emulator: "Emulator", _options: dict[str, str], _body: bytes) -> Json:
    counted = emulator.statistics
    return {
        "requests_total": counted.requests_total,
        "by_template": dict(counted.by_template),
        "by_status": dict(counted.by_status),
        "most_at_once": dict(counted.most_at_once),
        "turned_away": dict(emulator.gateway.throttle.turned_away),
        "units": dict(emulator.units.spent),
        "highest_share": emulator.units.highest_share,
    }


def _faults(emulator: "Emulator", _options: dict[str, str], _body: bytes) -> list[Json]:
    return [{"kind": fault.kind, "path": fault.path, "struck": fault.struck} for fault in emulator.faults.all()]


def _add_fault(emulator: "Emulator", _options: dict[str, str], body: bytes) -> None:
    emulator.faults.add(Fault(**json.loads(body)))


def _clear_faults(emulator: "Emulator", _options: dict[str, str], _body: bytes) -> None:
    emulator.faults.clear()


def _subscriptions(emulator: "Emulator", _options: dict[str, str], _body: bytes) -> list[Json]:
    return [
        {"id": s.id, "resource": s.resource, "notificationUrl": s.notification_url, "expires": precise(s.expires)}
        for s in emulator.subscriptions()
    ]


def _forget(emulator: "Emulator", options: dict[str, str], _body: bytes) -> None:
    emulator.remove_subscription(options["id"], silently=options.get("silently", "true") == "true")


def _lifecycle(emulator: "Emulator", options: dict[str, str], _body: bytes) -> None:
    emulator.send_lifecycle(options["id"], options["event"])


def _settle(emulator: "Emulator", _options: dict[str, str], body: bytes) -> Json:
    return {"settled": emulator.settle(float(json.loads(body or b"{}").get("timeout", 5)))}


def _expire(emulator: "Emulator", _options: dict[str, str], body: bytes) -> None:
    wanted = json.loads(body)
    if wanted.get("tokens"):
        emulator.expire_tokens()
    if delta := wanted.get("delta"):
        emulator.expire_delta(delta if isinstance(delta, str) else None)


def _person(emulator: "Emulator", _options: dict[str, str], body: bytes) -> None:
    emulator.sit_down(**json.loads(body))


def _revoke(emulator: "Emulator", _options: dict[str, str], body: bytes) -> None:
    emulator.revoke_sessions(**json.loads(body))


def _limit(emulator: "Emulator", _options: dict[str, str], body: bytes) -> None:
    wanted = json.loads(body)
    if "requests" in wanted:
        emulator.raise_request_limit(int(wanted["requests"]))
    emulator.units.generosity = int(wanted.get("generosity", emulator.units.generosity))


def _message(message: StoredMessage) -> Json:
    return {
        "id": message.immutable_id,
        "subject": message.subject,
        "isRead": message.is_read,
        "internetMessageId": message.internet_message_id,
        "receivedDateTime": graph_time(message.received_date_time),
        "bytes": len(message.raw),
    }


_ACTIONS: dict[tuple[str, str], _Action] = {
    ("POST", "reset"): _reset,
    ("POST", "seed"): _seed,
    ("POST", "deliver"): _deliver,
    ("GET", "messages"): _messages,
    ("GET", "folders"): _folders,
    ("POST", "read"): _read,
    ("POST", "move"): _move,
    ("POST", "delete"): _delete,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _advance,
    ("GET", "exchanges"): _exchanges,
    ("DELETE", "exchanges"): _forget_exchanges,
    ("POST", "recording"): _record,
    ("GET", "statistics"): _statistics,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "subscriptions"): _subscriptions,
    ("POST", "forget"): _forget,
    ("POST", "lifecycle"): _lifecycle,
    ("POST", "settle"): _settle,
    ("POST", "expire"): _expire,
    ("POST", "person"): _person,
    ("POST", "revoke"): _revoke,
    ("POST", "limit"): _limit,
    **ON_DIRECTORY,
}
