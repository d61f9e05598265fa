"""The model files: where they come from, how they are fetched and checked, where they lie."""
