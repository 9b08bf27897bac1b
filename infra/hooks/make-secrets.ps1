# Makes the app's own two secrets in its Key Vault, unless they are there: SECRET_KEY seals what is stored and signs what
# is sent, ADMIN_KEY lets administrators in. The app reads both by reference; nobody needs to see them.
$ErrorActionPreference = 'Stop'
$PSNativeCommandUseErrorActionPreference = $false # the status of az is looked at below
$vault = $env:AZURE_KEY_VAULT_NAME

# The role that lets us in was given a moment ago, and may take ten minutes to be known everywhere:
# https://learn.microsoft.com/azure/key-vault/general/rbac-guide#known-limits-and-performance
# Only a list that was answered tells that a secret is missing. Who takes a refusal or an outage for it makes another
# SECRET_KEY, and all that the first one sealed is lost.
$known = $null
foreach ($pause in 5, 10, 20, 40, 60, 90, 120, 120, 120, 0) {
    $names = az keyvault secret list --vault-name $vault --query '[].name' --output tsv
    if ($LASTEXITCODE -eq 0) { $known = @($names); break }
    if ($pause -eq 0) { throw "The vault $vault still does not answer. Once it does: azd hooks run postprovision" }
    Write-Output "  the vault does not let us in yet, again in $pause seconds"
    Start-Sleep -Seconds $pause
}

function New-VaultSecret([string]$Name) {
    if ($known -contains $Name) {
        Write-Output "  ${Name}: is there and stays as it is"
        return
    }
    $bytes = [byte[]]::new(32)
    [System.Security.Cryptography.RandomNumberGenerator]::Fill($bytes)
    $file = New-TemporaryFile
    try {
        # From a file: a value on the command line could be read in the list of processes.
        [System.IO.File]::WriteAllText($file.FullName, [Convert]::ToBase64String($bytes))
        az keyvault secret set --vault-name $vault --name $Name --file $file.FullName --encoding utf-8 --output none
        if ($LASTEXITCODE -ne 0) { throw "Key Vault did not take $Name." }
    } finally {
        Remove-Item $file.FullName
    }
    Write-Output "  ${Name}: made"
}

New-VaultSecret 'secret-key'
New-VaultSecret 'admin-key'

# References are looked up when the app starts. Azure CLI may have another subscription for its default than azd.
az functionapp restart --name $env:AZURE_FUNCTION_APP_NAME --resource-group $env:AZURE_RESOURCE_GROUP `
    --subscription $env:AZURE_SUBSCRIPTION_ID --output none
if ($LASTEXITCODE -ne 0) { throw 'The app was not restarted; restart it, so that it reads its secrets.' }

Write-Output 'To read the key for the admin API:'
Write-Output "  az keyvault secret show --vault-name $vault --name admin-key --query value --output tsv"
