"""People in general: what is known of them, whoever is on the photos."""
