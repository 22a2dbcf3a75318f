"""VeloFlux on one machine: what `manage.py up`, `test` and `stop` do before, around and after Django.

Only the standard library, because most of it runs before there is a venv. It starts the other programs and knows their
command lines; it must not import them.
"""
