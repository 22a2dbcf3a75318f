"""A tenant's schema: made in a fraction of a second, and kept current."""
