#!/bin/sh
# Makes the app's own two secrets in its Key Vault, unless they are there: SECRET_KEY seals what is stored and signs what
# is sent, ADMIN_KEY lets administrators in. The app reads both by reference; nobody needs to see them.
set -eu

vault=$AZURE_KEY_VAULT_NAME

make_secret() { # name
    if az keyvault secret show --vault-name "$vault" --name "$1" --query id --output tsv >/dev/null 2>&1; then
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

# References are looked up when the app starts.
az functionapp restart --name "$AZURE_FUNCTION_APP_NAME" --resource-group "$AZURE_RESOURCE_GROUP" --output none

echo "To read the key for the admin API:"
echo "  az keyvault secret show --vault-name $vault --name admin-key --query value --output tsv"
