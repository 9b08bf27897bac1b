"""Posts to an address that an admin has set, of somebody who is neither Microsoft Graph nor Azure Storage.

Nothing is known of who answers: no redirect is followed, the answer is not read, and none of our credentials go along.
The address may hold a key, so it is never logged.
"""

from __future__ import annotations

from collections.abc import Mapping

import requests

from shared import log

CONNECT_SECONDS = 10
ANSWER_SECONDS = 10
"""Until the other side must have taken the connection, and have begun its answer."""


class Outgoing:
    """Posts of this process. ``http``: what carries them; left out, it makes its own."""

    def __init__(self, http: requests.Session | None = None) -> None:
        self._http = http or requests.Session()

    def post(self, url: str, body: Mapping[str, object]) -> bool:
        """Post JSON; whether it was taken."""
        try:
            with self._http.post(
                url,
                json=body,
                auth=_nobody,
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                allow_redirects=False,
                stream=True,
            ) as answer:
                return 200 <= answer.status_code < 300
        except requests.RequestException as error:
            log.warning("outgoing.no_answer", reason=type(error).__name__)
            return False


def _nobody(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Sign in as nobody; without this requests would look into a ``.netrc`` file."""
    return request
