"""Pages of single sign-on: its settings, and the way through it."""
