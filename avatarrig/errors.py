"""What this program says when it cannot go on, and how its commands end.

Libraries' own errors become these at one border each: Kafka's at `kafka.border.told_by`, stores' at
`photos.object_store.reaching`, msgpack's and msgspec's at `wire.packing`. Each is named with
its module; of `avatarrig` where nothing else stands.

AvatarRigError
├── AddressInUseError                   page.settings
├── AnswerRefusedError                  processors.sandbox.stored_files
├── AvatarFileError                     avatar.errors
├── BackgroundError                     process.background
├── BrokerError                         kafka.embedded.errors
│   ├── BrokerEndedError                kafka.embedded.errors
│   ├── BrokerUnavailableError          kafka.embedded.errors
│   ├── DataInUseError                  kafka.embedded.errors
│   └── StorageDamagedError             kafka.embedded.errors
├── BrokerTroubleError                  processors.replica
├── ChecksumError                       kafka.embedded.download
├── CommandError                        errors
├── DatasetError                        producers.scan
├── DecisionsFileError                  runs.decisions
├── DetectionFailedError                detectors.tasks
├── DetectorUnusableError               processors.detector_port
├── DownloadRefusedError                page.downloads
├── EndpointError                       metrics.endpoint
├── EstimateRefusedError                body.rig.lengths
│   └── NoEstimateError                 runs.estimate_file
├── FileUriError                        photos.uri
├── ForeignRunError                     runs.layout
├── GarbledError                        wire.framing
├── HeightError                         body.height
├── HumanUnavailableError               avatar.human.source
├── ImageRefusedError                   detectors.tasks
├── ImpossibleEstimateError             body.refused
├── KeyRefusedError                     wire.keys
├── LabelsRefusedError                  report.calibration.labels
├── LearnedRefusedError                 body.refused
├── MeasureError                        body.tape.measure
├── MissingExtraError                   errors
├── ModelUnavailableError               detectors.fetching.models
├── NetworkFileError                    detectors.fetching.network_file
├── NoFaceError                         page.editing.pointing
├── NotReachableError                   page.editing.links
├── NothingToCalibrateError             report.calibration.suggestion
├── ObservationFileError                runs.observation_document
├── PackageUnavailableError             detectors.fetching.python_package
├── PhotoRefusedError                   photos.refused
├── PublishError                        producers.publish
├── RecordRefusedError                  wire.packing
├── ReferenceRefusedError               detectors.faces.refused
│   └── SeveralFacesError               detectors.faces.refused
├── RunDirectoryError                   processors.sandbox.sandbox
├── RunStorageError                     runs.atomic
├── SandboxUnusableError                processors.sandbox.sandbox
├── SettingsRefusedError                aggregators.settings
├── SourceAwayError                     producers.source
├── SourceError                         detectors.fetching.model_sources
├── StateRefusedError                   body.refused
│   └── OutdatedStateError              body.refused
├── StorageUnreachableError             photos.source
├── StoreAwayError                      photos.object_store
├── StoreUrlError                       photos.object_store
├── TemplateRefusedError                detectors.faces.template
├── TransportError                      kafka.errors
│   ├── CompressionError                kafka.errors
│   ├── ConnectionRefusedByKafkaError   kafka.errors
│   ├── DataDamagedError                kafka.errors
│   ├── KafkaTroubleError               kafka.errors
│   ├── RightsMissingError              kafka.errors
│   ├── TopicError                      kafka.errors
│   └── TransportSettingError           kafka.errors
├── UnfitAvatarError                    avatar.errors
├── UnreadableRunError                  report.calibration.measured
├── UnreportableRunError                report.collect
├── UploadRefusedError                  page.editing.names
└── WorkerCrashedError                  aggregators.settings
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a command or a child process ends; the large numbers are those of BSD's sysexits.h."""

    DONE = 0
    FAILED = 1
    WRONG_USAGE = 2
    NOTHING_PROCESSED = 3
    DAMAGED = 65
    CANNOT_WRITE = 73
    TRY_AGAIN = 75
    UNUSABLE = 78
    INTERRUPTED = 130


class AvatarRigError(Exception):
    """Something that a person can act on; its message says what is wrong and what to do.

    Args:
        parts: The message, or what a subclass makes it of.
        remedy: What to do, where the message does not say it itself.

    Attributes:
        exit_code: How a command ends that cannot go on for it.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, *parts: object, remedy: str = "") -> None:
        super().__init__(*parts)
        self.remedy = remedy

    @property
    def message(self) -> str:
        """What is wrong, in words."""
        return super().__str__()

    def __str__(self) -> str:
        return f"{self.message}: {self.remedy}" if self.remedy else self.message


class CommandError(AvatarRigError):
    """A command cannot go on."""

    def __init__(self, message: str, exit_code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class MissingExtraError(AvatarRigError, ImportError):
    """Something was asked for that needs a package which is not installed."""
