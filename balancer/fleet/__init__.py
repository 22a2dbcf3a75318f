"""What spans tenants: clusters, nodes, edits, revisions, snapshots, deployments, and who owns which host.

Shared schema. Rows with a tenant are under row-level security: a tenant's scope sees its own and nothing else.
"""
