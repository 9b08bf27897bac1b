"""PowerShell that limits an app to the mailboxes it needs: RBAC for Applications, and the older access policy.

https://learn.microsoft.com/en-us/exchange/permissions-exo/application-rbac
https://learn.microsoft.com/en-us/powershell/module/exchange/new-applicationaccesspolicy
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ENVIRONMENTS = {
    "usgov": ("O365USGovGCCHigh", "USGov"),
    "dod": ("O365USGovDoD", "USGovDoD"),
    "china": ("O365China", "China"),
}
"""What a national cloud is called by Connect-ExchangeOnline and by Connect-MgGraph.
https://learn.microsoft.com/en-us/powershell/module/exchange/connect-exchangeonline
https://learn.microsoft.com/en-us/powershell/microsoftgraph/authentication-commands"""

_QUOTES = "'\u2018\u2019\u201a\u201b"
"""PowerShell takes each of these for the end of a text in single quotes, and two of them for one that belongs to it.
https://learn.microsoft.com/en-us/powershell/module/microsoft.powershell.core/about/about_quoting_rules"""


@dataclass(frozen=True, slots=True)
class Reach:
    """Which app may do what in which mailboxes. ``permissions``: Graph's names, such as ``Mail.ReadWrite``."""

    connection_id: str
    name: str
    tenant_id: str
    client_id: str
    cloud: str
    permissions: Sequence[str]
    mailboxes: Sequence[str]


def quote(text: str) -> str:
    """A text as PowerShell reads it back to the letter, whatever is in it; control characters become spaces."""
    visible = "".join(char if char.isprintable() else " " for char in text)
    return "'" + "".join(char * 2 if char in _QUOTES else char for char in visible) + "'"


def rbac_commands(reach: Reach) -> str:
    """The commands for RBAC for Applications, to be run from top to bottom."""
    rights = "\n".join(_assignment(reach, each) for each in reach.permissions)
    return f"{_RBAC_HEAD}\n{_values(reach)}\n{_connecting(reach)}\n{_GROUP}\n{_SCOPE}\n{rights}\n{_RBAC_END}"


def policy_commands(reach: Reach) -> str:
    """The commands for an application access policy, for an organization that goes by such policies."""
    return f"{_POLICY_HEAD}\n{_values(reach)}\n{_connecting(reach, graph=False)}\n{_GROUP}\n{_POLICY_END}"


def _values(reach: Reach) -> str:
    addresses = ", ".join(map(quote, reach.mailboxes))
    return (
        f"$appId = {quote(reach.client_id)}\n"
        f"$appName = {quote(reach.name)}\n"
        f"$scopeName = {quote(_short('Deskbridge', reach))}\n"
        f"$groupAlias = {quote(_short('deskbridge', reach).replace(' ', '-'))}\n"
        f"$mailboxes = @({addresses})\n"
    )


def _short(stem: str, reach: Reach) -> str:
    """A name for things in Exchange, which allows 64 characters; our ids have 47 at most."""
    return f"{stem} {reach.connection_id}"


def _connecting(reach: Reach, *, graph: bool = True) -> str:
    exchange, entra = ENVIRONMENTS.get(reach.cloud, ("", ""))
    lines = [f"Connect-ExchangeOnline{_option('ExchangeEnvironmentName', exchange)}"]
    if graph:
        tenant, scope = quote(reach.tenant_id), "'Application.Read.All'"
        lines.append(f"Connect-MgGraph -TenantId {tenant} -Scopes {scope}{_option('Environment', entra)}")
    return "\n".join(lines) + "\n"


def _option(name: str, value: str) -> str:
    return f" -{name} {value}" if value else ""


def _assignment(reach: Reach, permission: str) -> str:
    name = quote(f"{reach.connection_id[-30:]} {permission}")
    role = quote(f"Application {permission}")
    return f"New-ManagementRoleAssignment -Name {name} -App $appId -Role {role} -CustomResourceScope $scopeName"


_RBAC_HEAD = """\
# Lets the app into these mailboxes and into no other, by RBAC for Applications.
# Run it as a member of Organization Management, or as Exchange Administrator. It needs two modules:
# Install-Module ExchangeOnlineManagement, Microsoft.Graph.Applications
"""
_GROUP = """\
# 1. A group of the mailboxes. Only direct members count, not those of a group within it.
#    The mailbox that replies are sent from must be in it as well as the one that mail comes to.
New-DistributionGroup -Name $scopeName -Alias $groupAlias -Type Security \
-MemberJoinRestriction Closed -MemberDepartRestriction Closed
foreach ($mailbox in $mailboxes) { Add-DistributionGroupMember -Identity $groupAlias -Member $mailbox }
"""
_SCOPE = """\
# 2. The scope: who is in the group. Later put mailboxes into the group and leave the scope alone:
#    Set-ManagementScope does not add to a filter, it replaces the whole of it.
$group = Get-DistributionGroup -Identity $groupAlias
$filter = "MemberOfGroup -eq '" + $group.DistinguishedName.Replace("'", "''") + "'"
New-ManagementScope -Name $scopeName -RecipientRestrictionFilter $filter

# 3. The app, as Exchange is to know it. The object id is that of the Enterprise application;
#    the one that the App registration shows is another, and does not work.
$app = Get-MgServicePrincipal -Filter "appId eq '$appId'"
New-ServicePrincipal -AppId $app.AppId -ObjectId $app.Id -DisplayName $appName

# 4. What it may do in this scope."""
_RBAC_END = """
# 5. Now take the same permissions (Mail, Calendars, Contacts, MailboxSettings) away from the app in Entra: API
#    permissions, Revoke admin consent, Remove. What Entra grants and what Exchange grants add up, and a grant of
#    Entra's is good for every mailbox: as long as it is there, the scope limits nothing.
#    The app's token then shows none of them. That is as it should be: only a probe can tell, so use Test connection.

# 6. Exchange tells at once whether it is right (InScope is True). Graph notices after half an hour to two hours.
foreach ($mailbox in $mailboxes) { Test-ServicePrincipalAuthorization -Identity $appId -Resource $mailbox }
"""
_POLICY_HEAD = """\
# ONLY where access policies are in use already. Microsoft replaces them by RBAC for Applications, asks not to make new
# ones, and allows 300 in a tenant. Otherwise use the other commands.
# Get-ApplicationAccessPolicy shows those that there are.
"""
_POLICY_END = """\
# 2. The policy. It limits the permissions that were granted in Entra, so those stay where they are,
#    the other way round than with RBAC for Applications.
New-ApplicationAccessPolicy -AppId $appId -PolicyScopeGroupId $groupAlias -AccessRight RestrictAccess \
-Description $scopeName

# 3. Granted for each of these, Denied for any other. Graph takes up to an hour to notice.
foreach ($mailbox in $mailboxes) { Test-ApplicationAccessPolicy -AppId $appId -Identity $mailbox }
"""
