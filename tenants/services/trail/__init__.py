"""What happened: who did it, who was refused, who looked."""
