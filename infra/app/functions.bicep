// The function app on the Flex Consumption plan, and who may call it.

@description('What makes names unique.')
param token string
@description('Azure region.')
param location string
@description('Tags of every resource.')
param tags object
@description('Resource id of the app\'s identity.')
param identityId string
@description('Client id of the app\'s identity.')
param identityClientId string
@description('Where the services of the storage account answer.')
param storageEndpoints object
@description('Where the deployed package lies.')
param packageContainerUrl string
@description('Address of the Key Vault, with a slash at its end.')
param vaultUrl string
@description('Connection string of Application Insights; it names the place and holds no secret.')
param insightsConnection string
@description('Log Analytics workspace for the app\'s own logs.')
param workspaceId string
@description('Instances for HTTP that are always warm.')
param alwaysReadyHttp int
@description('Instances for reading mailboxes that are always warm.')
param alwaysReadyMail int
@description('Most instances a group of functions.')
param maximumInstances int
@description('Memory of an instance in MB.')
param instanceMemory int
@description('What connections call this environment.')
param environmentKind string
@description('Whether the vault holds the SECRET_KEY before this one.')
param formerKey bool
@description('Where Graph reaches the app; empty for its Azure name.')
param publicUrl string
@description('Where alerts are posted; empty for nowhere.')
@secure()
param alertWebhookUrl string
@description('Who is written to of alerts; empty for nobody.')
param alertMailTo string
@description('Connection and mailbox that alerts are written from; empty for none.')
param alertMailFrom string
@description('App registration of the admin API; empty for access by key.')
param adminClientId string
@description('Its tenant; empty for the tenant of the subscription.')
param adminTenantId string

var name = 'func-${token}'
var tenantId = empty(adminTenantId) ? subscription().tenantId : adminTenantId
var signsIn = !empty(adminClientId)

// Each function that HTTP does not wake scales by itself, and so has warm instances of its own:
// https://learn.microsoft.com/azure/azure-functions/flex-consumption-plan#always-ready-instances
var readyForHttp = alwaysReadyHttp == 0 ? [] : [
  {
    name: 'http'
    instanceCount: alwaysReadyHttp
  }
]
var readyForMail = alwaysReadyMail == 0 ? [] : [
  {
    name: 'function:sync_mailbox'
    instanceCount: alwaysReadyMail
  }
]

// What Graph, Entra and the app itself check in their own way, and App Service Authentication must leave alone.
var anonymousPaths = [
  '/graph/notifications'
  '/graph/lifecycle'
  '/auth/callback'
]

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${token}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstances
        instanceMemoryMB: instanceMemory
        alwaysReady: concat(readyForHttp, readyForMail)
        triggers: {
          http: {
            // Python's own default is one request at a time and instance, which a burst of notifications would wait for.
            perInstanceConcurrency: 16
          }
        }
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    AzureWebJobsStorage__blobServiceUri: storageEndpoints.blob
    AzureWebJobsStorage__queueServiceUri: storageEndpoints.queue
    AzureWebJobsStorage__tableServiceUri: storageEndpoints.table
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    AZURE_CLIENT_ID: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnection
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    PYTHON_THREADPOOL_THREAD_COUNT: '16'
    // Else glibc keeps up to eight arenas a core for the threads that read side by side: a seventh more memory in the
    // directory's rounds. https://sourceware.org/glibc/manual/latest/html_node/Memory-Allocation-Tunables.html
    MALLOC_ARENA_MAX: '2'
    SECRET_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUrl}secrets/secret-key)'
    FORMER_SECRET_KEY: formerKey ? '@Microsoft.KeyVault(SecretUri=${vaultUrl}secrets/former-secret-key)' : ''
    KEY_VAULT_URL: vaultUrl
    ADMIN_AUTH: signsIn ? 'easyauth' : 'key'
    ADMIN_KEY: '@Microsoft.KeyVault(SecretUri=${vaultUrl}secrets/admin-key)'
    ADMIN_TENANT_ID: tenantId
    ADMIN_CLIENT_ID: adminClientId
    ADMIN_CLOUD: 'global'
    PUBLIC_URL: publicUrl
    ENVIRONMENT: environmentKind
    ALERT_WEBHOOK_URL: alertWebhookUrl
    ALERT_MAIL_TO: alertMailTo
    ALERT_MAIL_FROM: alertMailFrom
    SCAN_SCHEDULE: '0 */5 * * * *'
    RECONCILE_SCHEDULE: '0 7 * * * *'
    WATCH_SCHEDULE: '0 23 * * * *'
    REPORT_SCHEDULE: '0 3-59/10 * * * *'
    RETENTION_SCHEDULE: '0 41 3 * * *'
    AUDIT_DAYS: '400'
    ALERT_DAYS: '90'
    SET_ASIDE_DAYS: '90'
    DIRECTORY_SCHEDULE: '0 */15 * * * *'
    LICENSE_SCHEDULE: '0 17 4 * * *'
    SIGN_IN_SCHEDULE: '0 37 1 * * *'
    SLICE_SECONDS: '240'
    STORAGE_PREFIX: ''
    LOG_LEVEL: 'INFO'
  }
}

// Always said, so that it is switched off again where ADMIN_AUTH goes back to the key.
resource signIn 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: signsIn
    }
    globalValidation: {
      requireAuthentication: signsIn
      unauthenticatedClientAction: 'Return401'
      excludedPaths: anonymousPaths
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: signsIn
        registration: {
          clientId: adminClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            adminClientId
            'api://${adminClientId}'
          ]
        }
      }
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
