#!/bin/sh
# Registers the app that Deskbridge connects to a tenant with, and makes it trust the managed identity of an installation:
# there is no secret and no certificate. Run it once a tenant, signed in to that tenant (az login --tenant TENANT) as
# somebody who may register apps and grant admin consent. Running it again changes nothing that is right already.
#
#   infra/register-app.sh NAME IDENTITY_PRINCIPAL_ID IDENTITY_TENANT_ID [PERMISSION...]
#
# The identity's two ids are DESKBRIDGE_IDENTITY_PRINCIPAL_ID and the tenant of the subscription (azd env get-values).
# Permissions default to those for mail. Managed identities as credentials must live in the tenant of the registration:
# https://learn.microsoft.com/entra/workload-id/workload-identity-federation-config-app-trust-managed-identity
set -eu

if [ $# -lt 3 ]; then
    sed -n '2,11p' "$0"
    exit 2
fi
name=$1 principal=$2 tenant=$3
shift 3
[ $# -gt 0 ] || set -- Mail.ReadWrite User.Read.All

graph=00000003-0000-0000-c000-000000000000 # Microsoft Graph, in every tenant

quoted=$(printf '%s' "$name" | sed "s/'/''/g")
app=$(az ad app list --filter "displayName eq '$quoted'" --query '[0].appId' --output tsv)
if [ -z "$app" ]; then
    app=$(az ad app create --display-name "$name" --sign-in-audience AzureADMyOrg --query appId --output tsv)
    echo "registered $name: $app"
else
    echo "$name is registered: $app"
fi
az ad sp show --id "$app" >/dev/null 2>&1 || az ad sp create --id "$app" --output none

asked=$(az ad app permission list --id "$app" --query "[?resourceAppId=='$graph'].resourceAccess[].id" --output tsv)
for permission in "$@"; do
    role=$(az ad sp show --id $graph --query "appRoles[?value=='$permission'].id | [0]" --output tsv)
    if [ -z "$role" ]; then
        echo "Microsoft Graph has no application permission $permission" >&2
        exit 1
    fi
    printf '%s\n' "$asked" | grep -qx "$role" && continue
    az ad app permission add --id "$app" --api $graph --api-permissions "$role=Role" --output none --only-show-errors
    echo "asks for $permission"
done

file=$(mktemp)
trap 'rm -f "$file"' EXIT
cat >"$file" <<EOF
{
  "name": "deskbridge",
  "issuer": "https://login.microsoftonline.com/$tenant/v2.0",
  "subject": "$principal",
  "audiences": ["api://AzureADTokenExchange"]
}
EOF
# One that is there may be of an installation that is gone, or mistyped: it is made to say what was asked for now.
set -- --id "$app" --parameters "@$file" --output none
if az ad app federated-credential show --id "$app" --federated-credential-id deskbridge >/dev/null 2>&1; then
    az ad app federated-credential update --federated-credential-id deskbridge "$@"
else
    az ad app federated-credential create "$@"
fi
echo "trusts the identity $principal"

# A new registration is not known everywhere at once; consent fails until it is.
for wait in 5 10 20 40 0; do
    az ad app permission admin-consent --id "$app" 2>/dev/null && break
    if [ $wait -eq 0 ]; then
        echo "Consent was not granted. Grant it in the Entra admin center, under API permissions." >&2
        exit 1
    fi
    sleep $wait
done

echo
echo "Connect it:"
json_name=$(printf '%s' "$name" | sed 's/[\\"]/\\&/g')
echo "  {\"name\": \"$json_name\", \"tenant_id\": \"$(az account show --query tenantId --output tsv)\", \"client_id\": \"$app\", \"managed_identity\": true}"
echo "Then limit it to the mailboxes that it needs: GET /api/v1/connections/ID/scoping has the commands, filled in."
