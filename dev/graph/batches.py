"""`$batch`: up to twenty requests in one.

https://learn.microsoft.com/en-us/graph/json-batching
"""

import json
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from graphlib import CycleError, TopologicalSorter

from dev.graph.calls import Call, Operation
from dev.graph.throttling import CONCURRENT
from dev.graph.wire import GraphError, Json, Request, Response

_MOST = 20


def _batch(call: Call) -> Response:
    """Each request answered by itself; those that wait for a failed one fail too."""
    steps = _checked(call.request.json)
    answers: dict[str, Json] = {}
    order = TopologicalSorter({key: set(step.get("dependsOn") or []) for key, step in steps.items()})
    try:
        order.prepare()
    except CycleError as error:
        raise _malformed("The dependsOn of the requests form a circle.") from error
    with ThreadPoolExecutor(CONCURRENT, thread_name_prefix="batch") as pool:
        while order.is_active():
            ready = list(order.get_ready())
            for key, answer in zip(ready, pool.map(lambda key: _step(call, steps[key], answers), ready), strict=True):
                answers[key] = answer
            order.done(*ready)
    return Response(200, {"responses": list(answers.values())})


def _checked(body: Json) -> dict[str, Json]:
    requests = body.get("requests")
    if not isinstance(requests, list) or not requests or not all(isinstance(one, dict) for one in requests):
        raise _malformed("The requests of a batch must be a list that is not empty.")
    if len(requests) > _MOST:
        raise _malformed(f"Number of batch request steps exceeds the maximum value of {_MOST}.")
    steps: dict[str, Json] = {}
    for one in requests:
        key = one.get("id")
        if (
            not isinstance(key, str)
            or key in steps
            or not isinstance(one.get("url"), str)
            or not isinstance(one.get("method"), str)
        ):
            raise _malformed(f"Request Id {key} has to be unique in a batch, with a method and a url.")
        steps[key] = one
    for one in requests:
        if not set(one.get("dependsOn") or []) <= set(steps):
            raise _malformed(f"Request Id {one['id']} depends on a request that is not in the batch.")
    return steps


def _step(call: Call, step: Json, answers: dict[str, Json]) -> Json:
    if any(answers[key]["status"] >= 400 for key in step.get("dependsOn") or []):
        error = {
            "code": "FailedDependency",
            "message": "A request that this one depends on has failed.",
            "innerError": {},
        }
        return {
            "id": step["id"],
            "status": 424,
            "headers": {"Content-Type": "application/json"},
            "body": {"error": error},
        }
    response = call.gateway.answer_step(_as_request(call, step))
    answer: Json = {"id": step["id"], "status": response.status, "headers": response.headers}
    if response.payload is not None:
        answer["body"] = response.payload
    elif response.content:
        answer["body"] = b64encode(response.content).decode()
    return answer


def _as_request(call: Call, step: Json) -> Request:
    url = step["url"]
    if url.startswith(("http://", "https://", "/v1.0/", "/beta/")):
        raise _malformed(f"Request Id {step['id']}: the url must be relative to the version.")
    given = step.get("headers") or {}
    headers = {str(name).lower(): str(value) for name, value in given.items()}
    headers["authorization"] = call.request.headers["authorization"]
    body = step.get("body")
    if body is not None and "content-type" not in headers:
        raise _malformed(f"Request Id {step['id']}: a request with a body needs the header Content-Type.")
    raw = b"" if body is None else json.dumps(body).encode()
    return Request(step["method"].upper(), f"{call.request.origin}/v1.0/{url.lstrip('/')}", headers, raw, in_batch=True)


def _malformed(message: str) -> GraphError:
    return GraphError(400, "BadRequest", message)


OPERATIONS = [Operation("POST", "$batch", _batch)]
