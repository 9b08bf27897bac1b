#!/bin/sh
# Makes the app's own two secrets in its Key Vault, unless they are there: SECRET_KEY seals what is stored and signs what
# is sent, ADMIN_KEY lets administrators in. The app reads both by reference; nobody needs to see them.
set -eu

vault=$AZURE_KEY_VAULT_NAME

# The role that lets us in was given a moment ago, and may take ten minutes to be known everywhere:
# https://learn.microsoft.com/azure/key-vault/general/rbac-guide#known-limits-and-performance
# Only a list that was answered tells that a secret is missing. Who takes a refusal or an outage for it makes another
# SECRET_KEY, and all that the first one sealed is lost.
for pause in 5 10 20 40 60 90 120 120 120 0; do
    known=$(az keyvault secret list --vault-name "$vault" --query '[].name' --output tsv) && break
    if [ "$pause" -eq 0 ]; then
        echo "The vault $vault still does not answer. Once it does: azd hooks run postprovision" >&2
        exit 1
    fi
    echo "  the vault does not let us in yet, again in $pause seconds"
    sleep "$pause"
done

make_secret() { # name
    if printf '%s\n' "$known" | grep -qx "$1"; then
        echo "  $1: is there and stays as it is"
        return
    fi
    file=$(mktemp)
    trap 'rm -f "$file"' EXIT
    openssl rand -base64 32 | tr -d '\n' >"$file"
    # From a file: a value on the command line could be read in the list of processes.
    az keyvault secret set --vault-name "$vault" --name "$1" --file "$file" --encoding utf-8 --output none
    rm -f "$file"
    echo "  $1: made"
}

make_secret secret-key
make_secret admin-key

# References are looked up when the app starts. Azure CLI may have another subscription for its default than azd.
az functionapp restart --name "$AZURE_FUNCTION_APP_NAME" --resource-group "$AZURE_RESOURCE_GROUP" \
    --subscription "$AZURE_SUBSCRIPTION_ID" --output none

echo "To read the key for the admin API:"
echo "  az keyvault secret show --vault-name $vault --name admin-key --query value --output tsv"
