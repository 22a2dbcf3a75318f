"""Something to balance: four origin servers and a trickle of traffic. The standard library only, and no settings."""
