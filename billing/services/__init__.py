"""What may be done to plans and subscriptions."""
