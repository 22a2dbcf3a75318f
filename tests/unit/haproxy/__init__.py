"""The pure core: no database, no HAProxy."""
