"""The Microsoft clouds: where to sign in and where Graph is.

https://learn.microsoft.com/en-us/graph/deployments
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypedDict

from shared.errors import BadInput

type Lack = Literal["message-delta", "permanent-delete", "upload-session"]

LACKS: dict[Lack, str] = {
    "message-delta": "No delta rounds over mail: new mail is listed by the time it was received, with a day's overlap.",
    "permanent-delete": "Mail cannot be deleted for good, only into the deleted items.",
    "upload-session": "No attachments above 3 MB can be sent.",
}
"""What each of them means here. https://learn.microsoft.com/en-us/graph/api/message-delta,
https://learn.microsoft.com/en-us/graph/api/message-permanentdelete and
https://learn.microsoft.com/en-us/graph/api/attachment-createuploadsession say in which clouds they are."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """One cloud. ``known``: whether msal may look its authority up at Microsoft."""

    name: str
    authority: str
    graph: str
    known: bool = True
    exchange: str = "api://AzureADTokenExchange"
    """For whom a managed identity's token must be made so that an app registration of this cloud may trust it.
    https://learn.microsoft.com/en-us/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity"""

    lacks: frozenset[Lack] = frozenset()
    """What Graph there cannot do of what the features would use."""

    @property
    def scope(self) -> str:
        """The scope that stands for every application permission that was granted."""
        return f"{self.graph}/.default"

    def scopes(self, permissions: Iterable[str]) -> list[str]:
        """The scopes of these delegated permissions of Graph."""
        return [f"{self.graph}/{permission}" for permission in permissions]


class _Differing(TypedDict):
    exchange: str
    lacks: frozenset[Lack]


_US: _Differing = {
    "exchange": "api://AzureADTokenExchangeUSGov",
    "lacks": frozenset({"permanent-delete", "upload-session"}),
}
CLOUDS = {
    cloud.name: cloud
    for cloud in (
        Cloud("global", "https://login.microsoftonline.com", "https://graph.microsoft.com"),
        Cloud("usgov", "https://login.microsoftonline.us", "https://graph.microsoft.us", **_US),
        Cloud("dod", "https://login.microsoftonline.us", "https://dod-graph.microsoft.us", **_US),
        Cloud(
            "china",
            "https://login.chinacloudapi.cn",
            "https://microsoftgraph.chinacloudapi.cn",
            exchange="api://AzureADTokenExchangeChina",
            lacks=frozenset({"message-delta", "permanent-delete"}),
        ),
    )
}


def get_cloud(name: str, local_cloud_url: str = "") -> Cloud:
    """The cloud of this name; ``local`` is the emulator, where one is configured. Raises BadInput."""
    if name == "local" and local_cloud_url:
        return Cloud("local", local_cloud_url, local_cloud_url, known=False)
    try:
        return CLOUDS[name]
    except KeyError:
        raise BadInput("cloud", f"There is no cloud called {name!r}.", f"Use one of {', '.join(CLOUDS)}.") from None


def lacks_of(name: str, found: Mapping[Lack, bool]) -> frozenset[Lack]:
    """What the cloud of this name lacks: as was ``found`` by trying, else as Microsoft's pages have it."""
    told = CLOUDS[name].lacks if name in CLOUDS else frozenset[Lack]()
    return frozenset(each for each in LACKS if found.get(each, each in told))
