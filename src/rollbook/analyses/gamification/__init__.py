"""Questions about XP, levels, achievements and streaks, and what they share."""
