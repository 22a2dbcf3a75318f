"""Commands: doors for whoever operates the platform."""
