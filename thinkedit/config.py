"""Settings, read once at the edge: flags over `THINKEDIT_*` variables over `thinkedit.toml` over defaults.

The file is the one that the caller or THINKEDIT_CONFIG names, else `./thinkedit.toml`, else the one in the
user's configuration folder. Nothing below `server`, `cli` and the Python face reads environment or file.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as VariableError

from thinkedit.errors import SettingsError
from thinkedit.types import LoopSettings

__all__ = ["Config", "Limits", "ServerConfig", "config_file", "load_config"]

FILE = "thinkedit.toml"
PREFIX = "THINKEDIT_"

SECRET_WORDS = ("key", "token", "secret", "password", "authorization", "headers", "credential", "database")
"""A setting whose name holds one of these is never shown."""

_USER = re.compile(r"(?<=://)[^/@\s]+@")


class Limits(BaseModel):
    """What is refused before work is done on it."""

    model_config = ConfigDict(extra="forbid")

    image_bytes: int = Field(25_000_000, gt=0, description="encoded size of one picture")
    image_pixels: int = Field(50_000_000, gt=0, description="decoded size of one picture")
    sessions: int = Field(16, ge=1, description="sessions that run at once; more wait")
    queue: int = Field(256, ge=1, description="sessions that wait at most; more are told to come back")


class CallerLimits(BaseModel):
    """What one authenticated caller of a server may have; without authentication none of these holds."""

    model_config = ConfigDict(extra="forbid")

    at_once: int = Field(8, ge=1, description="sessions of one caller that run or wait at once")
    sessions_a_day: int = Field(1000, ge=1, description="sessions begun by one caller in 24 hours")
    image_bytes: int = Field(2_000_000_000, gt=0, description="of all pictures that one caller has here")


class UrlConfig(BaseModel):
    """Pictures named by https: URLs, which a server fetches only where this is on."""

    model_config = ConfigDict(extra="forbid")

    enabled: bool = False
    seconds: float = Field(15.0, gt=0, description="for the whole fetch, redirects included")
    redirects: int = Field(3, ge=0, le=10)


class Retention(BaseModel):
    """What a server deletes by itself, running sessions never. None: nothing for that reason."""

    model_config = ConfigDict(extra="forbid")

    days: float | None = Field(None, gt=0, description="since something last happened to a session")
    bytes: int | None = Field(None, gt=0, description="of all pictures; the oldest sessions go first")
    every_seconds: float = Field(3600.0, gt=0, description="between two looks")


class OAuth(BaseModel):
    """Tokens (JWT) of an OAuth 2.1 authorisation server. RFC 9068, RFC 9728.

    issuer, audience: what `iss` and `aud` of a token have to be. jwks_url: where its keys are; by default
    what the issuer's metadata says. scopes: that each token has to have. owner: the claim that names the
    caller.
    """

    model_config = ConfigDict(extra="forbid")

    issuer: str
    audience: str
    jwks_url: str | None = None
    algorithms: list[str] = Field(default_factory=lambda: ["RS256", "ES256", "EdDSA"])
    scopes: list[str] = Field(default_factory=list)
    owner: str = "sub"
    leeway_seconds: float = Field(30.0, ge=0, le=300)


class ServerConfig(BaseModel):
    """What only the server uses. allow: further folders whose pictures a local client may name.

    tokens: a file of callers and their bearer tokens; oauth: instead of it or beside it. public_url: the
    address under which clients reach a server behind a proxy.
    """

    model_config = ConfigDict(extra="forbid")

    allow: list[Path] = Field(default_factory=list)
    output_dir: Path | None = None
    body_bytes: int = Field(36_000_000, gt=0, description="largest HTTP request body")
    tokens: Path | None = None
    oauth: OAuth | None = None
    public_url: str | None = None
    callers: CallerLimits = Field(default_factory=CallerLimits)
    urls: UrlConfig = Field(default_factory=UrlConfig)
    retention: Retention = Field(default_factory=Retention)
    log_format: Literal["text", "json"] = "text"


class Config(BaseModel):
    """Everything that can be configured. data: where sessions and pictures are kept."""

    model_config = ConfigDict(extra="forbid")

    data: Path = Field(default_factory=lambda: Path(platformdirs.user_data_dir("thinkedit", appauthor=False)))
    store: str | None = Field(None, description="fsspec URL of the picture store; default: below `data`")
    database: str | None = Field(
        None,
        pattern="^postgres(ql)?://",
        description="postgresql:// URL for sessions; default: SQLite in `data`",
    )
    loop: LoopSettings = Field(default_factory=LoopSettings)
    models: dict[str, dict[str, Any]] = Field(default_factory=dict)
    limits: Limits = Field(default_factory=Limits)
    server: ServerConfig = Field(default_factory=ServerConfig)
    keep_metadata: bool = False

    @property
    def store_url(self) -> str:
        return self.store or str(self.data / "store")

    @property
    def sessions(self) -> str | Path:
        """Where the ledger is: the database's URL, or the file in `data`."""
        return self.database or self.data / "sessions.sqlite"


class _Variables(Config, BaseSettings):
    """Knows which `THINKEDIT_*` variables there are: THINKEDIT_DATA, THINKEDIT_LOOP__TURNS and so on."""

    # Hosts that ask for every variable they know of hand over the empty ones too.
    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", env_ignore_empty=True, extra="forbid"
    )


def config_file(named: str | os.PathLike[str] | None = None) -> Path | None:
    """The configuration file in use, absolute, or None. SettingsError where a named one is not there."""
    variable = os.environ.get(f"{PREFIX}CONFIG")
    for origin, given in (("--config", named), (f"{PREFIX}CONFIG", variable or None)):
        if given is not None:
            path = Path(given).expanduser().absolute()
            if not path.is_file():
                raise SettingsError(f"{origin} names {os.fspath(given)!r}, which is not a file")
            return path
    folders = Path(), Path(platformdirs.user_config_dir("thinkedit", appauthor=False))
    return next((path.absolute() for folder in folders if (path := folder / FILE).is_file()), None)


def load_config(config: str | os.PathLike[str] | None = None, **flags: Any) -> Config:
    """Read the configuration.

    config: the file to read instead of the one that would be found.
    flags: fields of Config that go over everything else; those that are None are left out.

    Paths in the file are relative to its folder. SettingsError names the setting, its value and where it
    comes from.
    """
    path = config_file(config)
    file = {} if path is None else _read(path)
    given = {name: value for name, value in flags.items() if value is not None}
    try:
        variables = EnvSettingsSource(_Variables)()
    except VariableError as error:
        raise SettingsError(f"a {PREFIX}* variable is not the JSON it should be: {error}") from error
    values = _over(_over(file, variables), given)
    try:
        loaded = Config.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_explained(error, path, file, variables)) from error
    return _absolute(loaded)


def _read(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror or error}") from error

    def below(value: Any) -> Any:
        return str(path.parent / Path(value).expanduser()) if isinstance(value, str) and value else value

    if "data" in values:
        values["data"] = below(values["data"])
    if isinstance(store := values.get("store"), str) and "://" not in store:
        values["store"] = below(store)
    if isinstance(server := values.get("server"), dict):
        if isinstance(allow := server.get("allow"), list):
            server["allow"] = [below(folder) for folder in allow]
        for name in ("output_dir", "tokens"):
            if name in server:
                server[name] = below(server[name])
    return values


def _over(low: Mapping[str, Any], high: Mapping[str, Any]) -> dict[str, Any]:
    """`high` laid over `low`, table by table."""
    merged = dict(low)
    for name, value in high.items():
        under = merged.get(name)
        both = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[name] = _over(under, value) if both else value  # type: ignore[arg-type]  # `both` narrows
    return merged


def _absolute(config: Config) -> Config:
    """The same configuration after a change of the working directory."""

    def absolute(path: Path) -> Path:
        return path.expanduser().absolute()

    output, tokens = config.server.output_dir, config.server.tokens
    server = {
        "allow": [absolute(folder) for folder in config.server.allow],
        "output_dir": None if output is None else absolute(output),
        "tokens": None if tokens is None else absolute(tokens),
    }
    return config.model_copy(
        update={"data": absolute(config.data), "server": config.server.model_copy(update=server)}
    )


def _explained(
    error: ValidationError, path: Path | None, file: Mapping[str, Any], variables: Mapping[str, Any]
) -> str:
    """One line: the setting, its value where it is short and no secret, what is wrong, and its origin."""
    first = error.errors(include_url=False)[0]
    where = [str(part) for part in first["loc"]]
    name = ".".join(where)
    if _holds(variables, where):
        origin = f" (from {PREFIX}{'__'.join(where).upper()})"
    elif _holds(file, where):
        origin = f" (in {path})"
    else:
        origin = ""
    if first["type"] == "extra_forbidden":
        known = _fields(where[:-1])
        near = difflib.get_close_matches(where[-1], known, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(known)}"
        return f"there is no setting {name!r}{origin}: {hint}"
    message = first["msg"][0].lower() + first["msg"][1:]
    shown = _shown(first["input"], name)
    return f"the setting {name!r}{f' has the value {shown}' if shown else ''}{origin}: {message}"


def _holds(values: Any, where: list[str]) -> bool:
    for part in where:
        if isinstance(values, Mapping) and part in values:
            values = values[part]
        elif isinstance(values, list) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        else:
            return False
    return True


def _fields(where: list[str]) -> list[str]:
    """The settings that there are below `where`."""
    model: type[BaseModel] = Config
    for part in where:
        annotation = model.model_fields[part].annotation if part in model.model_fields else None
        kinds = [kind for kind in (annotation, *get_args(annotation)) if isinstance(kind, type)]
        model = next((kind for kind in kinds if issubclass(kind, BaseModel)), model)
    return list(model.model_fields)


def _shown(value: object, name: str) -> str:
    # What stands for a model is a block with perhaps a key in it, whatever was put in its place.
    secret = name.startswith("models") or any(word in name.lower() for word in SECRET_WORDS)
    if secret or not isinstance(value, str | int | float | bool | Path):
        return ""
    text = repr(_USER.sub("***@", str(value)) if isinstance(value, str | Path) else value)
    return text if len(text) <= 80 else f"{text[:77]}..."
