"""Questions about what people learn with: sessions, materials, days; and document 2's tables of them."""
