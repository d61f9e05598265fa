"""One ingest as a process; see `avatarrig.process.protocol`."""

from __future__ import annotations

import sys

from avatarrig.errors import ExitCode
from avatarrig.kafka.border import told_by
from avatarrig.kafka.errors import TransportError
from avatarrig.process import child
from producers.scan import DatasetError
from producers.settings import IngestSettings
from producers.source import SourceAwayError


def main() -> ExitCode:
    """Runs one ingest until it is told to stop or cannot go on."""
    stop = child.stop_on_signals()

    def work(settings: IngestSettings) -> child.Ended:
        from producers.service import ingest  # noqa: PLC0415 - after the metrics are shared

        told = child.when_parent_ends(stop.set)
        if settings.held and not child.held_back(told, stop):
            return ExitCode.DONE, ""
        try:
            with told_by("Kafka answers with an error"):
                ingest(settings, stop, on_working=child.working)
        except DatasetError as error:
            return ExitCode.UNUSABLE, str(error)
        except TransportError as error:
            return (ExitCode.TRY_AGAIN if error.may_pass else ExitCode.UNUSABLE), str(error)
        except SourceAwayError as error:
            return ExitCode.TRY_AGAIN, str(error)
        return ExitCode.DONE, ""

    return child.serve(IngestSettings, work)


if __name__ == "__main__":
    sys.exit(main())
