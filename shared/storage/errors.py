"""Failures of Azure Storage itself, for those who must tell them from failures of their own."""

from azure.core.exceptions import AzureError, HttpResponseError

from shared.errors import Later

StorageError = AzureError
"""Whatever the storage SDKs raise."""

AWAY_DELAY = 30
"""Seconds until work is looked at again that the storage failed; the SDKs have tried several times by then."""


class StorageAway(Later):
    """The storage does not do its work at the moment."""

    def __init__(self, error: AzureError) -> None:
        told = getattr(error, "error_code", None) or getattr(error, "status_code", None) or type(error).__name__
        cause = f"Azure Storage failed: {told}."
        super().__init__(cause, AWAY_DELAY, "Look at the health of the storage account, and at its firewall.")


def is_refusal(error: Exception) -> bool:
    """Whether the service understood and refused the data: trying the same again cannot help."""
    return isinstance(error, HttpResponseError) and error.status_code in (400, 413)
