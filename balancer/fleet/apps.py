from django.apps import AppConfig


class FleetConfig(AppConfig):
    name = "balancer.fleet"
    label = "fleet"
    verbose_name = "Fleet"
