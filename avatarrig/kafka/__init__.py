"""Thin wiring of kafka-python: settings, topics, clients, and why a connection failed."""
