"""Every failure that a user can act on.

Four failures get four answers. A bad recipe is a `ConfigError` before any work. A bad training row is dropped and
its reason counted. A model's program that fails is data (a `Verdict`), not an exception. Our own machinery failing is
an exception, never a `Verdict` and never "wrong".

The command line prints any of these as one line and exits with code 2.
"""


class SpecialistsError(Exception):
    """Base of the errors below; its text is one line that names the thing and the cure."""


class ConfigError(SpecialistsError):
    """A recipe, a flag or the environment asks for something impossible."""


class DataError(SpecialistsError):
    """Input data is missing, unreadable, or nothing of it is left."""


class TrainError(SpecialistsError):
    """Training cannot go on: a checkpoint does not fit, the loss is not finite, the disk is full."""


class GenerateError(SpecialistsError):
    """A backend cannot answer: an endpoint that refuses or stays silent, a library that is not installed."""


class GradeError(SpecialistsError):
    """A grader cannot judge: no sandbox, foreign problems, too many failures of our own."""
