"""Bases, and rounds of post-training that begin with them; after each round the same items are asked again.

Every answer is kept item by item, so that analyses can pair them.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from transformers import PreTrainedModel

from proxylib.data import tasks
from proxylib.data.trace import Trace
from proxylib.data.traces import read
from proxylib.measure import domains
from proxylib.models import devices, generate, loading, pretrain, tokenizers
from proxylib.runs.files import parquet_bytes
from proxylib.runs.store import Workspace
from proxylib.studies.post_training import requests
from proxylib.studies.post_training.settings import Asked, BaseSettings, RoundsSettings

TABLES = ("outcomes", "domains")  # of which every round writes a part
SECOND = "renamed"  # domain: worked solutions in the second language


class Examiner:
    """What is asked of a model, whenever it is called.

    Parameters
    ----------
    step : a declared step of this study with the material as a parent
    tokenizer : of the model
    """

    def __init__(self, step: Any, tokenizer: Any):
        settings, self.tokenizer = step.settings, tokenizer
        self.asked: Asked = settings.asked
        problems = read(step.parent("material").path("traces.parquet"))
        self.requests = [pair for kind in requests.KINDS for pair in _asked(problems, kind, getattr(self.asked.items, kind))]
        texts = domains.documents(settings.training.material, self.asked.documents)
        worked = [text for name in settings.training.material.tasks for text in texts[name]]
        texts[SECOND] = [requests.renamed(text) for text in worked[:: len(settings.training.material.tasks)]]
        self.domains = domains.packed(texts, tokenizer, settings.training.training.context)

    def examine(self, model: PreTrainedModel) -> dict[str, pd.DataFrame]:
        """Frames by table, see `build`."""
        losses = domains.losses(model, self.domains)
        evaluation = self.asked.evaluation
        prompts = [prompt for _, _, prompt in self.requests]
        completions = generate.completions(model, self.tokenizer, prompts, evaluation.max_new_tokens, evaluation.batch)
        rows = []
        for (kind, problem, _), completion in zip(self.requests, completions, strict=True):
            text = requests.renamed(completion.text) if kind == "renamed" else completion.text
            level = int(problem.id.split("-")[1])
            refused = requests.refused(completion.text)
            rows.append((kind, problem.task, problem.id, level, tasks.check(problem, text), refused))
        columns = ["kind", "task", "item", "level", "correct", "refused"]
        return {"outcomes": pd.DataFrame(rows, columns=columns), "domains": losses}


def _asked(problems: list[Trace], kind: str, number: int) -> list[tuple[str, Trace, str]]:
    """kind, problem, prompt: the first so many problems of each task as requests of a kind."""
    seen: dict[str, int] = {}
    chosen = []
    for problem in problems:
        place = seen.get(problem.task, 0)
        if place < number:
            chosen.append((kind, problem, requests.asked(kind, problem.prompt, place)))
        seen[problem.task] = place + 1
    return chosen


def build_base(step, workspace: Workspace) -> None:
    """Pretrain a base and ask it everything.

    Parameters
    ----------
    step : a declared `post_base` step; its parent is the material
    workspace : receives `model/`, `losses` (see `pretrain.fit`), outcomes (columns kind, task, item, level, correct, refused)
        and domains (see `domains.losses`)
    """
    settings: BaseSettings = step.settings
    spec = settings.training
    tokenizer = tokenizers.load(step.parent("material").path(f"tokenizers/{spec.model.tokenizer}"), "always")
    text = requests.pretraining(spec.model.mix, spec.material, spec.seed)
    reading = pretrain.Reading(text, pretrain.held_out_documents(spec.material))
    model = pretrain.train(spec.model, spec.training, spec.material, spec.seed, tokenizer, workspace, reading=reading)
    for name, frame in Examiner(step, tokenizer).examine(model).items():
        workspace.write_table(name, frame)


def build(step, workspace: Workspace) -> None:
    """Train a base further, round by round, and ask it everything after each.

    Parameters
    ----------
    step : a declared `rounds` step; its parents are the material and the base
    workspace : receives, with a column round in front (from 1), the tables outcomes and domains (see `build_base`), and
        `losses`: round, split, step, tokens, nll, bits_per_byte
    """
    settings: RoundsSettings = step.settings
    spec = settings.training
    devices.prepare(spec.training.device, spec.training.threads)
    tokenizer = tokenizers.load(step.parent("material").path(f"tokenizers/{spec.model.tokenizer}"), "always")
    examiner = Examiner(step, tokenizer)
    rounds = range(1, settings.rounds + 1)
    for _ in range(2):  # a second time where a part that was written before the last checkpoint was damaged since
        if not workspace.holds(*(_part(name, number) for name in TABLES for number in rounds), "losses.parquet"):
            _train(step, examiner, workspace)
    for name in TABLES:
        parts = [pd.read_parquet(workspace.path(_part(name, number))) for number in rounds]
        workspace.write_table(name, pd.concat(parts, ignore_index=True))
    for path in workspace.folder.glob("part-*.parquet"):
        path.unlink()


def _train(step: Any, examiner: Examiner, workspace: Workspace) -> None:
    """All rounds of an arm from its base on; what an earlier, killed attempt has seen is not asked again."""
    settings: RoundsSettings = step.settings
    spec, config = settings.training, settings.training.training
    model = loading.load(step.parent("base").path("model"), config.device).train()
    trainee = pretrain.Trainee(spec.model, config, spec.material, spec.seed, examiner.tokenizer, workspace, model)
    steps = max(1, settings.tokens // config.batch_tokens)

    def observe(model: PreTrainedModel, now: int, tokens: int) -> None:
        number = now // steps
        if not workspace.holds(*(_part(name, number) for name in TABLES)):
            for name, frame in examiner.examine(model).items():
                frame.insert(0, "round", number)
                workspace.write(_part(name, number), parquet_bytes(frame))

    loop = pretrain.Loop(
        trainee, pretrain.optimisers(model, config), trainee.held_out(), observe, lambda name, number: {number}
    )
    for number in range(1, settings.rounds + 1):
        seed = spec.seed + number
        text = requests.documents(settings.arm, spec.model.mix, settings.targets, number, spec.material, seed)
        loop.run(str(number), pretrain.Phase(trainee.packed(text, steps), steps, settings.peak))
    losses = pd.DataFrame(loop.losses, columns=["round", "split", "step", "tokens", "nll", "bits_per_byte"])
    workspace.write_table("losses", losses.astype({"round": int, "bits_per_byte": float}))
    workspace.keep("losses.parquet")
    loop.path.unlink(missing_ok=True)


def _part(table: str, number: int) -> str:
    return f"part-{table}-{number:02d}.parquet"
