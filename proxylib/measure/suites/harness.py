"""Benchmarks through lm-evaluation-harness, which is not in our lock: `pip install lm-eval==0.4.13 -c requirements.lock`.

Tasks that it brings download their sets from the hub. A multiple-choice set of yours that lies in a file becomes a task by
`task_file`, which writes the YAML that the harness reads. Tasks that run code are refused: the harness runs it in its own
process, `code.py` shuts it in.
"""

from __future__ import annotations

import contextlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml
from transformers import PreTrainedModel

from proxylib.errors import UserError
from proxylib.measure.suites.settings import Benchmark, RunBenchmarks
from proxylib.models import folders

VERSION = "0.4.13"  # tried beside our lock
CODE = ("humaneval", "mbpp")


def refuse_missing(benchmark: Benchmark) -> None:
    """`UserError` where the harness is not installed, or runs code by itself."""
    if benchmark.name.startswith(CODE):
        raise UserError(f"{benchmark.name}: the harness runs code where it stands; use humaneval or mbpp, which are shut in")
    if importlib.util.find_spec("lm_eval") is None:
        raise UserError(
            f"{benchmark.name}: runs through lm-evaluation-harness, which is not installed; "
            f"pip install lm-eval=={VERSION} -c requirements.lock, or leave it out with --only"
        )


def task_file(folder: Path, name: str, data: Path, question: str, choices: str, answer: str) -> Path:
    """Write a task of multiple choice over a file of yours, scored by the likelihood of each choice.

    Parameters
    ----------
    folder : where `<name>.yaml` goes; `tasks` of `outcomes` names it
    name : of the task
    data : JSON Lines, an object a line
    question, choices, answer : its fields: text, a list of texts, the number of the right one from 0
    """
    task = {
        "task": name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(data.absolute())}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": f"Question: {{{{{question}}}}}\nAnswer:",
        "doc_to_choice": f"{{{{{choices}}}}}",
        "doc_to_target": f"{{{{{answer}}}}}",
        "metric_list": [{"metric": metric, "aggregation": "mean", "higher_is_better": True} for metric in ("acc", "acc_norm")],
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(task, sort_keys=False), encoding="utf-8")
    return path


def outcomes(
    benchmark: Benchmark, options: RunBenchmarks, tasks: Path | None = None, network: PreTrainedModel | None = None
) -> pd.DataFrame:
    """Outcomes of a benchmark by the harness: id, samples, right, why.

    Parameters
    ----------
    tasks : folder with task files of yours; None: those that the harness brings
    network : the model, where it is loaded; None: the harness loads it itself

    Raises
    ------
    UserError
        If the harness does not know the task or the metric, or cannot get the set.
    """
    refuse_missing(benchmark)
    import lm_eval
    from lm_eval.tasks import TaskManager

    manager = TaskManager(include_path=None if tasks is None else str(tasks), include_defaults=tasks is None)
    folder = folders.whole(options.model)
    own = {"pretrained": str(folder), "dtype": options.dtype, "trust_remote_code": False}
    given = own if network is None else {"pretrained": network, "tokenizer": str(folder)}
    with _as_bad_input(benchmark):
        results = lm_eval.simple_evaluate(
            model="hf",
            model_args=given,
            tasks=[benchmark.name],
            num_fewshot=benchmark.shots,
            task_manager=manager,
            device=options.device,
            batch_size=options.batch,
            limit=options.limit,
            apply_chat_template=options.chat,
            log_samples=True,
            random_seed=options.seed,
            bootstrap_iters=0,  # intervals are ours
        )
    return _outcomes(results["samples"], benchmark)


def _outcomes(samples: dict[str, list[dict[str, Any]]], benchmark: Benchmark) -> pd.DataFrame:
    """A row per problem of every subject; under several filters of answers the first counts."""
    rows = []
    for task, logged in samples.items():
        seen = set()
        for sample in logged:
            if sample["doc_id"] in seen:
                continue
            seen.add(sample["doc_id"])
            if benchmark.metric not in sample:
                known = ", ".join(sample.get("metrics", [])) or "none"
                raise UserError(f"{benchmark.name}: has no metric {benchmark.metric}; the harness gives {known}")
            rows.append((f"{task}/{sample['doc_id']}", 1, float(np.float64(sample[benchmark.metric])), ""))
    return pd.DataFrame(rows, columns=["id", "samples", "right", "why"])


@contextlib.contextmanager
def _as_bad_input(benchmark: Benchmark):
    try:
        yield
    except (ConnectionError, FileNotFoundError, KeyError, ValueError, OSError) as error:
        said = str(error).strip().split("\n")[0][:200]
        raise UserError(f"{benchmark.name}: lm-evaluation-harness cannot run it ({type(error).__name__}: {said})") from None
