"""A backend's way out of service: until when, and what follows."""

from django.conf import settings
from django.db import models

from tenants.ids import new_id
from tenants.models import Tenant


class Then(models.TextChoices):
    """What follows once nobody is left on it, or the deadline is over."""

    NOTHING = "", "Nothing"
    MAINTAIN = "maintain", "Into maintenance"
    REMOVE = "remove", "Removed"
    READY = "ready", "Ready again"


class Ending(models.TextChoices):
    EMPTY = "empty", "Nobody was left on it"
    DEADLINE = "deadline", "The deadline was over"
    CANCELLED = "cancelled", "It was called off"
    AGAIN = "again", "It was asked for anew"


class Drain(models.Model):
    """One under way for a backend at most. That it drains is the backend's own `admin`: a row whose backend says
    anything else is over, whoever changed it. `emptied_at`: when every node was seen without a session first."""

    id = models.CharField(primary_key=True, max_length=12, default=new_id, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="drains")
    backend = models.CharField(max_length=12)  # its row lies in the tenant's own schema
    name = models.CharField(max_length=200)
    deadline_at = models.DateTimeField(null=True)
    then = models.CharField(max_length=8, choices=Then, blank=True, default=Then.NOTHING)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    began_at = models.DateTimeField()
    emptied_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ending = models.CharField(max_length=12, choices=Ending, blank=True)

    class Meta:
        ordering = ("-began_at", "id")
        constraints = (
            models.UniqueConstraint(fields=["backend"], condition=models.Q(ended_at=None), name="drain_one_at_a_time"),
        )
        indexes = (models.Index(fields=["ended_at"], name="drain_by_end"),)

    def __str__(self) -> str:
        return f"drain of {self.name}"
