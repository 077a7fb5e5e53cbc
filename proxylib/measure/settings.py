"""How a model is measured: settings that enter the identity of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from proxylib.data.thinking import Think
from proxylib.measure.tokenstats.columns import MOST_TOP
from proxylib.models.cores import allotted_cores
from proxylib.models.settings import Bos, Evaluation
from proxylib.settings import Frozen


class Extraction(Frozen):
    """One teacher-forced pass over the expert traces."""

    window: int = Field(ge=1, description="score the last so many tokens of a trace")
    chunk: int = Field(ge=1, description="positions whose logits exist at the same time")
    batch: int = Field(ge=1, description="traces of one forward pass")
    threads: int = Field(ge=1)
    device: Literal["cpu", "cuda"]


class ExtractSettings(Frozen):
    """What is measured; together with model and traces it decides every row but for its last bits."""

    window: int = Field(default=1000, ge=1, description="score the last so many tokens of a solution")
    characters: int | None = Field(
        default=None, ge=1, description="of these, only tokens that begin within so many characters of the end"
    )
    chat: bool = Field(default=False, description="the prompt is a user's turn in the tokenizer's chat template")
    bos: Bos = Field(
        default="own", description="in front of a prompt: what the tokenizer itself puts there, always its bos token, or never"
    )
    columns: tuple[str, ...] = Field(
        default=(), description="statistics beyond nll, entropy, n_greater, n_equal and p_max: varentropy, sum_p2, mass_above"
    )
    top: int = Field(default=0, ge=0, le=MOST_TOP, description="keep so many of the likeliest entries of each token")
    device: Literal["cpu", "cuda", "auto"] = Field(
        default="cpu", description="where the model runs; auto: its layers over all GPUs, for what one GPU does not hold"
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        default="float32", description="of the weights; ranks are safe in float32 only"
    )


class Layout(Frozen):
    """How rows are computed. Nothing here changes more than the last bits of a row: `extract` tries that on a few traces
    first, and where it is not so, passes hold one trace each.
    """

    batch_tokens: int = Field(default=16384, ge=1, description="most tokens of a forward pass, padding included")
    batch_traces: int = Field(default=64, ge=1, description="most traces of a forward pass")
    padding: float = Field(
        default=0.05, ge=0, le=1, description="largest share of a pass that may be padding, unless it holds a single trace"
    )
    share: bool = Field(
        default=True, description="compute a beginning that the traces of a pass share once, where the model's cache allows it"
    )
    chunk: int | None = Field(
        default=None,
        ge=1,
        description="positions whose logits exist at the same time; default 128 on a processor, 512 on a GPU",
    )
    impl: Literal["auto", "chunked", "compiled", "reference"] = Field(
        default="auto",
        description="how logits are reduced: auto compiles where much is to do; reference is float64, slow",
    )

    def on(self, device: str) -> Layout:
        """The layout with its chunk decided.

        Notes
        -----
        A head reads all of its weights once a chunk. On an H200, 128 positions at a time took 1.5 times as long as 512 (8 B
        shapes, compiled), 2,048 no less than 512, in four times the memory (`benchmarks/gpu_nvidia_h200.csv`).
        """
        return self if self.chunk else self.model_copy(update={"chunk": 128 if device == "cpu" else 512})


class OverTraces(Frozen):
    """Models that are measured over expert traces, into a folder."""

    traces: str = Field(description=".jsonl(.gz) or .parquet file, set:gsm8k, or hub:NAME:SPLIT")
    out: Path = Field(description="folder for what is made; goes on where it ended")
    fields: dict[str, str] = Field(
        default={},
        description="names or paths in the file: prompt=question solution=messages[-1].content; problem=NAME says which traces "
        "solve one problem, where those of one prompt do not",
    )
    think: Think = Field(default="keep", description="whether think blocks stay in the solutions")
    threads: int = Field(
        default_factory=allotted_cores, ge=1, description="of the processor; by default all that the process is allotted"
    )
    dry_run: bool = Field(default=False, description="say what it will take on this machine; score and write nothing")
    settings: ExtractSettings = ExtractSettings()
    layout: Layout = Layout()


class Extract(OverTraces):
    """Token statistics of a model over expert traces, into a folder."""

    model: str = Field(description="folder of transformers or peft, or NAME or NAME@REVISION on the hub")


class MeasureSettings(Frozen):
    """What a `measure` run is made from, beside its parents."""

    extraction: Extraction
    evaluation: Evaluation
