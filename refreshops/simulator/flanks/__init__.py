"""The fake Flanks: its world, its token, its endpoints, its pages; beside the fake Flinks."""
