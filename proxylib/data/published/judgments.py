"""Human and machine judgments of written answers as tidy frames: MT-Bench, PandaLM, and notes of MTS-Dialog."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from proxylib.data.published import registry

TIE = "tie"
HUMAN, GPT4, GPT35, PANDALM = "human", "GPT-4", "GPT-3.5", "PandaLM-7B"


def mt_bench(folder: Path | None = None) -> pd.DataFrame:
    """Votes on pairs of answers of six models to 80 questions, two turns each.

    Returns
    -------
    item (question, turn and pair of models), question, turn, a, b (models in alphabetical order), kind ("human" or "GPT-4"),
    judge, vote ("a", "b" or "tie"). GPT-4 judged each pair in both orders; where its verdicts differ, the set calls that a
    tie, and so does this table.
    """
    folder = folder or registry.fetch("mt_bench_human")
    rows = []
    for file, kind in (("human.jsonl", HUMAN), ("gpt4_pair.jsonl", GPT4)):
        for line in (folder / file).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            a, b = sorted((row["model_a"], row["model_b"]))
            vote = TIE if row["winner"].startswith(TIE) else "ab"[row[row["winner"]] == b]
            item = f"{row['question_id']}-{row['turn']}-{a}-{b}"
            rows.append((item, row["question_id"], row["turn"], a, b, kind, row["judge"], vote))
    return pd.DataFrame(rows, columns=["item", "question", "turn", "a", "b", "kind", "judge", "vote"])


def pandalm(folder: Path | None = None) -> pd.DataFrame:
    """999 pairs of answers, three human votes and two machine verdicts each.

    Returns
    -------
    item, question (the instruction's number), kind ("human", "GPT-3.5" or "PandaLM-7B"), judge, vote ("a", "b" or "tie",
    missing where the machine's answer held no verdict), longer ("a", "b" or "tie": which answer has more characters)
    """
    folder = folder or registry.fetch("pandalm")
    read = lambda name: json.loads((folder / "data" / name).read_text(encoding="utf-8"))
    votes = {"1": "a", "2": "b", "0": TIE, "Tie": TIE}
    machines = {
        GPT35: ("gpt-3.5-turbo-testset-v1.json", "gpt_result"),
        PANDALM: ("pandalm-7b-testset-v1.json", "pandalm_result"),
    }
    votes_of = {kind: {row["idx"]: votes.get(str(row[key])) for row in read(name)} for kind, (name, key) in machines.items()}
    numbers: dict[tuple[str, str], int] = {}
    rows = []
    for row in read("testset-v1.json"):
        question = numbers.setdefault((row["instruction"], row["input"]), len(numbers))
        a, b = (len(str(row[name])) for name in ("response1", "response2"))  # one answer is a JSON true
        longer = TIE if a == b else "ab"[b > a]
        for number in (1, 2, 3):
            rows.append((row["idx"], question, HUMAN, f"annotator {number}", votes[str(row[f"annotator{number}"])], longer))
        for kind, verdicts in votes_of.items():
            rows.append((row["idx"], question, kind, kind, verdicts[row["idx"]], longer))
    return pd.DataFrame(rows, columns=["item", "question", "kind", "judge", "vote", "longer"])


def mts_notes(folder: Path | None = None) -> pd.DataFrame:
    """400 automatic summaries of clinical dialogues with human scores of their facts.

    Returns
    -------
    item (of the dialogue), dialogue, reference, summary, and of humans: factual_f1, hallucination, omission (shares)

    Notes
    -----
    The scores have no key; they follow the summaries' order. One row is a system's summary of one dialogue; four systems
    summarised each of 100 dialogues.
    """
    folder = (folder or registry.fetch("mts_dialog")) / "Correlation-Study"
    texts = pd.read_csv(folder / "MTS-Dialog-Automatic-Summaries-ValidationSet.csv", encoding="utf-8-sig")
    scores = pd.read_csv(folder / "MTS-Dialog-Manual-Scores4CorrelationStudy.csv", encoding="utf-8-sig")
    if len(texts) != len(scores):
        raise ValueError(f"{len(texts)} summaries and {len(scores)} scores")
    return pd.DataFrame(
        {
            "item": texts["ID"],
            "dialogue": texts["Dialogue"],
            "reference": texts["Reference Summary"],
            "summary": texts["Automatic Summary"].fillna(""),
            "factual_f1": scores["FactualF1"],
            "hallucination": scores["HallucinationRate"],
            "omission": scores["OmissionRate"],
        }
    )


def pandalm_answers(folder: Path | None = None) -> pd.DataFrame:
    """What PandaLM's people and machines judged.

    Returns
    -------
    item, question (as in `pandalm`), a, b (models that wrote the answers), text_a, text_b
    """
    folder = folder or registry.fetch("pandalm")
    numbers: dict[tuple[str, str], int] = {}
    rows = []
    for row in json.loads((folder / "data" / "testset-v1.json").read_text(encoding="utf-8")):
        question = numbers.setdefault((row["instruction"], row["input"]), len(numbers))
        a, b = row["cmp_key"].split("_")
        rows.append((row["idx"], question, a, b, *(str(row[name]) for name in ("response1", "response2"))))
    return pd.DataFrame(rows, columns=["item", "question", "a", "b", "text_a", "text_b"])
