"""Pages of a tenant's members, settings and invitations."""
