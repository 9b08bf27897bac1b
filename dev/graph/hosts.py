"""The hosts of the Microsoft clouds that the emulator plays.

https://learn.microsoft.com/en-us/graph/deployments
"""

GRAPH_HOSTS = (
    "graph.microsoft.com",
    "graph.microsoft.us",
    "dod-graph.microsoft.us",
    "microsoftgraph.chinacloudapi.cn",
)
LOGIN_HOSTS = ("login.microsoftonline.com", "login.microsoftonline.us", "login.chinacloudapi.cn", "login.windows.net")
