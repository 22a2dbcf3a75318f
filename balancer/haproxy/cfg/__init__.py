"""An existing haproxy.cfg, read: its lines, what each meant, and what of it a tenant can have.

Pure, as the rest of `haproxy` is: no file is opened, no name resolved, no variable of an environment looked up.
`lines` and `sections` know the language, the others what is made of it; every line ends with one `fates.Fate`.
"""
