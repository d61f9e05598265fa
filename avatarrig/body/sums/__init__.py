"""What photos said, added up in integers: exact in any order, merged and taken back exactly."""
