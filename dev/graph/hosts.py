"""The hosts of the Microsoft clouds that the emulator plays.

https://learn.microsoft.com/en-us/graph/deployments
"""

import re

GRAPH_HOSTS = (
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
)
LOGIN_HOSTS = ("login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn", "login.windows.net")

_GOVERNMENT = (r"/permanentDelete$", r"/createUploadSession$")
MISSING = {
    "graph.microsoft.us": _GOVERNMENT,
    "dod-graph.microsoft.us": _GOVERNMENT,
    "microsoftgraph.chinacloudapi.cn": (r"/messages/delta$", r"/mailFolders/delta$", r"/permanentDelete$"),
}
"""Paths that Graph does not know in this cloud, as the tables of clouds on the pages of these operations say:
https://learn.microsoft.com/en-us/graph/api/message-delta,
https://learn.microsoft.com/en-us/graph/api/message-permanentdelete"""


def is_missing(host: str, path: str) -> bool:
    """Whether Graph has nothing at this path in the cloud of this host."""
    return any(re.search(pattern, path) for pattern in MISSING.get(host, ()))
