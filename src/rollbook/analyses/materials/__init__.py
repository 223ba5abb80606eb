"""Questions about materials: pages, videos and problems, and how learners use them."""
