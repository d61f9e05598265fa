"""What somebody measured with a tape: how it is written, and what it says about a person."""
