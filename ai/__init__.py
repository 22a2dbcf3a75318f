"""Analytics and advice. Nothing is built here yet, and nothing in the console or the API offers it.

Delete this folder and traffic still flows.
"""
