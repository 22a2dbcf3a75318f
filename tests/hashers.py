"""Passwords of tests: argon2id as the product has it, without the memory that makes it slow.

That the product's own are OWASP's is looked at in `tests/unit/tenants/test_hashers.py`; live consoles hash by them.
"""

from tenants.hashers import Argon2


class Light(Argon2):
    memory_cost = 8  # KiB, the least there is
