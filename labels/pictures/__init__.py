"""Picture files: opening them, drawing them smaller, and the renditions kept of each photo."""
