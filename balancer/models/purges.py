"""When a route's kept answers were thrown away last."""

from django.db import models


class Purge(models.Model):
    """Beside the route, not in it: no rollback, import or discard may bring an earlier `mark` back, under which old
    answers lie. It outlives the route, which a rollback can bring back. `mark` rises: milliseconds since 1970."""

    route = models.CharField(primary_key=True, max_length=12)
    mark = models.BigIntegerField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.route} at {self.at:%Y-%m-%d %H:%M:%S}"
