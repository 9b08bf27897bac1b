// What Azure Monitor tells an operator of, by the app's own log lines: one JSON object each, `event` says what happened.

@description('What makes names unique.')
param token string
@description('Azure region.')
param location string
@description('Tags of every resource.')
param tags object
@description('The Application Insights component that is asked.')
param insightsId string
@description('Who is told; empty for nobody.')
param operatorAddress string

var told = empty(operatorAddress) ? [] : [
  operators.id
]

// `repeats`: whether the line is logged again and again while it is so. Only then does its silence mean that it is well;
// of the others Azure Monitor would tell "resolved" a quarter of an hour later, while a connection is still lost.
// https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-overview#alerts-and-state
var rules = [
  {
    key: 'connection'
    title: 'A connection lost its sign-in'
    text: 'Nothing of this connection is read or sent until somebody mends it. GET /api/v1/health says what to do.'
    event: 'connection.lost'
    severity: 1
    repeats: false
  }
  {
    key: 'poison'
    title: 'A piece of work failed five times'
    text: 'It is kept and can be replayed: GET /api/v1/set-aside.'
    event: 'work.poison'
    severity: 2
    repeats: false
  }
  {
    key: 'lag'
    title: 'A mailbox was not read for 30 minutes'
    text: 'Mail waits in it. GET /api/v1/health names the mailbox, the cause and the cure.'
    event: 'mailbox.late'
    severity: 1
    repeats: true
  }
  {
    key: 'expiry'
    title: 'A secret or certificate ends soon'
    text: 'Enter a new one before the sign-in is lost. GET /api/v1/connections names its end.'
    event: 'alert.credential_ends'
    severity: 2
    repeats: false
  }
]

resource operators 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(operatorAddress)) {
  name: 'ag-${token}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'deskbridge'
    enabled: true
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: operatorAddress
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queries 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: 'alert-${rule.key}-${token}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.text
    severity: rule.severity
    enabled: true
    scopes: [
      insightsId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    autoMitigate: rule.repeats
    // Not told three times, by each look at the same quarter of an hour.
    muteActionsDuration: rule.repeats ? null : 'PT15M'
    criteria: {
      allOf: [
        {
          query: 'traces | where tostring(parse_json(message).event) == "${rule.event}"'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: {
      actionGroups: told
    }
  }
}]
