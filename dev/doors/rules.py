"""What the Functions host refuses when it starts, refused here in the same place: before anything runs.

Sources: the host, https://github.com/Azure/azure-functions-host/blob/dev/src/WebJobs.Script/Host/ScriptHost.cs and
.../Utility.cs (function and binding names, routes); the bindings' pages on learn.microsoft.com/azure/azure-functions.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import combinations

from dev.doors.errors import HostError
from dev.doors.functions import Function
from dev.doors.host_json import HostJson
from dev.doors.routes import AUTH_LEVELS, Route, parse_route, route_identity
from dev.doors.settings import STORAGE, find_connection, resolve_names
from dev.doors.timers import parse_schedule

SUPPORTED = {"httpTrigger", "http", "queueTrigger", "timerTrigger"}
_FUNCTION_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]{0,127}")
_BINDING_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9]{0,127}|\$return")
# https://learn.microsoft.com/rest/api/storageservices/naming-queues-and-metadata#queue-names
_QUEUE_NAME = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*")


def check_app(functions: Iterable[Function], host_json: HostJson, settings: Mapping[str, str]) -> None:
    """Raise one HostError that tells everything the host would refuse in this app."""
    found = list(functions)
    problems = [problem for function in found for problem in _problems(function, host_json, settings)]
    problems += _doubled_names(found)
    problems += [] if problems else _doubled_routes(found, host_json)
    if problems:
        raise HostError("The host refuses this function app:\n" + "\n".join(f"- {problem}" for problem in problems))


def http_route(function: Function, host_json: HostJson) -> Route:
    """Return the route of an HTTP function; without one of its own it is the function's name."""
    template = function.trigger.get("route") or function.name
    return parse_route(template, host_json.route_prefix, function.trigger.get("methods") or ())


def queue_name(function: Function, settings: Mapping[str, str]) -> str:
    """Return the name of the queue that wakes a function, %SETTING%s resolved. The host lowers it."""
    return resolve_names(str(function.trigger["queueName"]), settings).lower()


def _problems(function: Function, host_json: HostJson, settings: Mapping[str, str]) -> list[str]:
    checks: list[Callable[[], None]] = [
        lambda: _check_names(function),
        lambda: _check_bindings(function, host_json),
        lambda: _check_retry(function),
        lambda: _check_trigger(function, host_json, settings),
    ]
    problems = []
    for check in checks:
        try:
            check()
        except HostError as error:
            problems.append(f"function {function.name}: {error}")
        except KeyError as error:
            problems.append(f"function {function.name}: there is no setting {error.args[0]}: add it to the settings.")
    return problems


def _check_names(function: Function) -> None:
    if not _FUNCTION_NAME.fullmatch(function.name) or function.name.lower() == "host":
        raise HostError("its name must begin with a letter, then letters, digits, - and _, and not be 'host'")
    for binding in function.bindings:
        if not _BINDING_NAME.fullmatch(str(binding["name"])):
            raise HostError(f'binding name "{binding["name"]}": letters and digits only; rename arg_name and parameter')


def _check_bindings(function: Function, host_json: HostJson) -> None:
    for kind in (str(binding["type"]) for binding in function.bindings):
        if kind not in {"httpTrigger", "http", "timerTrigger"} and not host_json.has_extension_bundle:
            raise HostError(f'{kind} needs the extension bundle: add "extensionBundle" to host.json')
        if kind not in SUPPORTED:
            raise HostError(f"this local host has no door for {kind}; it has {', '.join(sorted(SUPPORTED))}")


def _check_retry(function: Function) -> None:
    # https://learn.microsoft.com/azure/azure-functions/functions-bindings-error-pages#retries
    if function.has_retry_policy:
        message = "a retry policy has no effect on HTTP and queue triggers, and this local host runs none for timers"
        raise HostError(f"{message}: remove it; queues are tried again as host.json says")


def _check_trigger(function: Function, host_json: HostJson, settings: Mapping[str, str]) -> None:
    if function.kind == "httpTrigger":
        level = str(function.trigger.get("authLevel", "function")).lower()
        if level not in AUTH_LEVELS:
            raise HostError(f'auth level "{level}" is none of {", ".join(sorted(AUTH_LEVELS))}')
        http_route(function, host_json)
    elif function.kind == "queueTrigger":
        _check_queue(function, settings)
    elif function.kind == "timerTrigger":
        parse_schedule(resolve_names(str(function.trigger["schedule"]), settings))


def _check_queue(function: Function, settings: Mapping[str, str]) -> None:
    name = queue_name(function, settings)
    if not _QUEUE_NAME.fullmatch(name):
        raise HostError(f'"{name}" is no queue name: 3 to 63 lower-case letters, digits and single hyphens')
    connection = str(function.trigger.get("connection") or STORAGE)
    if not find_connection(connection, settings):
        raise HostError(f"its connection {connection} is not set: add that setting (a connection string)")


def _doubled_names(functions: list[Function]) -> list[str]:
    return [
        f"functions {a.name} and {b.name}: names must differ in more than upper and lower case"
        for a, b in combinations(functions, 2)
        if a.name.lower() == b.name.lower()
    ]


def _doubled_routes(functions: list[Function], host_json: HostJson) -> list[str]:
    routes = [(f.name, http_route(f, host_json)) for f in functions if f.kind == "httpTrigger"]
    return [
        f'functions {a} and {b}: both answer route "{one.template}" for the same method; rename one'
        for (a, one), (b, two) in combinations(routes, 2)
        if route_identity(one) == route_identity(two) and _share_a_method(one, two)
    ]


def _share_a_method(one: Route, two: Route) -> bool:
    return not one.methods or not two.methods or bool(one.methods & two.methods)
