"""Models: fit -> scorer. One file per family."""
