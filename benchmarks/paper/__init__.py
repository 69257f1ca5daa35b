"""What the page on the paper's claim is made of: networks, photos, tables."""
