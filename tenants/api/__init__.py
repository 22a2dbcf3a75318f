"""The API's doors to people, credentials and tenants."""
