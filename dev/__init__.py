"""What developers use and nobody deploys: the commands, the local host, the Microsoft Graph emulator."""
