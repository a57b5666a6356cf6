"""Models on one device take turns; the least recently used one leaves."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from thinkedit.adapters.local.residency import NoRoom, Residency, residency_of


class Device:
    """A device of so many bytes, and what happened on it."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.used = 0
        self.log: list[str] = []
        self.residency = Residency(lambda: self.total - self.used)

    def model(self, name: str, size: int) -> "Model":
        return Model(self, name, size)


class Model:
    def __init__(self, device: Device, name: str, size: int) -> None:
        self.device, self.name, self.size = device, name, size
        self.there = False

    def to_device(self) -> None:
        assert self.device.used + self.size <= self.device.total, "the device would be full"
        self.device.used += self.size
        self.device.log.append(f"+{self.name}")
        self.there = True

    def to_host(self) -> None:
        self.device.used -= self.size
        self.device.log.append(f"-{self.name}")
        self.there = False


def use(device: Device, *models: Model) -> None:
    for model in models:
        with device.residency.using(model):
            assert model.there


def test_models_that_fit_together_stay() -> None:
    device = Device(10)
    a, b = device.model("a", 4), device.model("b", 6)
    use(device, a, b, a, b)
    assert device.log == ["+a", "+b"]
    assert device.residency.idle == 10


def test_the_least_recently_used_one_leaves() -> None:
    device = Device(10)
    a, b, c = device.model("a", 4), device.model("b", 4), device.model("c", 4)
    use(device, a, b, a, c)
    assert device.log == ["+a", "+b", "-b", "+c"]


def test_as_many_leave_as_are_needed() -> None:
    device = Device(10)
    a, b, big = device.model("a", 4), device.model("b", 4), device.model("big", 10)
    use(device, a, b, big, a)
    assert device.log == ["+a", "+b", "-a", "-b", "+big", "-big", "+a"]


def test_what_can_never_fit_is_said_at_once() -> None:
    device = Device(10)
    a, big = device.model("a", 4), device.model("big", 11)
    use(device, a)
    with pytest.raises(NoRoom, match=r'needs about .* GB .* set placement = "model_offload"'):
        use(device, big)
    use(device, a)
    assert device.log == ["+a"], "nobody leaves for one that does not fit anyway"


def test_one_in_use_is_waited_for() -> None:
    device = Device(10)
    a, b = device.model("a", 6), device.model("b", 6)
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with device.residency.using(a):
            inside.set()
            assert leave.wait(10)

    with ThreadPoolExecutor(2) as pool:
        held = pool.submit(hold)
        assert inside.wait(10)
        waits = pool.submit(use, device, b)
        assert device.residency.idle == 0
        assert "-a" not in device.log
        leave.set()
        held.result(10)
        waits.result(10)
    assert device.log == ["+a", "-a", "+b"]


def test_a_model_may_be_used_twice_at_once() -> None:
    device = Device(10)
    a, b = device.model("a", 6), device.model("b", 6)
    with device.residency.using(a), device.residency.using(a):
        assert device.residency.idle == 0
    use(device, b)
    assert device.log == ["+a", "-a", "+b"]


def test_a_failed_move_leaves_the_device_usable() -> None:
    device = Device(10)
    a, b = device.model("a", 6), device.model("b", 6)

    def fails() -> None:
        raise RuntimeError("CUDA out of memory")

    a.to_device = fails  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="out of memory"):
        use(device, a)
    use(device, b)
    assert device.log == ["+b"]


def test_a_forgotten_model_gives_its_room_back() -> None:
    device = Device(10)
    a = device.model("a", 6)
    use(device, a)
    device.residency.forget(a)
    assert device.residency.idle == 0


def test_two_threads_that_alternate_lose_nothing() -> None:
    device = Device(10)
    a, b = device.model("a", 6), device.model("b", 6)

    def often(model: Model) -> int:
        for _ in range(200):
            use(device, model)
        return 200

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(often, (a, b))) == 400
    assert device.used == 6


def test_there_is_one_for_a_device_and_a_cpu_never_swaps() -> None:
    assert residency_of("cpu") is residency_of("cpu")
    assert residency_of("cuda:0") is not residency_of("cuda:1")
    plain = Residency(None)
    device = Device(10**15)
    with plain.using(device.model("a", 10**12)), plain.using(device.model("b", 10**12)):
        assert device.log == ["+a", "+b"]
