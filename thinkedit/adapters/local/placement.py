"""Where a model of this process runs and how: the one place that decides, and says why.

Only what leaves results (nearly) as they are is decided here: device, number type, and where the weights
wait. Quantisation, caches and compilation change results or take minutes, so they are used where they are
asked for; where memory is short the reasons name them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast, get_args

from thinkedit.errors import SettingsError

__all__ = ["BYTES", "Decision", "Machine", "Placement", "Wanted", "decide", "look"]

Placement = Literal["device", "model_offload", "sequential_offload"]

BYTES = {
    "float32": 4.0, "bfloat16": 2.0, "float16": 2.0,
    "int8": 1.05, "fp8": 1.05, "int4": 0.6, "nf4": 0.6,
}  # fmt: skip
"""Bytes that a parameter takes; the scales of quantised blocks are counted in."""

QUANTIZATIONS = ("int8", "int4", "fp8", "nf4")
MARGIN = 0.92
"""The share of the free memory that is used: allocators need some air."""


@dataclass(frozen=True)
class Machine:
    """What there is. Bytes of memory; bf16: whether the device computes in it; fp8: likewise."""

    device: str
    name: str
    total: int
    free: int
    host_free: int
    bf16: bool = True
    fp8: bool = False

    @property
    def kind(self) -> str:
        """`cuda`, `mps` or `cpu`."""
        return self.device.partition(":")[0]


@dataclass(frozen=True)
class Wanted:
    """What the user set; None or "auto" leaves it to `decide`.

    dtype: bfloat16, float16 or float32. placement: see Placement. quantization: int8, int4, fp8 (torchao) or
    nf4 (bitsandbytes). attention: a name of the library's. compile: torch.compile. cache: one of diffusers'.
    """

    dtype: str | None = None
    placement: str | None = None
    quantization: str | None = None
    attention: str | None = None
    compile: bool = False
    cache: str | None = None

    def __post_init__(self) -> None:
        for name in ("dtype", "placement", "quantization", "attention", "cache"):
            value = getattr(self, name)
            if value in ("auto", "none", "None", ""):
                object.__setattr__(self, name, None)
            elif value is not None and not isinstance(value, str):
                raise SettingsError(f"{name} is {value!r}: give a name, or leave it out")
        _one_of("dtype", self.dtype, ("bfloat16", "float16", "float32"))
        _one_of("placement", self.placement, get_args(Placement))
        _one_of("quantization", self.quantization, QUANTIZATIONS)
        if not isinstance(self.compile, bool):
            raise SettingsError(f"compile is {self.compile!r}: give true or false")


@dataclass(frozen=True)
class Decision:
    """How the model is loaded; reasons are sentences, one a line."""

    device: str
    dtype: str
    placement: Placement
    quantization: str | None
    attention: str | None
    compile: bool
    cache: str | None
    reasons: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """The decision in one line, then the reasons."""
        asked = (
            ("quantization", self.quantization),
            ("attention", self.attention),
            ("compiled", self.compile and "yes"),
            ("cache", self.cache),
        )
        parts = [
            self.device,
            self.dtype,
            self.placement,
            *(f"{name} {value}" for name, value in asked if value),
        ]
        return [", ".join(parts), *self.reasons]


def look(device: str | None = None) -> Machine:
    """The device asked for, or the best there is: CUDA, then MPS, then the CPU.

    SettingsError where the one that is asked for is not there. Imports torch, which takes seconds.
    """
    import torch

    name = "auto" if device in (None, "", "auto") else str(device)
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if cuda else "mps" if mps else "cpu"
    kind, _, number = name.partition(":")
    if kind not in ("cuda", "mps", "cpu") or (number and not (kind == "cuda" and number.isdigit())):
        raise SettingsError(f"device is {device!r}: give cuda, cuda:0 and so on, mps, cpu, or auto")
    if kind == "mps" and not mps:
        raise SettingsError(f"device is {device!r}, and this machine or its torch has no MPS: use cpu")
    host = _host_free()
    if kind == "cpu":
        return Machine("cpu", "the CPU", host, host, host)
    if kind == "mps":
        return Machine("mps", "Apple GPU", int(torch.mps.recommended_max_memory()), host, host)
    if not cuda:
        built = "is built without CUDA" if torch.version.cuda is None else "sees no NVIDIA GPU or driver"
        raise SettingsError(
            f'device is {device!r}, but torch {torch.__version__} {built}: use device = "cpu" or install it '
            "from pytorch.org for your GPU"
        )
    index = int(number or 0)
    if index >= torch.cuda.device_count():
        count = torch.cuda.device_count()
        raise SettingsError(f"device is {device!r}, but there are {count} GPUs: cuda:0 to cuda:{count - 1}")
    free, total = torch.cuda.mem_get_info(index)
    capability = torch.cuda.get_device_capability(index)
    return Machine(
        f"cuda:{index}",
        torch.cuda.get_device_name(index),
        total,
        free,
        host,
        bf16=capability >= (8, 0),
        fp8=capability >= (8, 9),
    )


def decide(
    machine: Machine,
    wanted: Wanted,
    *,
    parameters: int,
    largest_part: int,
    working: int,
    evictable: int = 0,
) -> Decision:
    """How to load a model of `parameters`, the largest of whose parts has `largest_part`.

    working: bytes that a pass needs beside the weights. evictable: bytes that other idle models of this
    process would give back. SettingsError for a setting that cannot hold on this machine.
    """
    reasons: list[str] = []
    dtype = _dtype(machine, wanted, parameters, working, reasons)
    _check_quantization(machine, wanted)
    each = BYTES[wanted.quantization or dtype]
    weights, largest = int(parameters * each), int(largest_part * each)
    placement: Placement = "device"
    if machine.kind == "cuda":
        placement = _placed(machine, wanted, weights, largest, working, evictable, reasons)
    else:
        if wanted.placement not in (None, "device"):
            raise SettingsError(
                f"placement is {wanted.placement!r}, which moves weights between a CUDA GPU and the host; "
                f"the device is {machine.device}: leave placement out"
            )
        needed, free = weights + working, machine.free
        short = f": this may run out, of {gb(free)} free" if needed > free else f" of {gb(free)} free"
        reasons.append(f"weights take about {gb(weights)} and a pass {gb(working)}{short}")
        if machine.kind == "cpu" and parameters > 500_000_000:
            reasons.append("on a CPU a picture takes minutes to hours: a GPU or a server is meant for this")
    if wanted.compile:
        reasons.append("compile is on: the first pass of each size takes minutes more")
    if wanted.cache:
        reasons.append(f"cache {wanted.cache} is on: faster, and pictures differ from those without it")
    if wanted.quantization:
        reasons.append(f"quantization {wanted.quantization} is on: pictures and answers differ a little")
    return Decision(
        machine.device,
        dtype,
        placement,
        wanted.quantization,
        wanted.attention,
        wanted.compile,
        wanted.cache,
        tuple(reasons),
    )


def gb(size: float) -> str:
    """Bytes for people."""
    return f"{size / 1e9:.1f} GB" if size >= 5e7 else f"{size / 1e6:.1f} MB"


def _dtype(machine: Machine, wanted: Wanted, parameters: int, working: int, reasons: list[str]) -> str:
    if wanted.dtype is not None:
        if wanted.dtype == "bfloat16" and machine.kind == "cuda" and not machine.bf16:
            reasons.append(f"bfloat16 was asked for; {machine.name} emulates it slowly: float16 is faster")
        return wanted.dtype
    if machine.kind == "cpu":
        if parameters * BYTES["float32"] + working > machine.free * MARGIN:
            reasons.append("bfloat16, since float32 does not fit into memory; most CPUs are slow in it")
            return "bfloat16"
        reasons.append("float32, since most CPUs are slow in half precision")
        return "float32"
    if machine.bf16:
        reasons.append(f"bfloat16, which {machine.name} computes in and today's models were trained in")
        return "bfloat16"
    reasons.append(f"float16, since {machine.name} has no bfloat16: some models give black pictures in it")
    return "float16"


def _check_quantization(machine: Machine, wanted: Wanted) -> None:
    asked = wanted.quantization
    if asked == "nf4" and machine.kind != "cuda":
        raise SettingsError(
            f"quantization is 'nf4', which needs bitsandbytes on a CUDA GPU; the device is {machine.device}: "
            "use int8"
        )
    if asked == "fp8" and not machine.fp8:
        raise SettingsError(
            f"quantization is 'fp8', which needs a GPU of compute capability 8.9 (Ada, Hopper) or newer; "
            f"this is {machine.name}: use int8"
        )
    if asked == "int4" and machine.kind != "cuda":
        raise SettingsError(
            f"quantization is 'int4', which needs a CUDA GPU; the device is {machine.device}: use int8"
        )


def _placed(
    machine: Machine,
    wanted: Wanted,
    weights: int,
    largest: int,
    working: int,
    evictable: int,
    reasons: list[str],
) -> Placement:
    free = int((machine.free + evictable) * MARGIN)
    room = f"{gb(machine.free)} of {gb(machine.total)} free on {machine.name}"
    if evictable:
        room += f", {gb(evictable)} more in idle models"
    sizes = f"weights {gb(weights)}, largest part {gb(largest)}, a pass {gb(working)}; {room}"
    if wanted.placement is not None:
        reasons.append(f"placement {wanted.placement} was asked for: {sizes}")
        return cast(Placement, wanted.placement)
    if weights + working <= free:
        reasons.append(f"all of it fits on the GPU: {sizes}")
        return "device"
    if weights > machine.host_free * MARGIN:
        reasons.append(f"the host has only {gb(machine.host_free)} for weights that wait: it may run out")
    hint = "" if wanted.quantization else '; quantization = "int8" or "nf4" would need less'
    if largest + working <= free:
        reasons.append(f"the parts take turns on the GPU: {sizes}{hint}")
        return "model_offload"
    reasons.append(f"not even the largest part fits, so layers take turns, which is slow: {sizes}{hint}")
    return "sequential_offload"


def _host_free() -> int:
    import psutil

    return int(psutil.virtual_memory().available)


def _one_of(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise SettingsError(f"{name} is {value!r}: give one of {', '.join(known)}, or leave it out")
