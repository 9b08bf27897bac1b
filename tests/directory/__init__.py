"""The pure parts of the Entra directory."""
