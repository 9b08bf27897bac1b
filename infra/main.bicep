// One installation of Deskbridge: a resource group with all that it needs, and no key or password in any of it.
// Raw resources at pinned API versions, one file a concern: what is deployed stands here, and nowhere else.
targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of this installation. Part of the names of all its resources.')
param environmentName string

@minLength(1)
@description('Azure region for everything. It must offer the Flex Consumption plan.')
param location string

@description('What connections call this environment: one that is meant for another environment rests here.')
param environmentKind string = 'production'

@description('Instances for HTTP that are always warm. Graph waits three seconds for an answer to a notification, a cold start may take longer; mail is then found by the scan. Each one is billed around the clock: docs/costs.md.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int = 1

@description('Instances for reading mailboxes that are always warm. With 0 the first mail after a pause waits until Azure has started one. Billed like the others.')
@minValue(0)
@maxValue(20)
param alwaysReadyMail int = 0

@description('Most instances that each group of functions may scale to.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Memory of an instance in MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemory int = 2048

@description('Application (client) id of the app registration that people sign in to the admin API with. Empty: the API is opened by its key alone.')
param adminClientId string = ''

@description('Tenant of that app registration. Empty: the tenant of the subscription.')
param adminTenantId string = ''

@description('While SECRET_KEY is changed: whether the Key Vault holds the one before it, as former-secret-key.')
param formerKey bool = false

@description('Where Graph reaches the app, if it has a domain of its own: https://desk.contoso.com. Empty: its Azure name.')
param publicUrl string = ''

@description('Where alerts are posted as JSON, https. Empty: alerts are only logged.')
@secure()
param alertWebhookUrl string = ''

@description('Whom alerts are written to. Empty: nobody.')
param alertMailTo string = ''

@description('What alerts are written from: the id of a connection, a slash, the address of a mailbox. Empty: alerts are not written.')
param alertMailFrom string = ''

@description('Mail address that Azure Monitor tells of trouble. Empty: alert rules fire, and tell nobody.')
param operatorAddress string = ''

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logDays int = 30

@description('Keeps copies of the data in a second region.')
param geoRedundant bool = false

@description('Object id of who deploys: may write secrets into the Key Vault. Default: who is signed in.')
param principalId string = deployer().objectId

@description('Kind of who deploys: User for a person, ServicePrincipal for a pipeline.')
@allowed([
  'User'
  'ServicePrincipal'
])
param principalType string = 'User'

var token = toLower(uniqueString(subscription().id, environmentName, location))
var tags = { 'azd-env-name': environmentName }

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'identity'
  scope: group
  params: {
    name: 'id-${token}'
    location: location
    tags: tags
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    logDays: logDays
    publisherId: identity.outputs.principalId
  }
}

module storage 'app/storage.bicep' = {
  name: 'storage'
  scope: group
  params: {
    name: 'st${token}'
    location: location
    tags: tags
    geoRedundant: geoRedundant
    ownerId: identity.outputs.principalId
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'app/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    name: 'kv-${token}'
    location: location
    tags: tags
    readerId: identity.outputs.principalId
    writerId: principalId
    writerType: principalType
    workspaceId: monitoring.outputs.workspaceId
  }
}

module functions 'app/functions.bicep' = {
  name: 'functions'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    identityId: identity.outputs.resourceId
    identityClientId: identity.outputs.clientId
    storageEndpoints: storage.outputs.endpoints
    packageContainerUrl: storage.outputs.packageContainerUrl
    vaultUrl: vault.outputs.url
    insightsConnection: monitoring.outputs.insightsConnection
    workspaceId: monitoring.outputs.workspaceId
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadyMail: alwaysReadyMail
    maximumInstances: maximumInstances
    instanceMemory: instanceMemory
    environmentKind: environmentKind
    formerKey: formerKey
    publicUrl: publicUrl
    alertWebhookUrl: alertWebhookUrl
    alertMailTo: alertMailTo
    alertMailFrom: alertMailFrom
    adminClientId: adminClientId
    adminTenantId: adminTenantId
  }
}

module alerts 'app/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    token: token
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
    operatorAddress: operatorAddress
  }
}

module workbook 'app/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: tags
    insightsId: monitoring.outputs.insightsId
  }
}

@description('Where the app answers.')
output DESKBRIDGE_URL string = functions.outputs.url
output AZURE_FUNCTION_APP_NAME string = functions.outputs.name
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_KEY_VAULT_NAME string = vault.outputs.name
@description('The identity that an app registration trusts by a federated credential.')
output DESKBRIDGE_IDENTITY_CLIENT_ID string = identity.outputs.clientId
output DESKBRIDGE_IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
