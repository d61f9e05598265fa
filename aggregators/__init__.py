"""Observations become rolling statistics, and these become skeleton estimates."""
