"""A tenant, its life, and who belongs to it."""
