"""Mails: what is said, and the server that takes it."""
