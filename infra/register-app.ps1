<#
.SYNOPSIS
Registers the app that Deskbridge connects to a tenant with, trusting the managed identity of an installation.
.DESCRIPTION
There is no secret and no certificate. Run it once a tenant, signed in to that tenant (Connect-MgGraph -TenantId TENANT
-Scopes Application.ReadWrite.All, AppRoleAssignment.ReadWrite.All) as somebody who may register apps and grant admin consent.
Running it again changes nothing that is right already. The identity's two ids are DESKBRIDGE_IDENTITY_PRINCIPAL_ID and
the tenant of the subscription (azd env get-values).
https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
.EXAMPLE
infra/register-app.ps1 -Name 'Deskbridge' -IdentityPrincipalId 00000000-... -IdentityTenantId 00000000-...
#>
#Requires -Modules Microsoft.Graph.Applications
param(
    [Parameter(Mandatory)][string]$Name,
    [Parameter(Mandatory)][guid]$IdentityPrincipalId,
    [Parameter(Mandatory)][guid]$IdentityTenantId,
    [string[]]$Permissions = @('Mail.ReadWrite', 'User.Read.All')
)
$ErrorActionPreference = 'Stop'

$graph = Get-MgServicePrincipal -Filter "appId eq '00000003-0000-0000-c000-000000000000'" # Microsoft Graph, in every tenant
$roles = foreach ($permission in $Permissions) {
    $role = $graph.AppRoles | Where-Object { $_.Value -eq $permission -and $_.AllowedMemberTypes -contains 'Application' }
    if (-not $role) { throw "Microsoft Graph has no application permission $permission." }
    $role
}
$wanted = @($roles | ForEach-Object { @{ Id = $_.Id; Type = 'Role' } })

$quoted = $Name.Replace("'", "''")
$app = Get-MgApplication -Filter "displayName eq '$quoted'" | Select-Object -First 1
if ($app) {
    # What it asks for already stays: of Graph by other people's wishes, and of other services.
    $others = @($app.RequiredResourceAccess | Where-Object ResourceAppId -NE $graph.AppId)
    $known = @(($app.RequiredResourceAccess | Where-Object ResourceAppId -EQ $graph.AppId).ResourceAccess)
    $all = @($known | ForEach-Object { @{ Id = $_.Id; Type = $_.Type } }) + @($wanted | Where-Object { $_.Id -notin $known.Id })
    Update-MgApplication -ApplicationId $app.Id `
        -RequiredResourceAccess @($others + @{ ResourceAppId = $graph.AppId; ResourceAccess = $all })
} else {
    $app = New-MgApplication -DisplayName $Name -SignInAudience AzureADMyOrg `
        -RequiredResourceAccess @{ ResourceAppId = $graph.AppId; ResourceAccess = $wanted }
}
$principal = Get-MgServicePrincipal -Filter "appId eq '$($app.AppId)'"
if (-not $principal) { $principal = New-MgServicePrincipal -AppId $app.AppId }

$trust = @{
    Issuer    = "https://login.microsoftonline.com/$IdentityTenantId/v2.0"
    Subject   = "$IdentityPrincipalId"
    Audiences = @('api://AzureADTokenExchange')
}
# One that is there may be of an installation that is gone, or mistyped: it is made to say what was asked for now.
$there = Get-MgApplicationFederatedIdentityCredential -ApplicationId $app.Id | Where-Object Name -EQ 'deskbridge'
if ($there) {
    Update-MgApplicationFederatedIdentityCredential -ApplicationId $app.Id `
        -FederatedIdentityCredentialId $there.Id -BodyParameter $trust
} else {
    New-MgApplicationFederatedIdentityCredential -ApplicationId $app.Id `
        -BodyParameter ($trust + @{ Name = 'deskbridge' }) | Out-Null
}

$granted = (Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $principal.Id -All).AppRoleId
foreach ($role in $roles | Where-Object { $_.Id -notin $granted }) {
    New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $principal.Id -PrincipalId $principal.Id `
        -ResourceId $graph.Id -AppRoleId $role.Id | Out-Null
}

Write-Output 'Connect it:'
@{ name = $Name; tenant_id = (Get-MgContext).TenantId; client_id = $app.AppId; managed_identity = $true } | ConvertTo-Json -Compress
Write-Output 'Then limit it to the mailboxes that it needs: GET /api/v1/connections/ID/scoping has the commands, filled in.'
