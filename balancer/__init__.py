"""Traffic: a tenant's pools, backends and routes, and the road from a saved row to a HAProxy that serves it."""
