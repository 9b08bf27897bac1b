"""Azure Storage: tables, queues, blobs. Knows neither Microsoft Graph nor tickets."""
