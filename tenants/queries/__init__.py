"""Reads: answers, never changes."""
