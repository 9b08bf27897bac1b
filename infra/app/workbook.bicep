// The page in the portal that shows the app's figures.

@description('Azure region.')
param location string
@description('Tags of every resource.')
param tags object
@description('The Application Insights component that is asked.')
param insightsId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(insightsId, 'deskbridge')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Deskbridge'
    category: 'workbook'
    sourceId: insightsId
    serializedData: loadTextContent('workbook.json')
  }
}

output id string = workbook.id
