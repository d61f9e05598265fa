"""What is counted of one partition: its checkpoints, recovery, tallies. No Faust here."""
