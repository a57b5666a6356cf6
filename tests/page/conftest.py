"""What the pages' tests share with those of the server and the command line."""

from tests.cli.conftest import *  # noqa: F403
from tests.server.conftest import config, garden, pictures, process, serve
from tests.server.test_http import jpeg, started

__all__ = ["config", "garden", "jpeg", "pictures", "process", "serve", "started"]
