"""Requests to Azure Storage that we write ourselves are counted as those of the SDKs are: as ``storage_requests``."""

from __future__ import annotations

from typing import Any

from azure.core.pipeline.policies import SansIOHTTPPolicy

from shared import tally


class Counted(SansIOHTTPPolicy[Any, Any]):
    """Counts requests, each try by itself."""

    def on_request(self, _request: Any) -> None:
        """One more."""
        tally.count("storage_requests")
