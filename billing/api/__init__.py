"""Billing by API."""
