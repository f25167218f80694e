"""The fake Flanks: its world, its token, its endpoints, its pages; served beside the fake Flinks."""
