"""Prove who one is, stay signed in, and end it."""
