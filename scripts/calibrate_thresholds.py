"""``python scripts/calibrate_thresholds.py RUN --report FILE``: same as ``avatarrig calibrate``."""

from avatarrig.cli.commands.calibrate import calibrate

if __name__ == "__main__":
    calibrate()
