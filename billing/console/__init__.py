"""Billing in the console."""
