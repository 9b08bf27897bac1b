"""In which cloud a tenant lives, as Entra tells everybody: an app of one cloud cannot sign in to a tenant of another.

https://learn.microsoft.com/en-us/entra/identity-platform/v2-protocols-oidc#fetch-the-openid-configuration-document,
https://learn.microsoft.com/en-us/entra/identity-platform/authentication-national-cloud
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import requests

from shared import log
from shared.graph.clouds import CLOUDS, get_cloud

if TYPE_CHECKING:
    from shared.graph.clouds import Cloud

_PATIENCE = (5, 5)
"""Seconds to connect and to read: somebody waits, and without an answer the sign-in itself will tell."""
_INSTANCES = {"microsoftonline.com": "global", "microsoftonline.us": "usgov", "partner.microsoftonline.cn": "china"}
"""``cloud_instance_name``. The two clouds of the US government share theirs; ``tenant_region_sub_scope`` is ``DOD`` in
one of them, ``DODCON`` in the other, and ``GCC`` in the global cloud.
https://learn.microsoft.com/en-us/microsoft-365/enterprise/microsoft-365-u-s-government-gcc-high-endpoints"""


def match_cloud(about: Mapping[str, object]) -> str | None:
    """The cloud that an OpenID configuration is of; None if it is none that we know."""
    found = _INSTANCES.get(str(about.get("cloud_instance_name")))
    return "dod" if found == "usgov" and about.get("tenant_region_sub_scope") == "DOD" else found


def find_cloud(http: requests.Session, tenant_id: str, chosen: Cloud) -> str | None:
    """The name of the cloud that a tenant lives in; None where nobody can tell, or nobody is to be asked.

    The chosen cloud is asked first; where it knows no such tenant, the others are.
    """
    if not chosen.known:
        return None
    authorities = dict.fromkeys([chosen.authority, *(each.authority for each in CLOUDS.values())])
    found = (match_cloud(_read(http, authority, tenant_id)) for authority in authorities)
    return next((name for name in found if name), None)


def describe(name: str) -> tuple[str, str]:
    """The cause and the cure where a tenant lives in this cloud, and another one was chosen."""
    cloud = get_cloud(name)
    cause = f"The tenant lives in another cloud: {name} (sign-in at {cloud.authority}, Graph at {cloud.graph})."
    return cause, f"Make the connection with the cloud {name}, with an app that is registered there."


def _read(http: requests.Session, authority: str, tenant_id: str) -> Mapping[str, object]:
    """The configuration of a tenant; empty where there is none."""
    url = f"{authority}/{tenant_id}/v2.0/.well-known/openid-configuration"
    try:
        answer = http.get(url, timeout=_PATIENCE, allow_redirects=False)
        about = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError) as error:
        log.info("tenant_cloud.no_answer", reason=type(error).__name__)
        return {}
    return about if isinstance(about, dict) else {}
