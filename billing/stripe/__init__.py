"""Speaking with Stripe. It knows no rows; services call it, outside of transactions."""
