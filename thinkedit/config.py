"""Settings, read once at the edge: flags over THINKEDIT_* variables over `thinkedit.toml` over defaults.

The file is `./thinkedit.toml`, else the one in the user's configuration folder, else the one that
THINKEDIT_CONFIG names. Nothing below `server` and `cli` reads the environment.
"""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from thinkedit.errors import SettingsError
from thinkedit.types import LoopSettings

__all__ = ["Config", "Limits", "ServerConfig", "load_config"]


class Limits(BaseModel):
    """What is refused before work is done on it."""

    model_config = ConfigDict(extra="forbid")

    image_bytes: int = Field(25_000_000, gt=0, description="encoded size of one picture")
    image_pixels: int = Field(50_000_000, gt=0, description="decoded size of one picture")
    sessions: int = Field(16, ge=1, description="sessions that run at once; more wait")
    queue: int = Field(256, ge=1, description="sessions that wait at most; more are told to come back")


class ServerConfig(BaseModel):
    """What only the server uses. allow: further folders whose pictures a local client may name."""

    model_config = ConfigDict(extra="forbid")

    allow: list[Path] = Field(default_factory=list)
    output_dir: Path | None = None
    body_bytes: int = Field(36_000_000, gt=0, description="largest HTTP request body")


class Config(BaseSettings):
    """Everything that can be configured. data: where sessions and pictures are kept."""

    model_config = SettingsConfigDict(
        env_prefix="THINKEDIT_", env_nested_delimiter="__", extra="forbid", validate_default=True
    )

    data: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("thinkedit", appauthor=False)))
    store: str | None = Field(None, description="fsspec URL of the picture store; default: below `data`")
    loop: LoopSettings = Field(default_factory=LoopSettings)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)
    limits: Limits = Field(default_factory=Limits)
    server: ServerConfig = Field(default_factory=ServerConfig)
    keep_metadata: bool = False

    @property
    def store_url(self) -> str:
        return self.store or str(self.data / "store")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        path = _config_file()
        sources = [init_settings, env_settings]
        if path is not None:
            sources.append(TomlConfigSettingsSource(settings_cls, path))
        return tuple(sources)


def _config_file() -> Path | None:
    if named := os.environ.get("THINKEDIT_CONFIG"):
        if not Path(named).is_file():
            raise SettingsError(f"THINKEDIT_CONFIG names {named!r}, which is not a file")
        return Path(named)
    here = Path("thinkedit.toml")
    user = Path(platformdirs.user_config_dir("thinkedit", appauthor=False)) / "thinkedit.toml"
    return next((path for path in (here, user) if path.is_file()), None)


def load_config(**flags: Any) -> Config:
    """Read the configuration; flags that are None are left out. SettingsError in one line."""
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        return Config(**given)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{_config_file()} is not valid TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise SettingsError(
            f"the setting {where!r} has the value {first['input']!r}: {first['msg'][0].lower()}{first['msg'][1:]}"
        ) from error
