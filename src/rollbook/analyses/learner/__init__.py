"""Questions about one learner, and what is measured of a learner for them."""
