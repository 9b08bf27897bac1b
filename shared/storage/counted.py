"""Requests to Azure Storage are counted as ``storage_requests``: those of the SDKs, and those we write ourselves."""

from __future__ import annotations

from typing import Any

from azure.core.pipeline.policies import SansIOHTTPPolicy

from shared import tally


class Counted(SansIOHTTPPolicy[Any, Any]):
    """Counts requests, each try by itself."""

    def on_request(self, _request: Any) -> None:
        """One more."""
        tally.count("storage_requests")
