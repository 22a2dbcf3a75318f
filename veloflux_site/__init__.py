"""The roof: settings, URLs, servers and Celery apps. Imported by nobody but the processes themselves."""
