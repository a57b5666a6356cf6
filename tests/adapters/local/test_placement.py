"""Where models of real sizes go on machines of real sizes; no torch is needed to decide it."""

import pytest

from thinkedit.adapters.local.placement import Decision, Machine, Wanted, decide
from thinkedit.errors import SettingsError

GB = 10**9
H100 = Machine("cuda:0", "an H100", 80 * GB, 79 * GB, 200 * GB, fp8=True)
RTX4090 = Machine("cuda:0", "an RTX 4090", 24 * GB, 23 * GB, 64 * GB, fp8=True)
RTX3070 = Machine("cuda:0", "an RTX 3070", 8 * GB, 7 * GB, 64 * GB)
T4 = Machine("cuda:0", "a T4", 16 * GB, 15 * GB, 64 * GB, bf16=False)
MAC = Machine("mps", "Apple GPU", 24 * GB, 32 * GB, 32 * GB)
LAPTOP = Machine("cpu", "the CPU", 16 * GB, 12 * GB, 12 * GB)

KONTEXT = {"parameters": 16_900_000_000, "largest_part": 11_900_000_000, "working": 4 * GB}
QWEN_EDIT = {"parameters": 28_700_000_000, "largest_part": 20_400_000_000, "working": 4 * GB}
QWEN_VL = {"parameters": 8_770_000_000, "largest_part": 8_770_000_000, "working": 2 * GB}


def decided(machine: Machine, sizes: dict[str, int], **wanted: object) -> Decision:
    return decide(machine, Wanted(**wanted), **sizes)  # type: ignore[arg-type]  # names from the tests


@pytest.mark.parametrize(
    ("machine", "sizes", "placement"),
    [
        (H100, KONTEXT, "device"),
        (H100, QWEN_EDIT, "device"),
        (RTX4090, KONTEXT, "sequential_offload"),
        (RTX4090, QWEN_VL, "device"),
        (RTX3070, QWEN_VL, "sequential_offload"),
        (MAC, QWEN_VL, "device"),
        (LAPTOP, QWEN_VL, "device"),
    ],
)
def test_weights_lie_where_they_fit(machine: Machine, sizes: dict[str, int], placement: str) -> None:
    decision = decided(machine, sizes)
    assert decision.placement == placement
    assert decision.quantization is None, "what changes pictures is never decided for the user"
    assert decision.cache is None
    assert not decision.compile
    assert len(decision.reasons) >= 2


def test_parts_take_turns_where_only_the_largest_fits() -> None:
    card = Machine("cuda:0", "a 40 GB card", 40 * GB, 32 * GB, 64 * GB)
    decision = decided(card, KONTEXT)
    assert decision.placement == "model_offload"
    assert any("take turns" in reason and "quantization" in reason for reason in decision.reasons)


def test_a_quantization_that_was_asked_for_changes_the_place() -> None:
    assert decided(RTX4090, KONTEXT, quantization="nf4").placement == "device"
    assert decided(RTX4090, KONTEXT, quantization="int8").placement == "model_offload"


def test_idle_models_count_as_free() -> None:
    busy = Machine("cuda:0", "an H100", 80 * GB, 20 * GB, 200 * GB)
    assert decided(busy, KONTEXT).placement != "device"
    assert decide(busy, Wanted(), **KONTEXT, evictable=50 * GB).placement == "device"


def test_what_was_asked_for_holds() -> None:
    decision = decided(
        H100,
        KONTEXT,
        placement="model_offload",
        dtype="float16",
        attention="flash",
        compile=True,
        cache="first_block",
    )
    assert (decision.placement, decision.dtype, decision.attention) == ("model_offload", "float16", "flash")
    assert decision.lines()[0] == (
        "cuda:0, float16, model_offload, attention flash, compiled yes, cache first_block"
    )


@pytest.mark.parametrize(
    ("machine", "dtype"),
    [(H100, "bfloat16"), (T4, "float16"), (MAC, "bfloat16"), (LAPTOP, "bfloat16")],
)
def test_the_number_type_suits_the_device(machine: Machine, dtype: str) -> None:
    assert decided(machine, QWEN_VL).dtype == dtype


def test_a_cpu_with_memory_computes_in_float32() -> None:
    workstation = Machine("cpu", "the CPU", 128 * GB, 120 * GB, 120 * GB)
    decision = decided(workstation, QWEN_VL)
    assert decision.dtype == "float32"
    assert any("minutes" in reason for reason in decision.reasons)


@pytest.mark.parametrize(
    ("machine", "wanted", "says"),
    [
        (LAPTOP, {"quantization": "nf4"}, "needs bitsandbytes on a CUDA GPU"),
        (MAC, {"quantization": "int4"}, "needs a CUDA GPU"),
        (RTX3070, {"quantization": "fp8"}, "compute capability 8.9"),
        (LAPTOP, {"placement": "model_offload"}, "leave placement out"),
    ],
)
def test_a_setting_that_cannot_hold_is_refused(machine: Machine, wanted: dict[str, str], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        decided(machine, QWEN_VL, **wanted)


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"dtype": "bf16"}, "dtype is 'bf16': give one of bfloat16"),
        ({"placement": "gpu"}, "placement is 'gpu'"),
        ({"quantization": "int2"}, "quantization is 'int2'"),
        ({"compile": "yes"}, "compile is 'yes': give true or false"),
        ({"cache": 3}, "cache is 3"),
    ],
)
def test_a_value_that_is_none_is_refused(wanted: dict[str, object], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        Wanted(**wanted)  # type: ignore[arg-type]  # wrong on purpose


def test_auto_means_left_to_us() -> None:
    assert Wanted(dtype="auto", placement="auto", quantization="none") == Wanted()
