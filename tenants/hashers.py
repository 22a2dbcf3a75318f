"""How passwords are kept: argon2id as OWASP's password storage cheat sheet has it (46 MiB, one pass, one lane).

Django's own default takes 100 MiB and eight threads for each: a few people signing in at once would starve the rest.
"""

from django.contrib.auth import hashers


class Argon2(hashers.Argon2PasswordHasher):
    time_cost = 1
    memory_cost = 47_104  # KiB
    parallelism = 1
