"""The admin API as the developer's commands call it: over HTTP, with the key, as any customer would."""

from collections.abc import Iterator
from typing import Any

import requests
from requests.adapters import HTTPAdapter

THREADS = 8
"""How many may call at once; each keeps its connection."""
_SECONDS = 120
"""Longer than the longest test of a connection takes."""


class ApiError(RuntimeError):
    """The API refused, or is not there; the message holds its cause and its cure."""


class Refused(ApiError):
    """A value was wrong, or does not fit what is there: another one may be right."""


class DeskApi:
    """The admin API of a running app. `url`: where the app is, without a slash at its end."""

    def __init__(self, url: str, key: str) -> None:
        self._base = f"{url}/api/v1"
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment has no business on the loopback address
        self._session.headers["X-API-Key"] = key
        self._session.mount("http://", HTTPAdapter(pool_maxsize=THREADS))

    def get(self, path: str, **query: str | int) -> Any:
        """Read; raises ApiError."""
        return self._call("GET", path, query, None)

    def post(self, path: str, body: object = None) -> Any:
        """Make, or ask for something; raises ApiError."""
        return self._call("POST", path, {}, body)

    def put(self, path: str, body: object = None) -> Any:
        """Replace; raises ApiError."""
        return self._call("PUT", path, {}, body)

    def walk(self, path: str, **query: str | int) -> Iterator[Any]:
        """Every item of a list, page by page as they are taken; raises ApiError."""
        page = self.get(path, **query)
        yield from page["items"]
        while page.get("next"):
            page = self.get(path, **query, after=page["next"])
            yield from page["items"]

    def _call(self, method: str, path: str, query: dict[str, str | int], body: object) -> Any:
        try:
            answer = self._session.request(method, self._base + path, params=query, json=body, timeout=_SECONDS)
        except requests.RequestException as error:
            raise ApiError(f"The app at {self._base} does not answer: {error}") from error
        if answer.ok:
            return answer.json()
        kind = Refused if answer.status_code in (409, 422) else ApiError
        raise kind(f"{method} {path}: {answer.status_code} {_told(answer)}")


def _told(answer: requests.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return answer.text[:300]
    told = (problem.get(name) for name in ("title", "detail", "cure"))
    return " ".join(str(each) for each in told if each)
