"""Failures of Azure Storage itself, for those who must tell them from failures of their own."""

from azure.core.exceptions import AzureError, HttpResponseError

StorageError = AzureError
"""Whatever the storage SDKs raise."""


def is_refusal(error: Exception) -> bool:
    """Whether the service understood and refused the data: trying the same again cannot help."""
    return isinstance(error, HttpResponseError) and error.status_code in (400, 413)
