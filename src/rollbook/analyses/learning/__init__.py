"""Questions about learning: what is mastered, how good items are, how long learners work, and whether content helps."""
