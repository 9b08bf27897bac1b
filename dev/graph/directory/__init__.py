"""The directory of Microsoft Entra ID as Graph shows it: users, groups, the bin, licenses, and delta rounds."""
