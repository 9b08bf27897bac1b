// The app's identity: what it proves itself with towards storage, Key Vault, Application Insights and Entra.

@description('Name of the identity.')
param name string
@description('Azure region.')
param location string
@description('Tags of every resource.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output resourceId string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
