"""What a tenant pays for, and may therefore do."""
