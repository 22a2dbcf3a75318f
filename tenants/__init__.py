"""Who is who, and whose is what: people, tenants, memberships, credentials, and the ground of tenancy itself."""
