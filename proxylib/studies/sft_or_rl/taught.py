"""Policies: fine-tunes on few expert notes, and what becomes of their notes as they are taught further."""

from __future__ import annotations

import numpy as np
import pandas as pd

from proxylib.data.domains import scribe
from proxylib.data.trace import Trace
from proxylib.judging import rubric
from proxylib.models import devices, generate, iterated, rl
from proxylib.models.lora import ADAPTER, Schedule, tune
from proxylib.models.rl import Policy, Spent
from proxylib.models.settings import Tuning
from proxylib.runs.store import Workspace
from proxylib.studies.sft_or_rl import judges
from proxylib.studies.sft_or_rl.settings import StartSettings, TaughtSettings


def build_start(step, workspace: Workspace) -> None:
    """Fine-tune a base on few expert notes.

    Parameters
    ----------
    step : a declared `policy_start` step; its parent is the base
    workspace : receives `adapter/` and the table `losses` (see `lora.Tuned`)
    """
    settings: StartSettings = step.settings
    facts = devices.prepare("cpu", settings.threads)
    notes = [expert(example) for example in scribe.examples(settings.examples, settings.notes_seed, unseen=False)]
    base, tuning = step.parent("base").path("model"), Tuning(**settings.lora.model_dump())
    tuned = tune(base, notes, tuning, Schedule(settings.epochs, None), settings.seed, workspace.folder, "always")
    workspace.write_table("losses", tuned.losses)
    workspace.note(**facts, **tuned.facts())


def expert(example: scribe.Example) -> Trace:
    """A dialogue with its expert note."""
    return Trace("scribe", example.id, example.prompt, example.note, "", "lab expert")


def build(step, workspace: Workspace) -> None:
    """Teach a policy in one way, and look at its notes on fresh dialogues on the way.

    Parameters
    ----------
    step : a declared `taught` step; its parent is the fine-tune that the policy begins as
    workspace : receives the tables `rounds` (see `rl.grpo` and `iterated`), `points` (of the curve: round, dialogues,
        samples, flops, divergence), `outcomes` (by round and id: passed, rubric, imperfect judge, words, false statements) and
        `notes` (id, note: the last); its facts are sizes
    """
    settings: TaughtSettings = step.settings
    devices.prepare("cpu", settings.threads)
    folder = step.parent("start").path(ADAPTER)
    learner, examiner = rl.policy(folder, "always"), Examiner(rl.policy(folder, "always"), settings)
    examiner.look(learner)
    workspace.write_table("rounds", teach(learner, settings, lambda spent: examiner.look(learner)))
    workspace.write_table("points", pd.DataFrame(examiner.points, columns=POINTS))
    workspace.write_table("outcomes", pd.concat(examiner.outcomes, ignore_index=True))
    workspace.write_table("notes", examiner.notes)
    workspace.note(parameters=learner.spent.parameters, trained=learner.spent.trained)


def teach(learner: Policy, settings: TaughtSettings, observe: rl.Observe) -> pd.DataFrame:
    """All rounds of an arm; a row for each."""
    method, seed = settings.method, settings.seed
    examples = scribe.examples(method.prompts * method.rounds, settings.dialogues_seed, unseen=False)
    if settings.arm.judge is None:
        return iterated.imitation(learner, [expert(example) for example in examples], method, seed, observe)
    judge = judges.JUDGES[settings.arm.judge]
    reward = lambda places, notes: [judge(examples[place], note) for place, note in zip(places, notes, strict=True)]
    improve = rl.grpo if settings.arm.method == "GRPO" else iterated.rejection
    return improve(learner, [example.prompt for example in examples], reward, method, seed, observe)


POINTS = ["round", "dialogues", "samples", "flops", "divergence"]


class Examiner:
    """Notes on fresh dialogues, greedy, whenever a point of the curve is reached.

    Parameters
    ----------
    beginning : the policy as it was
    settings : of the run
    """

    def __init__(self, beginning: Policy, settings: TaughtSettings):
        self.beginning, self.method = beginning.writer, settings.method
        self.tests = scribe.examples(settings.tests, settings.tests_seed, unseen=True)
        self.rounds = measured(settings.method.rounds, settings.points)
        self.points: list[tuple] = []
        self.outcomes: list[pd.DataFrame] = []
        self.notes = pd.DataFrame()

    def look(self, learner: Policy) -> None:
        """Write and judge notes, if this round is one of the points."""
        spent: Spent = learner.spent
        if spent.rounds not in self.rounds:
            return
        prompts = [test.prompt for test in self.tests]
        written = generate.completions(learner.writer, learner.tokenizer, prompts, self.method.max_new_tokens, len(prompts))
        notes = [completion.text for completion in written]
        gone = rl.divergence(learner, self.beginning, prompts, notes)
        self.points.append((spent.rounds, spent.rounds * self.method.prompts, spent.samples, spent.flops, gone))
        self.outcomes.append(judged(self.tests, notes).assign(round=spent.rounds))
        self.notes = pd.DataFrame({"id": [test.id for test in self.tests], "note": notes})


def measured(rounds: int, points: int) -> set[int]:
    """Rounds after which notes are looked at: before the first, the last, and evenly spaced in log rounds between."""
    return {0, *np.unique(np.geomspace(1, rounds, points).round().astype(int)).tolist()}


def judged(tests: list[scribe.Example], notes: list[str]) -> pd.DataFrame:
    """id, the share of criteria that each note passes, what either judge says of it, its words and what is false in it."""
    rows = [
        (
            test.id,
            judges.passed(test, note),
            *(judge(test, note) for judge in judges.JUDGES.values()),
            judges.words(note),
            rubric.false_statements(test.case, note),
        )
        for test, note in zip(tests, notes, strict=True)
    ]
    return pd.DataFrame(rows, columns=["id", judges.PASSED, *judges.JUDGES, "words", "false"])
