"""Tests of the admin API, all through the host."""
