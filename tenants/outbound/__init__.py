"""Talk to what a tenant names: a provider, a mail server, a host to prove. The one way out for an address of theirs.

Knows sockets and settings; knows no rows and no requests. A name is looked up once, every address it has must be one of
the public internet, and the connection goes to that very address: a second answer of the resolver changes nothing.
"""
