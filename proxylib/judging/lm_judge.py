"""A small LM judge of ours: a language model that reads dialogue, note and criterion and writes a rationale and a verdict.

It is trained on notes of other bases and seeds than those it scores, and on expert notes with facts and lines changed, all
labelled by the rubric. What it answers has the form that any LLM judge is asked for, and its chat template takes the
material out of the common prompts, so that the same questions go to it, in process or behind a server.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from proxylib.data import corpora, domains
from proxylib.data.domains import scribe
from proxylib.data.domains.base import Example
from proxylib.judging import answers, criteria, rubric
from proxylib.judging.criteria import CLAUSES, CRITERIA
from proxylib.judging.questions import COLUMNS, FAIL, PASS, UNSCORED, Ask
from proxylib.models import devices, generate, loading, pretrain, tokenizers
from proxylib.runs.store import Run, Workspace

HELD_OUT_DOCUMENTS, TOKENIZER_DOCUMENTS = 64, 3000
LEARN_SHARE = 0.6  # of each source's notes; the others serve to refine prompts
BATCH = 125  # questions answered together; at these sizes more are slower, because caches are copied at each token
ANSWER_TOKENS = 110  # the longest rationale goes through six clauses
OWN_TEXT_SHARE = 0.15  # of the documents: dialogues with notes and briefs, where copying and the rule are learnt
DRILL_SHARE = 0.15  # of the documents: words side by side, as answers have them but half of them different
DRILLED = 12  # pairs of a drill
PAIR_SHARE = 0.1  # of the documents: which of two notes is better
SPOILT_SHARE = 0.7  # of the judged notes that are the expert's: with a fact changed; of these, with another one; and so on
BENT_SHARE = 0.3  # of the judged notes that are the expert's: with a fault of form
WRITTEN_SHARE = 0.5  # of the judged notes: written by models
ALL_SHARE = 0.5  # of the questions: list every clause of their criterion
QUESTIONS = 3  # about one note, one after the other
ASKED, WHICH = "criterion ", "which\n"
SAME, OTHER = "same", "other"
VOTES = (FIRST, SECOND, TIE) = "a", "b", "tie"
#: takes the material out of the common prompt: what stands between its markers, and the clauses that it lists. The first
#: opening marker is the prompt's own, wherever dialogue or note write others; no closing one can stand in them
CHAT_TEMPLATE = (
    "{%- set text = messages[-1]['content'] -%}"
    "{{ bos_token }}"
    "{{ text.split('<dialogue>\n', 1)[-1].split('\n</dialogue>')[0] }}\n"
    "note\n{{ text.split('\n</dialogue>', 1)[-1].split('<note>\n', 1)[-1].split('\n</note>')[0] }}\n"
    "criterion"
    + "".join(
        f"{{%- if '\n- {clause}:' in text.split('<dialogue>')[0] %}} {clause}{{%- endif %}}"
        for clauses in CLAUSES.values()
        for clause in clauses
    )
    + "{{ '\n' }}"  # a line's end at the template's end would be cut off
)


def question(dialogue: str, note: str, clauses: Sequence[str]) -> str:
    """What the judge reads: the clauses tell which criterion it is."""
    dialogue, note = (criteria.held(text) for text in (dialogue, note))  # as a server's prompt has them
    return f"{dialogue}\nnote\n{note}\n{ASKED}{' '.join(clauses)}\n"


def answer(findings: Mapping[str, rubric.Finding], clauses: Sequence[str]) -> str:
    """What the judge is taught to write: clause by clause what was said beside what is written, up to the first difference."""
    lines, passed = [], True
    for clause in clauses:
        about, pairs = findings[clause].about, findings[clause].pairs
        kept = next((place for place, (said, written) in enumerate(pairs) if said != written), len(pairs))
        passed = kept == len(pairs)
        lines.append(f"{clause} {f'{about}: ' if about else ''}{', '.join(beside(*pair) for pair in pairs[: kept + 1])}.")
        if not passed:
            break
    return json.dumps({"rationale": " ".join(lines), "verdict": PASS if passed else FAIL})


def beside(said: str, written: str) -> str:
    """What was said, what is written, and whether that is the same."""
    return f"{said} {written} {SAME if said == written else OTHER}"


def which(dialogue: str, first: str, second: str) -> str:
    """What the judge reads when it compares two notes."""
    return f"{dialogue.strip()}\nnote\n{first.strip()}\nnote\n{second.strip()}\n{WHICH}"


def better(example: Example, first: str, second: str) -> str:
    """`FIRST`, `SECOND` or `TIE`: the note of which more clauses hold."""
    holds = [
        sum(finding.passed for clauses in rubric.findings(example, note).values() for finding in clauses.values())
        for note in (first, second)
    ]
    return TIE if holds[0] == holds[1] else FIRST if holds[0] > holds[1] else SECOND


def lessons(count: int, seed: int) -> Iterator[str]:
    """So many documents of the bases' text, lists and excerpts most of them, and half as many drills: copy, then compare."""
    rng = random.Random(f"lessons {seed}")
    text = scribe.pretraining_text(seed, corpora.training_prose(), 5 * count // 8, count // 4)
    for number, document in enumerate(itertools.islice(text, count)):
        yield document
        if number % 2:
            yield drill(rng)


def documents(written: Sequence[tuple[Example, str]], seed: int) -> Iterator[str]:
    """Training text without end.

    Parameters
    ----------
    written : examples with a note that a model wrote, by bases and seeds that are not judged later
    seed : of the order and of what is spoilt
    """
    rng = random.Random(f"judge {seed}")
    while True:
        kind = rng.random()
        if kind < OWN_TEXT_SHARE:
            encounter = scribe.draw(rng, unseen=False)
            dialogue = scribe.dialogue(encounter, rng)
            yield dialogue + (scribe.brief(encounter, rng) if rng.random() < 0.3 else scribe.ASK + scribe.note(encounter))
            continue
        if kind < OWN_TEXT_SHARE + DRILL_SHARE:
            yield drill(rng)
            continue
        example, note = _judged(written, rng)
        if kind < OWN_TEXT_SHARE + DRILL_SHARE + PAIR_SHARE:
            other = example.note if rng.random() < 0.3 else scribe.note(scribe.spoilt(example.case, rng))
            first, second = rng.sample((note, other), 2)
            yield which(example.dialogue, first, second) + json.dumps({"verdict": better(example, first, second)})
            continue
        findings = rubric.findings(example, note)
        asked = [_clauses(criterion, rng) for criterion in rng.sample(CRITERIA, QUESTIONS)]
        yield question(example.dialogue, note, ()).removesuffix(f"{ASKED}\n") + "\n".join(
            f"{ASKED}{' '.join(clauses)}\n{answer(findings[criterion], clauses)}" for criterion, clauses in asked
        )


def drill(rng: random.Random) -> str:
    """Facts side by side, and whether they are the same: in answers one pair in ten differs, too few to learn it from."""
    pairs = []
    for _ in range(DRILLED):
        said, other = (scribe.draw(rng, unseen=False).facts for _ in range(2))
        name = rng.choice([name for name in said if name in other])
        value, others = said[name].split()[0], other[name].split()[0]
        pairs.append(beside(value, others if rng.random() < 0.5 else value))
    return ", ".join(pairs) + "\n"


def _judged(written: Sequence[tuple[Example, str]], rng: random.Random) -> tuple[Example, str]:
    """An example and a note about it: a model's, or the expert's, whole or changed."""
    if written and rng.random() < WRITTEN_SHARE:
        return rng.choice(written)
    return _about(scribe.draw(rng, unseen=False), "", rng)


def _about(encounter: scribe.Encounter, key: str, rng: random.Random) -> tuple[Example, str]:
    """An encounter's example, and its expert note with some of its facts and of its form changed."""
    example = Example(key, encounter, scribe.dialogue(encounter, rng), scribe.note(encounter))
    changed = encounter
    while rng.random() < SPOILT_SHARE:
        changed = scribe.spoilt(changed, rng)
    lines = scribe.note(changed).splitlines()
    if rng.random() < BENT_SHARE:
        lines = _bent(lines, example, rng)
    return example, "".join(f"{line}\n" for line in lines)


def changed_notes(count: int, seed: int) -> list[tuple[Example, str]]:
    """Expert notes, whole or changed, about conversations whose drug names no training text has."""
    rng = random.Random(f"changed {seed}")
    return [_about(scribe.draw(rng, unseen=True), f"changed-{number:04d}", rng) for number in range(count)]


def _bent(lines: list[str], example: Example, rng: random.Random) -> list[str]:
    """A note's lines with one fault of form or of terms."""
    kind, place = rng.randrange(7), rng.randrange(len(lines))
    if kind == 0:
        return lines[:place] + lines[place + 1 :]
    if kind == 1:
        return lines[:place] + [lines[place][:2], *lines[place + 1 :]]
    if kind == 2:
        return [*lines, rng.choice(lines)]
    if kind == 3:
        return rng.sample(lines, len(lines))
    if kind == 4:
        return [line.replace(example.case.term, example.case.complaint) for line in lines]
    if kind == 5:
        claim = rng.choice([*scribe.RARE.values(), *(symptom.term for symptom in scribe.SYMPTOMS)])
        return [line + f" {claim}." if line.startswith("S:") else line for line in lines]
    return [line + f" {rng.choice(scribe.SYMPTOMS).diagnosis}" if line.startswith("A:") else line for line in lines]


def _clauses(criterion: str, rng: random.Random) -> tuple[str, tuple[str, ...]]:
    """A criterion with clauses of it, in their order."""
    every = CLAUSES[criterion]
    if rng.random() < ALL_SHARE:
        return criterion, every
    chosen = rng.sample(every, rng.randint(1, len(every)))
    return criterion, tuple(clause for clause in every if clause in chosen)


def judge(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, asks: Sequence[Ask], sampled: bool = False
) -> pd.DataFrame:
    """Verdicts in process; see `client.judge` for the columns. An answer that is not as asked for is unscored.

    Parameters
    ----------
    model, tokenizer : of the judge
    asks : questions; their `repeat` is the seed where answers are sampled, and all have one
    sampled : at temperature 1, instead of the likeliest answer
    """
    seed = asks[0].repeat if sampled else None
    alike: dict[tuple[str, ...], list[int]] = {}  # a batch lasts as long as its longest answer
    for place, ask in enumerate(asks):
        alike.setdefault(ask.clauses or CLAUSES[ask.criterion], []).append(place)
    texts: dict[int, str] = {}
    for clauses, places in alike.items():
        prompts = [question(asks[place].dialogue, asks[place].note, clauses) for place in places]
        completions = generate.completions(model, tokenizer, prompts, ANSWER_TOKENS, BATCH, seed)
        texts |= {place: completion.text for place, completion in zip(places, completions, strict=True)}
    rows = []
    for place, ask in enumerate(asks):
        text = texts[place]
        used = tuple(len(tokens) for tokens in tokenizers.encode(tokenizer, [ask.prompt, text]))
        try:
            verdict = answers.exact(text)
        except ValueError as error:
            rows.append((*ask[:2], ask.repeat, UNSCORED, f"malformed: {error}", "", text, *used))
        else:
            rows.append((*ask[:2], ask.repeat, verdict.verdict, "", verdict.rationale, text, *used))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def compare(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, pairs: Sequence[tuple[str, str, str]]
) -> list[str | None]:
    """Which of two notes is better: "a" (the first), "b" or "tie"; None where the answer is none of them.

    Parameters
    ----------
    pairs : dialogue, first note, second note
    """
    votes = []
    for completion in generate.completions(model, tokenizer, [which(*pair) for pair in pairs], ANSWER_TOKENS, BATCH):
        try:
            said = json.loads(completion.text)
        except ValueError:
            said = None
        vote = said.get("verdict") if isinstance(said, dict) else None
        votes.append(vote if vote in VOTES else None)
    return votes


def load(run: Run) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """Model and tokenizer of a `judge` run, on one thread."""
    devices.prepare("cpu", 1)
    folder = run.path("model")
    return loading.load(folder, "cpu"), tokenizers.load(folder, "always")


def fit(step, workspace: Workspace) -> None:
    """Train the judge from scratch.

    Parameters
    ----------
    step : a declared `judge` step; its parents are the cells whose notes it learns from
    workspace : receives what `models.train.train` leaves; the tokenizer, its own, has `CHAT_TEMPLATE`
    """
    settings = step.settings
    written = [pair for pair, kept in _shares(step) if not kept]
    tokenizer = tokenizers.train(
        "capitals", itertools.islice(documents(written, 0), TOKENIZER_DOCUMENTS), settings.scribe.vocabulary
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    held_out = list(itertools.islice(documents([], settings.seed + 1), HELD_OUT_DOCUMENTS))
    text = itertools.chain(lessons(settings.first, settings.seed), documents(written, settings.seed))
    reading = pretrain.Reading(text, held_out)
    model = pretrain.train(settings.model, settings.training, None, settings.seed, tokenizer, workspace, reading=reading)
    ends_with_its_line(model, tokenizer).save_pretrained(workspace.path("model"))
    workspace.note(written=len(written))


def ends_with_its_line(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast) -> PreTrainedModel:
    """The model, whose answers end where their line does: in training several questions follow one note."""
    model.generation_config.eos_token_id = [tokenizer.eos_token_id, *tokenizers.encode(tokenizer, ["\n"])[0]]
    return model


def kept_notes(step) -> list[tuple[Example, str]]:
    """The notes of the sources that the judge did not learn from, about other conversations."""
    return [pair for pair, kept in _shares(step) if kept]


def _shares(step) -> list[tuple[tuple[Example, str], bool]]:
    """Notes of all sources, and whether each is kept from the judge."""
    pairs = []
    for role in step.parents:
        if role.startswith("source "):
            notes = notes_of(step, role)
            pairs += [(pair, number >= LEARN_SHARE * len(notes)) for number, pair in enumerate(notes)]
    return pairs


def notes_of(step, role: str) -> list[tuple[Example, str]]:
    """The notes that a cell wrote, beside their examples; none if it diverged."""
    settings, run = step.parents[role].settings, step.parent(role)
    if run.facts["diverged"]:
        return []
    tests = settings.tests
    drawn = domains.domain(settings.scribe.domain).examples(tests.count, tests.seed, tests.unseen)
    by_id = {example.id: example for example in drawn}
    return [(by_id[key], note) for key, note in run.table("notes")[["id", "note"]].itertuples(index=False)]
