"""Questions about courses and those in them: who is enrolled, active, at risk, and with what grades."""
