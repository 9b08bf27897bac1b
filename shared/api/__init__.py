"""The admin API, version 1: what an administrator, a console or a script can see and change."""
