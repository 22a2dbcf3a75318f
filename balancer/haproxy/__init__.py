"""HAProxy's language, as pure functions over values.

Knows no Django, no socket, no file and no clock, and calls nothing "backend": here a *pool* is HAProxy's
`backend` and a *server* is one address that answers.
"""
