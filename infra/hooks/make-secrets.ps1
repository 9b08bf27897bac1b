# Makes the app's own two secrets in its Key Vault, unless they are there: SECRET_KEY seals what is stored and signs what
# is sent, ADMIN_KEY lets administrators in. The app reads both by reference; nobody needs to see them.
$ErrorActionPreference = 'Stop'
$vault = $env:AZURE_KEY_VAULT_NAME

function New-VaultSecret([string]$Name) {
    az keyvault secret show --vault-name $vault --name $Name --query id --output tsv 2>$null | Out-Null
    if ($LASTEXITCODE -eq 0) {
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

# References are looked up when the app starts.
az functionapp restart --name $env:AZURE_FUNCTION_APP_NAME --resource-group $env:AZURE_RESOURCE_GROUP --output none

Write-Output 'To read the key for the admin API:'
Write-Output "  az keyvault secret show --vault-name $vault --name admin-key --query value --output tsv"
