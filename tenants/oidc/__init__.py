"""Speak OpenID Connect with a tenant's own provider: discovery, keys, the exchange of a code, tokens.

Stands on mozilla-django-oidc for the flow, and adds what it does not check (`backend`). Knows values, the cache and
`tenants.outbound`, by which every request leaves; knows no rows: whom a provider's word lets in is for
`tenants.services.sso`. `claims` and `metadata` are pure.
"""
