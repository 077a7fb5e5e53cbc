"""What token statistics and LoRA cost on a GPU, how exact the head stage is there, and whether the tests marked gpu pass.

    python benchmarks/gpu.py                         one H100 or H200, under eight minutes
    python benchmarks/gpu.py --device cpu --quick    tiny shapes, seconds: does the script itself work?

The head stage is logits from hidden states, and statistics of them, for positions that are all scored. Its floor is the bare
product: one matrix product over all positions, low-precision operands accumulated and written in float32, its logits thrown
away. `product` is the same by chunks, so that what a small chunk costs stands apart from what the statistics cost. The naive
ways hold all logits at once; they read them from the same head, so that every implementation has the same work to do.
`chunked_deterministic` is what `chunked` costs under the deterministic algorithms that the commands switch on.

Implementations take turns, in another order each time. Times are medians with 20th and 80th percentiles, ratios are medians of
ratios within a turn. Memory is the most that a call holds beyond what is allocated before it; it is measured apart from the
timing. The run stops adding cases when its budget is spent, and says which it left out. What runs a whole model comes last
(gpu_model.py).

Appends to gpu_<device>.csv, after every case; `run` says when a run began, `clocks` what the card ran at after a case. Rows are
of seven parts: `speed` (a row per implementation and case), `extract`, `memory` and `lora_step` (times of a whole model, tokens
a second as the quantity), and, with a quantity and its value alone, `tests`, `compile` and `exactness`.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import io
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import gpu_model
import numpy as np
import pandas as pd
import torch

BEGAN = time.monotonic()
ROOT = Path(__file__).resolve().parent.parent
MIB = 2**20
SPREAD = 2.5  # standard deviation of the random logits, about that of a trained model
AGREE = 64  # positions on which every implementation is compared with the reference before it is timed
WARM_UP, LEAST_TURNS, MOST_TURNS = 2, 7, 30
CASE_SECONDS = 4.0  # of a case's turns: beyond it, no more turns than the least
TEST_SECONDS = 120  # for the tests
HEAD_SHARE = 0.6  # of the budget, by the end of which no case of the head stage begins
CHUNKED = ("product", "chunked", "compiled")  # measured at several chunks
IMPLEMENTATIONS = ("floor", *CHUNKED, "chunked_deterministic", "naive_compare", "naive_sort")
CSV_COLUMNS = [
    *("part", "impl", "model", "hidden", "vocab", "T", "chunk", "dtype", "median_s", "p20", "p80", "ratio_to_floor", "tflops"),
    *("peak_mib", "bound_mib", "repeats", "quantity", "value", "device", "versions", "run", "clocks"),
]


@dataclass(frozen=True)
class Plan:
    """What is measured.

    Parameters
    ----------
    shapes : model -> hidden size, vocabulary
    lengths : positions per call
    chunks : positions at a time; those longer than a call are left out
    exact : model of the exactness check
    positions : of the exactness check
    """

    shapes: dict[str, tuple[int, int]]
    lengths: tuple[int, ...]
    chunks: tuple[int, ...]
    exact: str
    positions: int


FULL = Plan(
    {"qwen3-0.6b": (1024, 151936), "qwen3-8b": (4096, 151936)},
    (512, 2048, 8192),
    (128, 512, 2048),  # 128 is the package's default
    "qwen3-0.6b",
    512,
)
QUICK = Plan({"tiny": (32, 512)}, (24, 40), (8, 32), "tiny", 24)


@dataclass
class Run:
    """What the stages of one run share.

    Parameters
    ----------
    device : "cuda" or "cpu"
    path : of the CSV
    budget : seconds from the start of the script
    rows : of the CSV, this run's
    earlier : rows that other runs left there
    clocks : of the card when it was last looked at: MHz of its processors, of its memory, the most of its processors
    notes : what a reader must know beside the numbers, one line each
    """

    device: str
    path: Path
    budget: float
    rows: list[dict] = field(default_factory=list)
    earlier: pd.DataFrame | None = None
    clocks: str = ""
    notes: list[str] = field(default_factory=list)
    began: str = field(default_factory=lambda: f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")

    def left(self) -> float:
        """Seconds until the budget is spent."""
        return self.budget - (time.monotonic() - BEGAN)

    def note(self, line: str) -> None:
        """Say it now, and once more at the end."""
        print(f"note: {line}", flush=True)
        self.notes.append(line)

    def add(self, **row: object) -> None:
        """One row of the CSV."""
        known = {"device": device_name(self.device), "versions": versions(), "run": self.began, "clocks": self.clocks}
        self.rows.append(row | known)

    def look(self) -> None:
        """Read the clocks, while the card is still warm."""
        self.clocks = clocks() if self.device == "cuda" else ""

    def peak(self, call: Callable[[], object]) -> float | None:
        """See `peak_mib`."""
        return peak_mib(call, self.device)

    def save(self) -> None:
        """Write what there is behind what other runs left; a run that is stopped leaves what it and they measured."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if self.earlier is None:
            self.earlier = pd.read_csv(self.path, dtype=str) if self.path.exists() else pd.DataFrame()
        ours = self.table().astype(object)
        beside = self.path.with_suffix(".tmp")  # killed while it writes, a run leaves the file as it was
        pd.concat([self.earlier.reindex(columns=CSV_COLUMNS), ours]).to_csv(beside, index=False)
        beside.replace(self.path)

    def table(self) -> pd.DataFrame:
        """What the CSV holds."""
        whole = dict.fromkeys(("hidden", "vocab", "T", "chunk", "repeats"), "Int64")  # some rows have none
        return pd.DataFrame(self.rows, columns=CSV_COLUMNS).astype(whole)


def package() -> SimpleNamespace:
    """The parts of the package that are measured, imported in this one place; it need not be installed."""
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from proxylib.measure.tokenstats import chunked, heads, reference

    return SimpleNamespace(statistics=chunked.token_statistics, Head=heads.Head, oracle=reference.statistics)


def device_name(device: str) -> str:
    """The card's own name; "cpu" without one."""
    return torch.cuda.get_device_name() if device == "cuda" else "cpu"


def clocks() -> str:
    """MHz as nvidia-smi says them; empty where it does not."""
    query = ["nvidia-smi", "--query-gpu=clocks.sm,clocks.mem,clocks.max.sm", "--format=csv,noheader,nounits", "-i", "0"]
    try:
        said = subprocess.run(query, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip().replace(",", "") if said.returncode == 0 else ""


def versions() -> str:
    """Python, torch and the CUDA it was built for."""
    return f"python {platform.python_version()}; torch {torch.__version__}; cuda {torch.version.cuda or 'none'}"


def drawn(shape: tuple[int, int], length: int, device: str) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Hidden states [T, H], weights [V, H] and targets [T], the same at every call."""
    hidden_size, vocabulary = shape
    generator = torch.Generator(device).manual_seed(0)
    hidden = torch.randn(length, hidden_size, generator=generator, device=device)
    weight = torch.randn(vocabulary, hidden_size, generator=generator, device=device).mul_(SPREAD / hidden_size**0.5)
    return hidden, weight, torch.randint(0, vocabulary, (length,), generator=generator, device=device)


class Case:
    """One head and one batch of positions, all of them scored.

    Parameters
    ----------
    shape : hidden size, vocabulary
    length : positions T
    dtype : of hidden states and weights
    device : "cuda" or "cpu"
    """

    def __init__(self, shape: tuple[int, int], length: int, dtype: torch.dtype, device: str):
        self.package, self.vocabulary, self.length, self.dtype = package(), shape[1], length, dtype
        hidden, weight, self.targets = drawn(shape, length, device)
        self.hidden = hidden.to(dtype)  # [T, H]
        layer = torch.nn.Linear(*shape, bias=False, device="meta")
        layer.weight = torch.nn.Parameter(weight.to(dtype), requires_grad=False)
        self.head = self.package.Head(layer)

    def product(self, chunk: int) -> None:
        """The bare product with the head, so many positions at a time."""
        weight = self.head.layer.weight
        # a processor has no product that writes float32 from bfloat16; there, it stands in for the card only
        wide = {"out_dtype": torch.float32} if self.hidden.is_cuda and self.dtype != torch.float32 else {}
        for start in range(0, self.length, chunk):
            torch.mm(self.hidden[start : start + chunk], weight.T, **wide)

    def statistics(self, impl: str, chunk: int) -> dict[str, torch.Tensor]:
        """Our engine."""
        return self.package.statistics(self.hidden, self.head, self.targets, self.vocabulary, chunk, impl=impl)

    def deterministic(self, chunk: int) -> dict[str, torch.Tensor]:
        """Our engine, as the commands run it."""
        torch.use_deterministic_algorithms(True, warn_only=True)
        try:
            return self.statistics("chunked", chunk)
        finally:
            torch.use_deterministic_algorithms(False)

    def naive_compare(self) -> dict[str, torch.Tensor]:
        """All logits at once, the rank by comparison."""
        log_p = torch.log_softmax(self.head(self.hidden).float(), -1)  # [T, V]
        target = log_p.gather(1, self.targets[:, None])
        return {
            "nll": -target[:, 0],
            "entropy": -(log_p.exp() * log_p).sum(-1),
            "n_greater": (log_p > target).sum(-1),
            "n_equal": (log_p == target).sum(-1),
            "p_max": log_p.amax(-1).exp(),
        }

    def naive_sort(self) -> dict[str, torch.Tensor]:
        """All logits at once, the rank by sorting."""
        log_p = torch.log_softmax(self.head(self.hidden).float(), -1)  # [T, V]
        order = log_p.argsort(-1, descending=True)
        return {
            "nll": -log_p.gather(1, self.targets[:, None])[:, 0],
            "entropy": -(log_p.exp() * log_p).sum(-1),
            "n_greater": (order == self.targets[:, None]).int().argmax(-1),
            "p_max": log_p.gather(1, order[:, :1])[:, 0].exp(),
        }

    def contenders(self, chunks: list[int], compiles: bool) -> dict[tuple[str, int], Callable[[], dict | None]]:
        """(implementation, chunk) -> its call, the floor first."""
        calls = {("floor", self.length): functools.partial(self.product, self.length)}
        for chunk in chunks:
            calls["product", chunk] = functools.partial(self.product, chunk)
            calls["chunked", chunk] = functools.partial(self.statistics, "chunked", chunk)
            if compiles:
                calls["compiled", chunk] = functools.partial(self.statistics, "compiled", chunk)
        calls["chunked_deterministic", chunks[-1]] = functools.partial(self.deterministic, chunks[-1])
        return calls | {("naive_compare", self.length): self.naive_compare, ("naive_sort", self.length): self.naive_sort}


def elapsed(call: Callable[[], object], device: str) -> float:
    """Seconds of one call; on a card between two events, with nothing queued before, so that waiting for launches counts."""
    if device == "cpu":
        began = time.perf_counter()
        call()
        return time.perf_counter() - began
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    torch.cuda.synchronize()
    start.record()
    call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1000


def peak_mib(call: Callable[[], object], device: str) -> float | None:
    """Most MiB that a call holds beyond what is allocated before it; None on a processor."""
    if device == "cpu":
        return None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    call()
    torch.cuda.synchronize()
    return round((torch.cuda.max_memory_allocated() - before) / MIB, 1)


def warmed(run: Run, case: Case, calls: dict, label: str) -> tuple[dict, float]:
    """The calls that work and find what the reference finds, and the seconds of one round of them."""
    few = min(case.length, AGREE)
    oracle = case.package.oracle(case.head(case.hidden[:few]).float(), case.targets[:few], ("nll", "entropy"))
    kept = dict(calls)
    for _ in range(WARM_UP):
        began = time.monotonic()
        for (impl, chunk), call in list(kept.items()):
            if trouble := tried(call, oracle, few):
                del kept[impl, chunk]
                run.note(f"{label}: {impl}, chunk {chunk}, is left out: {trouble}")
        if case.hidden.is_cuda:
            torch.cuda.synchronize()
    return kept, time.monotonic() - began


def tried(call: Callable[[], dict | None], oracle: dict[str, torch.Tensor], few: int) -> str:
    """What is wrong with a call, whose first positions must be the reference's; empty if nothing is."""
    try:
        found = call() or {}
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        return "it needs more memory than there is"
    except Exception as error:  # one implementation that a machine cannot run must not end the others
        return (str(error).strip().splitlines() or [type(error).__name__])[0]
    wrong = [name for name in oracle if found and not close(found[name][:few], oracle[name])]
    return f"it finds another {wrong[0]}" if wrong else ""


def close(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Equal up to what float32 sums in another order may change, in nats."""
    return torch.allclose(a.double(), b.double(), rtol=1e-3, atol=1e-3)


def timed(run: Run, calls: dict) -> dict[tuple[str, int], list[float]]:
    """Seconds of every call in every turn, the order rotated: what ran before leaves its memory and heat behind."""
    seconds: dict[tuple[str, int], list[float]] = {name: [] for name in calls}
    began = time.monotonic()
    for turn in range(MOST_TURNS):
        names = list(calls)
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            seconds[name].append(elapsed(calls[name], run.device))
        if turn + 1 >= LEAST_TURNS and (time.monotonic() - began > CASE_SECONDS or run.left() < 0):
            break
    return seconds


def speed(run: Run, plan: Plan, compiles: bool) -> None:
    """All cases, low precision first, until the budget is spent."""
    cases = [(dtype, model, T) for dtype in (torch.bfloat16, torch.float32) for model in plan.shapes for T in plan.lengths]
    for dtype, model, length in cases:
        label = f"{model}, {str(dtype).removeprefix('torch.')}, T {length}"
        if run.left() <= 0:
            run.note(f"{label}: left out, the budget is spent")
            continue
        one_case(run, plan, (dtype, model, length), label, compiles)
        if run.device == "cuda":
            torch.cuda.empty_cache()  # the next case's blocks have other sizes
        run.save()


def one_case(run: Run, plan: Plan, key: tuple[torch.dtype, str, int], label: str, compiles: bool) -> None:
    """Warm up, time, measure memory, and add the rows."""
    dtype, model, length = key
    case = Case(plan.shapes[model], length, dtype, run.device)
    calls, a_round = warmed(run, case, case.contenders([c for c in plan.chunks if c <= length], compiles), label)
    if ("floor", length) not in calls:
        return
    needed = (LEAST_TURNS + 1) * a_round  # one more for the memory
    if needed > run.left():
        run.note(f"{label}: left out, it takes {needed:.0f} s and the budget has {run.left():.0f}")
        return
    seconds = timed(run, calls)
    run.look()
    print(f"{label}: {len(seconds['floor', length])} turns, {run.left():.0f} s of the budget left", flush=True)
    for (impl, chunk), times in seconds.items():
        call = calls[impl, chunk]
        hidden_size, vocabulary = plan.shapes[model]
        middle, low, high = np.quantile(times, [0.5, 0.2, 0.8])
        ours = impl.startswith(("chunked", "compiled"))
        run.add(
            part="speed",
            impl=impl,
            model=model,
            hidden=hidden_size,
            vocab=vocabulary,
            T=length,
            chunk=chunk,
            dtype=str(dtype).removeprefix("torch."),
            median_s=short(middle),
            p20=short(low),
            p80=short(high),
            ratio_to_floor=short(np.median(np.array(times) / seconds["floor", length])),
            tflops=short(2 * length * hidden_size * vocabulary / middle / 1e12),
            peak_mib=peak_mib(call, run.device),
            bound_mib=round(2 * chunk * vocabulary * 4 / MIB, 1) if ours else None,
            repeats=len(times),
        )


def short(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")


def exactness(run: Run, plan: Plan) -> bool:
    """How far the engine is from float64 on the same operands, and its ranks in bfloat16 from those in float32.

    `rounded` is what ranks become where the logits themselves are rounded to bfloat16, as models return them.

    Returns
    -------
    whether the compiled implementation was compiled on this machine
    """
    compiles = compiled(run, plan)
    ranks: dict[str, torch.Tensor] = {}  # of float32 operands, by implementation
    for dtype in (torch.float32, torch.bfloat16):
        case = Case(plan.shapes[plan.exact], plan.positions, dtype, run.device)
        columns = ("nll", "entropy", "n_greater", "n_equal")
        weight = case.head.layer.weight
        oracle = case.package.oracle(case.hidden.double() @ weight.double().T, case.targets, columns)
        contenders = {name: case.statistics(name, plan.chunks[0]) for name in ("chunked", "compiled")[: 1 + compiles]}
        if dtype == torch.bfloat16:
            contenders["rounded"] = case.package.oracle(case.hidden @ weight.T, case.targets, columns)
        for name, found in contenders.items():
            values = errors(found, oracle)
            if dtype == torch.float32:
                ranks[name] = found["n_greater"]
            else:
                values["rank_differs_from_float32"] = different(found["n_greater"], ranks.get(name, ranks["chunked"]))
            add_quantities(run, plan, "exactness", name, str(dtype).removeprefix("torch."), values)
    run.save()
    return compiles


def compiled(run: Run, plan: Plan) -> bool:
    """Whether the engine compiles here, and the seconds of its first call; at the sizes of real use, for which it compiles."""
    case = Case(plan.shapes[plan.exact], plan.positions, torch.bfloat16, run.device)
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        seconds = elapsed(lambda: case.statistics("compiled", plan.chunks[0]), run.device)
    print(said.getvalue(), end="", file=sys.stderr)
    if "not compiled" in said.getvalue():
        run.note("the compiled implementation fell back on the chunked one and is left out")
        return False
    print(f"first call of the compiled implementation: {seconds:.1f} s", flush=True)
    add_quantities(run, plan, "compile", "compiled", "bfloat16", {"first_call_s": seconds})
    return True


def errors(found: dict[str, torch.Tensor], oracle: dict[str, torch.Tensor]) -> dict[str, float]:
    """Counts of positions whose integers differ, and largest differences; nll and entropy in nats."""
    largest = lambda name: (found[name].double() - oracle[name].double()).abs().max().item()
    return {
        "rank_differs": different(found["n_greater"], oracle["n_greater"]),
        "rank_largest_error": largest("n_greater"),
        "ties_differ": different(found["n_equal"], oracle["n_equal"]),
        "ties_largest_error": largest("n_equal"),
        "nll_largest_error": largest("nll"),
        "entropy_largest_error": largest("entropy"),
    }


def different(a: torch.Tensor, b: torch.Tensor) -> int:
    """Positions at which two tensors differ."""
    return int((a != b).sum())


def add_quantities(run: Run, plan: Plan, part: str, impl: str, dtype: str, values: dict[str, float]) -> None:
    """A row per quantity."""
    hidden_size, vocabulary = plan.shapes[plan.exact]
    sizes = {"model": plan.exact, "hidden": hidden_size, "vocab": vocabulary, "T": plan.positions, "chunk": plan.chunks[0]}
    for quantity, value in values.items():
        run.add(part=part, impl=impl, dtype=dtype, **sizes, quantity=quantity, value=short(value))


def run_tests(run: Run) -> None:
    """Run the tests marked gpu, keep their counts, and show what failed."""
    files = [str(p.relative_to(ROOT)) for p in sorted((ROOT / "tests").rglob("test_*.py")) if marked(p)]
    code, output, counts = pytest(files)
    absent = re.search(r"ImportError while loading conftest.*?No module named '([\w.]+)'", output, re.S)
    if absent:
        run.note(f"tests run without conftest.py, which needs {absent[1]}")
        code, output, counts = pytest(["--noconftest", *files])
    if counts is None:
        run.note(f"the tests gave no counts (exit {code})")
        counts = {}
    for quantity, value in counts.items():
        run.add(part="tests", quantity=quantity, value=value)
    print("tests marked gpu:", ", ".join(f"{value} {quantity}" for quantity, value in counts.items()), flush=True)
    if code:
        print(output[-3000:], flush=True)
    run.save()


def marked(path: Path) -> bool:
    """Whether a test file has tests for a GPU; the others may need packages that such a machine lacks."""
    return re.search(r"\bmark\.gpu\b", path.read_text(encoding="utf-8")) is not None


def pytest(arguments: list[str]) -> tuple[int, str, dict[str, int] | None]:
    """Exit status, output, and counts by outcome; None for the counts where it did not get to count."""
    # the tests import the package from this checkout, whether or not it is installed
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-m", "gpu", "--tb=short", f"--junitxml={report}", *arguments]
        try:
            done = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, text=True, timeout=TEST_SECONDS)
        except subprocess.TimeoutExpired:
            return -1, f"stopped after {TEST_SECONDS} s", None
        output = done.stdout + done.stderr
        if not report.exists():
            return done.returncode, output, None
        suite = ElementTree.parse(report).getroot().find("testsuite").attrib
    failed, broken, skipped = (int(suite[name]) for name in ("failures", "errors", "skipped"))
    counts = {"passed": int(suite["tests"]) - failed - broken - skipped, "failed": failed + broken, "skipped": skipped}
    return done.returncode, output, counts


def show(run: Run) -> None:
    """What was found, in few lines: exactness, times, memory, notes."""
    table = run.table()
    exact = table[table["part"] == "exactness"].pivot(index=["dtype", "impl"], columns="quantity", values="value")
    print(exact.map("{:.3g}".format).replace("nan", "").to_string(sparsify=False), end="\n\n")
    speed_rows = table[table["part"] == "speed"]
    if len(speed_rows):
        print("median ms and TFLOP/s of the floor; of the others, times the floor")
        print(wide(speed_rows, "ratio_to_floor"), end="\n\n")
    if speed_rows["peak_mib"].notna().any():
        print("most MiB held beyond the operands")
        print(wide(speed_rows, "peak_mib"), end="\n\n")
    models = table[table["part"].isin(["extract", "memory", "lora_step"])]
    if len(models):
        print("whole models: median seconds, tokens a second, most MiB held beside the model")
        print(
            models[["part", "impl", "model", "dtype", "T", "median_s", "value", "peak_mib"]].to_string(index=False), end="\n\n"
        )
    for line in run.notes:
        print(f"note: {line}")


def wide(rows: pd.DataFrame, value: str) -> str:
    """A line per case, a column per implementation and chunk."""
    rows = rows.assign(place=rows["impl"].map(IMPLEMENTATIONS.index)).sort_values(["place", "chunk"])
    names = rows["impl"] + (" " + rows["chunk"].astype(str)).where(rows["impl"].isin(CHUNKED), "")
    cells = rows[value].astype(float).map("{:.4g}".format)
    if value == "ratio_to_floor":
        times = (1000 * rows["median_s"]).map("{:.3g}".format) + " " + rows["tflops"].map("{:.0f}".format)
        cells = cells.where(rows["impl"] != "floor", times)
    table = rows.assign(name=names, cell=cells).pivot(index=["dtype", "model", "T"], columns="name", values="cell")
    table = table[list(dict.fromkeys(names))].rename(columns=lambda name: name.removeprefix("chunked_"))
    return table.to_string(na_rep="", sparsify=False)


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the CSV")
    parser.add_argument("--quick", action="store_true", help="tiny shapes")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="cpu only with --quick")
    parser.add_argument("--budget", type=float, default=400, help="seconds after which no case is added")
    args = parser.parse_args()
    if args.device == "cpu" and not args.quick:
        parser.error("--device cpu is there to try the script; add --quick")
    return args


def main() -> int:
    """Test, check, measure, print and keep; returns the exit status."""
    args = arguments()
    if args.device == "cuda" and not torch.cuda.is_available():
        print("benchmarks/gpu.py: needs a CUDA device", file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore", message=".*[Dd]eterministic.*")
    slug = re.sub(r"\W+", "_", device_name(args.device)).lower()
    run = Run(args.device, args.out / f"gpu_{slug}.csv", args.budget)
    plan = QUICK if args.quick else FULL
    run_tests(run)
    with torch.inference_mode():
        compiles = exactness(run, plan)
        whole, run.budget = run.budget, HEAD_SHARE * run.budget
        speed(run, plan, compiles)
        run.budget = whole
    gpu_model.measure(run, gpu_model.QUICK if args.quick else gpu_model.FULL, elapsed)
    show(run)
    print(f"{run.path} after {time.monotonic() - BEGAN:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
