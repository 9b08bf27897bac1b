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

VAULT_DOMAINS = {
    ".vault.azure.net": ("https://vault.azure.net", "https://login.microsoftonline.com"),
    ".vault.usgovcloudapi.net": ("https://vault.usgovcloudapi.net", "https://login.microsoftonline.us"),
    ".vault.azure.cn": ("https://vault.azure.cn", "https://login.chinacloudapi.cn"),
}
"""Where key vaults are, by cloud: what their tokens are for, and who issues them.
https://learn.microsoft.com/en-us/azure/key-vault/general/about-keys-secrets-certificates#dns-suffixes-for-base-url"""

INSTANCES = {
    "global": ("microsoftonline.com", "login.microsoftonline.com", "graph.microsoft.com", "NA", None),
    "usgov": ("microsoftonline.us", "login.microsoftonline.us", "graph.microsoft.us", "USGov", "DODCON"),
    "dod": ("microsoftonline.us", "login.microsoftonline.us", "dod-graph.microsoft.us", "USGov", "DOD"),
    "china": ("partner.microsoftonline.cn", "login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn", "AS", None),
}
"""Each cloud's ``cloud_instance_name``, login host and Graph host, with region and sub-region of a tenant there.
https://learn.microsoft.com/en-us/entra/identity-platform/authentication-national-cloud"""


def instance_of(cloud: str, host: str) -> tuple[str, str, str, str, str | None]:
    """What a tenant's configuration says of its cloud; one that was put in none lives where it is asked for."""
    known = INSTANCES.get(cloud) or next((each for each in INSTANCES.values() if each[1] == host), None)
    return known or INSTANCES["global"]


def meets(cloud: str, host: str) -> bool:
    """Whether a login host is that of the tenant's cloud."""
    return host not in {each[1] for each in INSTANCES.values()} or instance_of(cloud, host)[1] == host


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
