"""Microsoft Graph and Entra sign-in, in Microsoft's own words. Knows no ticket."""
