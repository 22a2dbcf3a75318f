"""Accounts: how one comes to have one, and what it says."""
