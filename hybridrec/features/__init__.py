"""Side information becomes one feature matrix: tokens, walk embeddings, columns; fusion."""
