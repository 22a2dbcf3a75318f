"""What may be done to tenants, people and credentials: one module per noun, one function per act; the only writers."""
