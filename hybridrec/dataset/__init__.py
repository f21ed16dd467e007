"""The world comes in: ids, interactions, knowledge, readers, cleaning, named data sets."""
