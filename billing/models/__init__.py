from billing.models.plan import Plan, Waf
from billing.models.subscription import Subscription, SubscriptionStatus

__all__ = ["Plan", "Subscription", "SubscriptionStatus", "Waf"]
