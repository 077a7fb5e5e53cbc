"""Do the tests notice broken numerics? One line is broken at a time; a breakage that no test notices survives.

    python tests/mutations.py            all of them (some minutes)
    python tests/mutations.py -k rank    those whose name or file contains the word
    python tests/mutations.py --list     names alone

Works on a copy in a temporary folder; the checkout is never touched. Exit code 0 if every breakage is noticed, 1 if one
survives, 2 if the table no longer fits the code: a text that does not occur exactly once, or tests that fail before
anything is broken. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
COPIED = ("proxylib", "tests", "configs", "results", "pyproject.toml")


class Mutant(NamedTuple):
    """`old` must occur exactly once in proxylib/`file`; `tests` are what pytest is asked to run."""

    name: str
    file: str
    old: str
    new: str
    tests: str


COLUMNS = "tests/tokenstats/test_columns.py"
CHUNKED, EXTRACT = "tests/tokenstats/test_chunked.py", "tests/tokenstats/test_extract.py"
PROXIES, STATS, POPULATION = "tests/test_proxies.py", "tests/test_stats.py", "tests/test_population.py"
BOARD, TASKS, CORPORA, TRACES = "tests/test_scoreboard.py", "tests/tasks", "tests/test_corpora.py", "tests/test_traces.py"
TRAIN, GENERATE = "tests/models/test_train.py", "tests/models/test_generate.py"
MATERIAL, MEASURE = "tests/models/test_material.py", "tests/test_measure.py"
FEATURES = "tests/test_features.py"
TOKENIZERS, SELECTION, STORE = "tests/models/test_tokenizers.py", "tests/test_selection.py", "tests/test_store.py"

TOKENSTATISTICS = [
    Mutant("n-equal-without-itself", "tokenstats/chunked.py", "(logits == own).sum(1)", "(logits == own).sum(1) - 1", CHUNKED),
    Mutant("n-greater-or-equal", "tokenstats/chunked.py", "greater = logits > own", "greater = logits >= own", CHUNKED),
    Mutant("uncentred-logits", "tokenstats/chunked.py", "logits - logits.amax(1, keepdim=True)", "logits * 1", CHUNKED),
    Mutant("padded-rows-unmasked", "tokenstats/chunked.py", "[:, :vocabulary]  # [C, V]", "", CHUNKED),
    Mutant(
        "target-from-a-product-of-its-own",
        "tokenstats/chunked.py",
        "own = logits.gather(1, targets[:, None])  # [C, 1]",
        "own = logits.gather(1, targets[:, None]) * (1 + 2e-7)  # as another order of summation would",
        f"{CHUNKED}::test_a_target_ties_with_itself_under_a_real_head",
    ),
    Mutant(
        "entropy-zero-times-infinity",
        "tokenstats/chunked.py",
        "torch.where(weights > 0, weights * shifted, 0.0)",
        "(weights * shifted)",
        CHUNKED,
    ),
    Mutant("entropy-unnormalised", "tokenstats/chunked.py", "shifted, 0.0).sum(1) / total", "shifted, 0.0).sum(1)", CHUNKED),
    Mutant("p-max-unnormalised", "tokenstats/chunked.py", "1 / total,", "weights.amax(1),", CHUNKED),
    Mutant("varentropy-about-zero", "tokenstats/chunked.py", "(shifted - mean[:, None])", "shifted", COLUMNS),
    Mutant("mass-with-the-target", "tokenstats/chunked.py", "torch.where(greater,", "torch.where(logits >= own,", COLUMNS),
    Mutant("collision-unnormalised", "tokenstats/chunked.py", "total**2", "total", COLUMNS),
    Mutant(
        "logits-in-half-precision",
        "tokenstats/chunked.py",
        "logits if logits.dtype == torch.float64 else logits.float()",
        "logits",
        CHUNKED,
    ),
    Mutant("all-logits-at-once", "tokenstats/chunked.py", 'if impl == "reference" else chunk', "if True else chunk", CHUNKED),
    Mutant("target-off-by-one", "tokenstats/extract.py", "places - 1 - shared]", "places - shared]", EXTRACT),
    Mutant(
        "tokenised-together",
        "tokenstats/encode.py",
        "kept = solution[-room:]",
        "kept = tokenizers.encode(tokenizer, [trace.prompt + trace.solution])[0][len(front) - 1 :]",
        f"{EXTRACT}::test_prompt_and_solution_are_tokenised_apart",
    ),
    Mutant("solution-cut-at-its-end", "tokenstats/encode.py", "solution[-room:]", "solution[:room]", EXTRACT),
    Mutant(
        "prompt-cut-instead",
        "tokenstats/encode.py",
        "tokenizers.encode(tokenizer, [trace.prompt])[0]\n    if",
        "tokenizers.encode(tokenizer, [trace.prompt])[0][-5:]\n    if",
        EXTRACT,
    ),
    Mutant(
        "window-from-the-start",
        "tokenstats/extract.py",
        "torch.arange(len(item.ids) - item.scored, len(item.ids))",
        "torch.arange(len(item.ids) - item.scored - item.windowed, len(item.ids) - item.windowed)",
        EXTRACT,
    ),
    Mutant(
        "dropped-by-pad-id",
        "tokenstats/encode.py",
        "scored = min(window.tokens, possible)",
        "scored = min(window.tokens, sum(token != tokenizer.pad_token_id for token in kept))",
        EXTRACT,
    ),
    Mutant(
        "positions-forget-the-truncated", "tokenstats/extract.py", "item.truncated + item.windowed", "item.windowed", EXTRACT
    ),
    Mutant("characters-for-bytes", "tokenstats/encode.py", "[done:end].encode()))", "[done:end]))", EXTRACT),
    Mutant("bytes-counted-twice", "tokenstats/encode.py", "for _, end in spans", "for done, end in spans", EXTRACT),
    Mutant(
        "traces-mixed-up-in-a-batch",
        "tokenstats/extract.py",
        "begins[order] = np.cumsum(scored[order]) - scored[order]",
        "begins = np.cumsum(scored) - scored",
        EXTRACT,
    ),
    Mutant("later-tokens-unnoticed", "tokenstats/heads.py", "(ids[:, -1:] + 1)", "(ids[:, -1:] + 0)", EXTRACT),
    Mutant("cap-not-noticed", "tokenstats/heads.py", "PROBE_LOGITS = (1.0, 100.0)", "PROBE_LOGITS = ()", EXTRACT),
    Mutant("vocabularies-not-compared", "tokenstats/extract.py", "if vocabulary > rows:", "if False:", EXTRACT),
    Mutant(
        "padded-vocabulary-scored",
        "tokenstats/extract.py",
        "Engine(model, len(tokenizer), layout)",
        "Engine(model, max(len(tokenizer), model.get_output_embeddings().weight.shape[0]), layout)",
        EXTRACT,
    ),
    Mutant(
        "spaces-outside-a-span-lost",
        "tokenstats/encode.py",
        "for _, end in spans[-scored:]:",
        "for done, end in ((max(done, start), end) for start, end in spans[-scored:]):",
        EXTRACT,
    ),
    Mutant("missing-weights-drawn-at-random", "models/loading.py", "if missing:", "if False:", EXTRACT),
    Mutant(
        "nan-weights-accepted",
        "models/loading.py",
        """{name} holds NaN or Inf; measure another checkpoint""",
        """{name}""",
        EXTRACT,
    ),
    Mutant("weights-in-their-own-precision", "models/loading.py", "dtype=dtype,", 'dtype="auto",', EXTRACT),
]

PROXY_METRICS = [
    Mutant("strict-rank", "proxies.py", "1 + greater + (equal - 1) / 2", "1 + greater", PROXIES),
    Mutant("rank-counts-itself-as-a-tie", "proxies.py", "greater + (equal - 1) / 2\n", "greater + equal / 2\n", PROXIES),
    Mutant("strict-hits", "proxies.py", "np.clip((k - greater) / equal, 0.0, 1.0)", "(greater < k) * 1.0", PROXIES),
    Mutant("best-and-worst-ties-swapped", "proxies.py", 'definition.ties == "strict"', 'definition.ties != "strict"', PROXIES),
    Mutant("margin-flipped", "proxies.py", "np.maximum(p_max - p, 0.0)", "np.maximum(p - p_max, 0.0)", PROXIES),
    Mutant("confidence-where-right", "proxies.py", "p_max * (1 - hits", "p_max * (hits", PROXIES),
    Mutant(
        "entropy-in-nats",
        "proxies.py",
        '["entropy"].to_numpy(float) / np.log(vocabulary),',
        '["entropy"].to_numpy(float),',
        PROXIES,
    ),
    Mutant("rank-in-decimal-logarithms", "proxies.py", "np.log(rank)", "np.log10(rank)", PROXIES),
    Mutant("a-sign-flipped", "proxies.py", '"margin": -1', '"margin": +1', PROXIES),
    Mutant("frequency-over-all-tasks", "proxies.py", 'if source == "task"', "if False", PROXIES),
    Mutant("frequency-always-of-the-task", "proxies.py", 'if source == "task"', "if True", PROXIES),
    Mutant("frequency-unnormalised", "proxies.py", "np.bincount(pool)[pool]", "len(pool)", PROXIES),
    Mutant("tokens-of-two-tasks-confused", "proxies.py", "(token.max() + 1)", "token.max()", PROXIES),
    Mutant("inverse-frequency-as-a-complement", "proxies.py", 'definition.inverse_frequency == "reciprocal"', "False", PROXIES),
    Mutant("entropy-floor-forgotten", "proxies.py", "1 / (h + ENTROPY_FLOOR)", "1 / (h + 1e-9)", PROXIES),
    Mutant(
        "disagreement-as-an-inverse", "proxies.py", '"disagreement": lambda: 1 - p', '"disagreement": lambda: 1 / p', PROXIES
    ),
    Mutant(
        "kernel-with-the-sample-deviation",
        "proxies.py",
        "(nll - mean) ** 2) / size",
        "(nll - mean) ** 2) / (size - 1)",
        PROXIES,
    ),
    Mutant(
        "kernel-over-the-task", "proxies.py", "trace, _ = _numbered(tokens)", 'trace, _ = pd.factorize(tokens["task"])', PROXIES
    ),
    Mutant("kernel-without-its-half", "proxies.py", "np.exp(-0.5 *", "np.exp(-1.0 *", PROXIES),
    Mutant("easy-kernel-about-the-mean", "proxies.py", '"easy": 0.0', '"easy": mean', PROXIES),
    Mutant("shared-kernel-by-place", "proxies.py", ".reindex(tasks).to_numpy(float)[task]", ".to_numpy(float)[task]", PROXIES),
    Mutant(
        "difficulty-of-one-model", "proxies.py", "pooled = pd.concat(moments).", "pooled = pd.concat(moments[-1:]).", PROXIES
    ),
    Mutant("weights-not-normalised", "proxies.py", ".to_numpy()) / mass", ".to_numpy()) / whole", PROXIES),
    Mutant("vanishing-weights-kept", "proxies.py", "np.where(vanishing[trace], 1.0, w)", "w * 1.0", PROXIES),
    Mutant("weights-below-float32-kept", "proxies.py", "LEAST_WEIGHT = 1e-6", "LEAST_WEIGHT = 1e-9", PROXIES),
    Mutant(
        "nats-repeated-on-every-byte",
        "proxies.py",
        "(float)  # not times its bytes",
        "(float) * size  # not times its bytes",
        PROXIES,
    ),
    Mutant("bytes-without-a-weight", "proxies.py", "mass = total(w * size)", "mass = total(w)", PROXIES),
    Mutant("traces-of-two-tasks-confused", "proxies.py", "task * len(ids) + trace", "task * 0 + trace", PROXIES),
    Mutant(
        "tasks-by-their-median",
        "proxies.py",
        "sort=False).mean()\n\n\ndef difficulty",
        "sort=False).median()\n\n\ndef difficulty",
        PROXIES,
    ),
    Mutant("eight-is-short", "proxies.py", "np.bincount(number) < least", "np.bincount(number) <= least", PROXIES),
    Mutant("window-rounded-down", "proxies.py", "length - 1e-9)", "length - 0.999)", PROXIES),
    Mutant("window-of-one-too-many", "proxies.py", "length - 1e-9)", "length)", PROXIES),
    Mutant("window-at-the-other-end", "proxies.py", 'if window.side == "last":', 'if window.side == "first":', PROXIES),
    Mutant(
        "window-from-the-first-character",
        "proxies.py",
        "place, length = position - first,",
        "place, length = position,",
        PROXIES,
    ),
    Mutant("windows-without-a-token", "proxies.py", " | (position == last)", "", PROXIES),
    Mutant("space-with-the-word-before", "proxies.py", r'r"\s*\S+|\s+"', r'r"\S+\s*|\s+"', PROXIES),
    Mutant("words-over-all-tasks", "proxies.py", "words.append((task, found", 'words.append(("", found', PROXIES),
    Mutant("nats-for-bits", "proxies.py", 'sums["nll"] / np.log(2)', 'sums["nll"]', PROXIES),
    Mutant("tokens-for-bytes", "proxies.py", '/ sums["n_bytes"]', '/ tokens.groupby("task")["n_bytes"].size()', PROXIES),
    Mutant(
        "surprisal-rank-from-zero",
        "proxies.py",
        '["n_greater"].to_numpy(float) + 1, C',
        '["n_greater"].to_numpy(float), C',
        PROXIES,
    ),
    Mutant("surprisal-rank-not-clipped", "proxies.py", "CLIPPED_RANK = 100", "CLIPPED_RANK = 10**9", PROXIES),
    Mutant("answer-taken-for-reasoning", "proxies.py", "text if end < 0 else", "text if True else", PROXIES),
    Mutant("first-answer-line", "proxies.py", ').rfind("\\nanswer ")', ').find("\\nanswer ")', PROXIES),
    Mutant("digits-are-no-letters", "proxies.py", "character.isalnum()", "character.isalpha()", PROXIES),
    Mutant(
        "tokens-of-a-character-apart",
        "proxies.py",
        "np.where(scored, np.exp(-nll), np.nan)",
        "np.where(scored, np.exp(-nll / np.maximum(1, np.bincount(group, minlength=len(starts)))), np.nan)",
        PROXIES,
    ),
    Mutant("letters-unknown-to-the-expert", "proxies.py", "np.where(scored, np.exp(-nll), np.nan)", "np.exp(-nll)", PROXIES),
    Mutant("weights-not-averaged-over-letters", "proxies.py", "mass[lettered] / count[lettered]", "mass[lettered]", PROXIES),
    Mutant("weights-not-stretched", "proxies.py", "(w - least) / (most - least)", "w / (most - most + 1)", PROXIES),
    Mutant("rounding-stretched", "proxies.py", "SAME_PROBABILITY = 1e-6", "SAME_PROBABILITY = 0", PROXIES),
    Mutant(
        "divided-by-the-weights",
        "proxies.py",
        ".groupby(own).mean()\n    task",
        ".groupby(own).sum() / stretched.groupby(own).sum()\n    task",
        PROXIES,
    ),
]

INTERVALS = [
    Mutant("normal-for-wilson", "stats.py", 'method="wilson"', 'method="normal"', STATS),
    Mutant(
        "bootstrap-over-units",
        "stats.py",
        "return _multiplicities(len(labels), draws, np.random.default_rng(seed))[:, index]",
        "return _multiplicities(len(index), draws, np.random.default_rng(seed))",
        STATS,
    ),
    Mutant("as-many-clusters-as-units", "stats.py", "rng.multinomial(number, ", "rng.multinomial(number + 1, ", STATS),
    Mutant("one-tail", "stats.py", "[(1 - self.level) / 2, (1 + self.level) / 2]", "[1 - self.level, self.level]", STATS),
    Mutant(
        "undefined-draws-tolerated",
        "stats.py",
        "len(finite) * 2 < len(self.draws) or not len(finite)",
        "not len(finite)",
        STATS,
    ),
    Mutant("unreflected", "stats.py", "2 * estimate - end, -1, 1", "end, -1, 1", STATS),
    Mutant("estimate-left-outside", "stats.py", "min(low, estimate), max(high, estimate)", "low, high", STATS),
    Mutant("square-of-an-end-for-zero", "stats.py", "0.0 if self.low <= 0 <= self.high else min(ends)", "min(ends)", STATS),
    Mutant("nothing-moved-so-certain", "stats.py", "if found.low < found.high or", "if found.low <= found.high or", STATS),
    Mutant("one-sided-for-a-difference", "stats.py", "-high if self.difference else low", "low", STATS),
    Mutant("unpaired", "stats.py", "self.draws - other.draws", "self.draws - other.draws[::-1]", STATS),
    Mutant(
        "sample-counts-as-a-draw",
        "stats.py",
        "Drawn(values[0], values[1:], self.level, self.clusters)",
        "Drawn(values[0], values, self.level, self.clusters)",
        STATS,
    ),
    Mutant(
        "strata-drawn-alike",
        "stats.py",
        "_multiplicities(size, self.draws, rng), size)",
        "_multiplicities(size, self.draws, np.random.default_rng(self.seed)), size)",
        STATS,
    ),
    Mutant("largest-rank-for-ties", "stats.py", "below + (equal + 1) / 2", "below + equal", STATS),
    Mutant(
        "ranks-centred-without-weights",
        "stats.py",
        "(weights * ranks).sum(1, keepdims=True) / total",
        "ranks.mean(1, keepdims=True)",
        STATS,
    ),
    Mutant("two-units-make-a-correlation", "stats.py", "(weights > 0).sum(1) >= 3", "(weights > 0).sum(1) >= 2", STATS),
    Mutant("one-digit-too-few", "stats.py", "10**exponent < 3.55", "10**exponent < 1", STATS),
    Mutant("halves-not-stepped-up", "population.py", "2 * r / (1 + r)", "r", POPULATION),
    Mutant("ceiling-is-reliability", "population.py", "np.sqrt(reliability) if", "reliability if", POPULATION),
    Mutant("prose-of-the-traces", "features.py", "prose = tokens[PROSE]", "prose = own", FEATURES),
    Mutant("tokens-for-bytes-twice", "features.py", 'proxies.Definition(spread="byte")', "proxies.Definition()", FEATURES),
    Mutant("own-expert", "features.py", "proxies.rbridge(own, expert, texts)", "proxies.rbridge(own, own, texts)", FEATURES),
    Mutant("wide-quartiles", "population.py", "[0.25, 0.5, 0.75]", "[0.1, 0.5, 0.9]", POPULATION),
    Mutant("features-in-double", "features.py", 'axis=1).astype("float32")', 'axis=1).astype("float64")', FEATURES),
    Mutant("mix-without-its-style", "population.py", "member.model.in_style(member.style)", "member.model", POPULATION),
    Mutant("curves-of-training", "population.py", "split == 'held-out'", "split == 'train'", POPULATION),
    Mutant("floor-not-asked", "population.py", "(off_floor & off_ceiling)", "off_ceiling", POPULATION),
    Mutant("eligible-by-half", "population.py", "differing * 3 >= 2 * len(part)", "differing * 2 >= len(part)", POPULATION),
]

BOARDS = [
    Mutant("interval-not-mirrored", "scoreboard.py", "else (-high, -low)", "else (-low, -high)", BOARD),
    Mutant("null-not-mirrored", "scoreboard.py", "null, reported = direction * null, ", "null, reported = null, ", BOARD),
    Mutant("reported-not-mirrored", "scoreboard.py", "None if reported is None else direction * reported", "reported", BOARD),
    Mutant("touching-the-null-holds", "scoreboard.py", "if near <= null", "if near < null", BOARD),
    Mutant("touching-the-null-fails", "scoreboard.py", "if far < null", "if far <= null", BOARD),
    Mutant("short-of-reported-holds", "scoreboard.py", "far >= reported else", "True else", BOARD),
    Mutant("beyond-reported-is-in-part", "scoreboard.py", "far >= reported else", "near <= reported <= far else", BOARD),
    Mutant("estimate-must-reach-reported", "scoreboard.py", "far >= reported else", "near >= reported else", BOARD),
    Mutant("chance-on-both-sides", "scoreboard.py", '(1 - entry["level"]) / 2', '(1 - entry["level"])', BOARD),
    Mutant("stale-runs-tolerated", "scoreboard.py", "if len(folders) > 1", "if len(folders) > 9", BOARD),
]

MATERIALS = [
    Mutant("training-on-held-out-problems", "tasks/base.py", "if not is_held_out(problem):", "if problem:", TASKS),
    Mutant("evaluation-on-trained-problems", "tasks/base.py", "if is_held_out(problem) and", "if", TASKS),
    Mutant("problems-repeated", "tasks/base.py", " and problem.canonical not in seen", "", TASKS),
    Mutant("untrained-levels-trained", "tasks/base.py", "levels or task.trained", "levels or task.levels", TASKS),
    Mutant("checker-startswith", "tasks/base.py", "answers[-1] == answer", "answers[-1].startswith(answer)", TASKS),
    Mutant("checker-endswith", "tasks/base.py", "answers[-1] == answer", "answers[-1].endswith(answer)", TASKS),
    Mutant("checker-takes-any-answer", "tasks/base.py", "answers[-1] == answer", "answer in answers", TASKS),
    Mutant(
        "spans-one-character-longer", "tasks/base.py", "spans.append((start, place))", "spans.append((start, place + 1))", TASKS
    ),
    Mutant("slips-with-the-right-answer", "tasks/base.py", "< WRONG_SHARE] + spans[-1:]", "< WRONG_SHARE]", TASKS),
    Mutant(
        "slips-that-change-nothing", "tasks/base.py", "for other in kind if other != text[place]", "for other in kind", TASKS
    ),
    Mutant("twice-the-slips", "tasks/base.py", "rng.random() < WRONG_SHARE", "rng.random() < 2 * WRONG_SHARE", TASKS),
    Mutant(
        "copied-values-marked",
        "tasks/families.py",
        "from {before} to {decided(here)}",
        "from {decided(before)} to {here}",
        TASKS,
    ),
    Mutant("a-stride-turned-round", "tasks/families.py", '("b", -2)', '("b", 2)', TASKS),
    Mutant("remainders-added-up", "tasks/families.py", "(10 * rest + digit) % by", "(rest + digit) % by", TASKS),
    Mutant("depth-for-the-deepest", "tasks/families.py", "max(deepest, depth)", "depth", TASKS),
    Mutant("weeks-of-eight-days", "tasks/families.py", "(day + move) % 7", "(day + move) % 6", TASKS),
    Mutant("held-out-prose-trained-on", "corpora.py", "else code(), held_out=False)", "else code(), held_out=True)", CORPORA),
    Mutant("shares-of-documents", "corpora.py", "+= len(text) * rng.uniform", "+= rng.uniform", CORPORA),
    Mutant("sources-in-a-fixed-order", "corpora.py", "rng.uniform(0.5, 1.5)", "1.0", CORPORA),
    Mutant("documents-without-their-seed", "corpora.py", 'f"documents {material.seed} {seed}"', 'f"documents {seed}"', CORPORA),
    Mutant("documents-come-again", "corpora.py", "if problem.canonical not in seen:", "if True:", CORPORA),
    Mutant("noise-on-line-breaks", "corpora.py", 'if c != "\\n" and rng.random()', "if rng.random()", CORPORA),
    Mutant("one-copy-at-most", "corpora.py", "while rng.random() < share:", "if rng.random() < share:", CORPORA),
    Mutant("copies-of-anything", "corpora.py", "[*recent[-999:], text]", "[*recent, text]", CORPORA),
    Mutant("repeated-in-one-order", "corpora.py", "rng.shuffle(kept)", "pass", CORPORA),
    Mutant("hard-is-all", "corpora.py", '"hard": slice(1, None)', '"hard": slice(None)', CORPORA),
    Mutant("odd-is-even", "corpora.py", '"odd": families[1::2]', '"odd": families[::2]', CORPORA),
    Mutant("style-lost-after-pretraining", "corpora.py", 'mix.startswith("other")', 'mix == "other"', CORPORA),
    Mutant("shuffled-over-levels", "models/material.py", "drawn[(place + step) %", "drawn[(place + 1) %", MATERIAL),
    Mutant(
        "decisive-places-of-another-style", "models/material.py", "problem.decisive()", 'problem.decisive("other")', MATERIAL
    ),
    Mutant("prose-that-was-trained-on", "models/material.py", "prose(), held_out=True", "prose(), held_out=False", MATERIAL),
    Mutant("corpora-cut-short", "models/material.py", "settings.tokens * rate", "settings.tokens", MATERIAL),
    Mutant("rows-counted-from-zero", "traces.py", 'known.to_dict("records"), 1)', 'known.to_dict("records"), 0)', TRACES),
    Mutant("repeated-ids-accepted", "traces.py", "if (trace.task, trace.id) in seen:", "if False:", TRACES),
]

MODELS = [
    Mutant(
        "resume-forgets-tokens",
        "models/train.py",
        "            tokens += rows.tokens\n            if done + index < first:\n                continue\n",
        "            if done + index < first:\n                continue\n            tokens += rows.tokens\n",
        TRAIN,
    ),
    Mutant("text-without-its-seed", "models/train.py", "self.material, self.seed), steps)", "self.material, 0), steps)", TRAIN),
    Mutant("non-finite-loss-accepted", "models/train.py", "if not math.isfinite(loss.item())", "if False", TRAIN),
    Mutant(
        "post-training-at-the-full-rate",
        "models/train.py",
        "self.packed(texts, steps), steps, self.config.post_rate",
        "self.packed(texts, steps), steps, 1.0",
        TRAIN,
    ),
    Mutant("post-training-begins-where-pretraining-began", "models/train.py", "self.seed + POST_SEED", "self.seed", TRAIN),
    Mutant(
        "post-training-grows-with-the-share",
        "models/train.py",
        "self.steps(self.config.post_share)",
        "self.steps(self.config.post_share * self.spec.share)",
        TRAIN,
    ),
    Mutant("wrong-samples-kept", "models/train.py", 'kept = samples[samples["right"]]', "kept = samples", TRAIN),
    Mutant(
        "sampled-anew-on-resume",
        "models/train.py",
        "if not path.exists():\n            rng",
        "if True:\n            rng",
        TRAIN,
    ),
    Mutant(
        "checkpoint-counts-from-its-phase", "models/train.py", "optims, losses, done + index)", "optims, losses, index)", TRAIN
    ),
    Mutant(
        "post-training-measured-everywhere",
        "models/train.py",
        'measure_at if name == "pretraining" else {phase.steps}',
        "measure_at",
        TRAIN,
    ),
    Mutant("samples-cut-to-the-likeliest", "models/generate.py", '"top_k": 0}', '"top_k": 50}', GENERATE),
    Mutant("samples-without-their-seed", "models/generate.py", "manual_seed(sample_seed or 0)", "manual_seed(0)", GENERATE),
    Mutant("random-numbers-of-the-caller-spent", "models/generate.py", "fork_rng()", "fork_rng(enabled=False)", GENERATE),
    Mutant(
        "space-put-in-front",
        "models/tokenizers.py",
        "ByteLevel(add_prefix_space=False)\n",
        "ByteLevel(add_prefix_space=True)\n",
        TOKENIZERS,
    ),
    Mutant("space-apart-from-its-digit", "models/tokenizers.py", r'Regex(r" ?\d|', r'Regex(r"\d|', TOKENIZERS),
    Mutant("a-kind-measured-twice", "measure.py", "traces_of(kind)}.parquet", "traces_of(KINDS[0])}.parquet", MEASURE),
    Mutant("most-windowed-for-all", "measure.py", "int(items[name].sum())", "int(items[name].max())", MEASURE),
    Mutant("every-model-its-own-expert", "measure.py", 'if "expert" in step.parents', "if False", MEASURE),
    Mutant("every-answer-right", "evaluate.py", "tasks.check(trace, text)", "True", MEASURE),
    Mutant("padding-is-predicted", "models/train.py", "torch.full_like(ids, IGNORE)", "ids.clone()", TRAIN),
    Mutant("openings-are-predicted", "models/train.py", "labels[index, place] = IGNORE", "pass", TRAIN),
    Mutant("positions-run-on", "models/train.py", "torch.arange(len(tokens))", "torch.arange(place, stop)", TRAIN),
    Mutant("documents-see-each-other", "models/train.py", "position_ids=positions, ", "", TRAIN),
    Mutant("ends-forgotten", "models/train.py", "*document, special.eos]", "*document]", TRAIN),
    Mutant("labels-not-shifted", "models/train.py", "labels[:, 1:].flatten()", "labels[:, :-1].flatten()", TRAIN),
    Mutant("padding-not-ignored", "models/train.py", "ignore_index=IGNORE", "ignore_index=0", TRAIN),
    Mutant("rate-falls-to-nothing", "models/train.py", "0.1 + 0.45 *", "0.0 + 0.5 *", TRAIN),
    Mutant("rate-starts-at-nothing", "models/train.py", "(step + 1) / rise", "step / rise", TRAIN),
    Mutant("rate-constant", "models/train.py", "= peak * share", "= peak", TRAIN),
    Mutant("head-under-muon", "models/train.py", "if p.ndim == 2 and id(p) not in tables", "if p.ndim == 2", TRAIN),
    Mutant("held-out-nats-for-bits", "models/train.py", "nats / math.log(2) / text_bytes", "nats / text_bytes", TRAIN),
    Mutant("held-out-mean-of-batches", "models/train.py", '"sum").item() for', '"mean").item() for', TRAIN),
    Mutant("resume-drops-optimiser-state", "models/train.py", '{"state": state, "param', '{"state": {}, "param', TRAIN),
    Mutant("resume-skips-a-step", "models/train.py", 'return int(meta["step"]),', 'return int(meta["step"]) + 1,', TRAIN),
    Mutant("weights-without-their-seed", "models/train.py", "torch.manual_seed(seed)", "torch.manual_seed(0)", TRAIN),
    Mutant(
        "answers-out-of-order", "models/generate.py", "texts = dict(zip(order,", "texts = dict(zip(sorted(order),", GENERATE
    ),
    Mutant(
        "prompts-padded-on-the-right",
        "models/generate.py",
        "[[pad] * (longest - len(ids)) + ids for ids",
        "[ids + [pad] * (longest - len(ids)) for ids",
        GENERATE,
    ),
    Mutant(
        "padding-attended-to",
        "models/generate.py",
        "[[0] * (longest - len(ids)) + [1]",
        "[[1] * (longest - len(ids)) + [1]",
        GENERATE,
    ),
    Mutant("one-token-more", "models/generate.py", "max_new_tokens=new_tokens", "max_new_tokens=new_tokens + 1", GENERATE),
    Mutant("end-ignored", "models/generate.py", "eos_token_id=ends or None,", "eos_token_id=258,", GENERATE),
    Mutant("digits-merged", "models/tokenizers.py", "individual_digits=True", "individual_digits=False", TOKENIZERS),
    Mutant(
        "special-text-read-as-tokens",
        "models/tokenizers.py",
        'split_special_tokens=True)["input_ids"]',
        'split_special_tokens=False)["input_ids"]',
        TOKENIZERS,
    ),
    Mutant(
        "opening-token-forgotten",
        "models/generate.py",
        "[] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]",
        "[]",
        GENERATE,
    ),
]

# The next two tables cover modules whose tests are written beside them; add an entry with every numeric they promise.
# Decision accuracy and its intervals:
SELECTIONS = [
    Mutant("ties-in-the-target-count", "selection.py", "counted = wanted != 0", "counted = wanted != 2", SELECTION),
    Mutant(
        "predicted-ties-count-wrong",
        "selection.py",
        "(1 + _order(predicted) * wanted) / 2",
        "(_order(predicted) * wanted > 0)",
        SELECTION,
    ),
    Mutant("likelihood-sign-flipped", "selection.py", '"nll": -1}', '"nll": 1}', SELECTION),
    Mutant(
        "corpora-for-groups",
        "selection.py",
        'self.groups, self.corpora = bootstrap.over(target["group"]), bootstrap.over',
        'self.groups, self.corpora = bootstrap.over(target["corpus"]), bootstrap.over',
        SELECTION,
    ),
    Mutant("noise-without-its-factor", "selection.py", "- gap.mean()) ** 2)) / 1.5", "- gap.mean()) ** 2)) / 1.0", SELECTION),
    Mutant("noise-keeps-the-common-shift", "selection.py", "np.sum((gap - gap.mean()) ** 2)", "np.sum(gap**2)", SELECTION),
]

# Identity and integrity of runs on disk:
STORES = [
    Mutant("inputs-not-in-the-id", "store.py", "dict(self.config), dict(self.inputs)]", "dict(self.config)]", STORE),
    Mutant("keys-in-any-order", "store.py", "sort_keys=True, separators", "sort_keys=False, separators", STORE),
    Mutant("checksums-not-compared", "store.py", '!= manifest["files"][name]', "is None", STORE),
]

MUTANTS = [*TOKENSTATISTICS, *PROXY_METRICS, *INTERVALS, *BOARDS, *MATERIALS, *MODELS, *SELECTIONS, *STORES]


def pytest(folder: Path, tests: list[str]) -> tuple[int, str]:
    """Exit code and last lines of pytest over the copy."""
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",  # a stale .pyc of the same second and size would hide a breakage
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "--tb=line", *tests]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).strip()


def misfits(mutants: list[Mutant], folder: Path) -> list[str]:
    """What no longer fits the code, one line each."""
    found = []
    for mutant in mutants:
        text = (folder / "proxylib" / mutant.file).read_text(encoding="utf-8")
        count = text.count(mutant.old)
        if count != 1:
            found.append(f"{mutant.name}: {mutant.old!r} occurs {count} times in {mutant.file}, expected once")
            continue
        try:
            ast.parse(text.replace(mutant.old, mutant.new))
        except SyntaxError as error:
            found.append(f"{mutant.name}: the broken {mutant.file} is no Python ({error})")
        if not (folder / mutant.tests.split("::")[0]).exists():
            found.append(f"{mutant.name}: {mutant.tests} does not exist")
    return found


def main() -> int:
    """Run the chosen mutants; returns the exit code."""
    parser = argparse.ArgumentParser(description="Break one line at a time and see whether a test notices.")
    parser.add_argument("-k", metavar="WORD", default="", help="only mutants whose name or file contains this")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    arguments = parser.parse_args()
    chosen = [mutant for mutant in MUTANTS if arguments.k in mutant.name or arguments.k in mutant.file]
    if arguments.list or not chosen:
        print("\n".join(f"{mutant.file:24} {mutant.name}" for mutant in chosen) or f"no mutant contains {arguments.k!r}")
        return 0 if chosen else 2
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        for part in COPIED:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, folder / part)
        wrong = misfits(chosen, folder)
        if wrong:
            print("\n".join(wrong))
            return 2
        code, said = pytest(folder, sorted({mutant.tests for mutant in chosen}))
        if code:
            print(f"{said}\nthese tests fail before anything is broken")
            return 2
        survivors = []
        for mutant in chosen:
            path = folder / "proxylib" / mutant.file
            text = path.read_text(encoding="utf-8")
            path.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
            code, said = pytest(folder, [mutant.tests])
            path.write_text(text, encoding="utf-8")
            # 1 is "a test failed"; anything else but 0 is a breakage so coarse that no test was reached
            word = {0: "SURVIVED", 1: "noticed "}.get(code, "UNUSABLE")
            last = next((line for line in said.splitlines() if line.startswith("FAILED")), "").removeprefix("FAILED ")
            print(f"{word}  {mutant.file:24} {mutant.name:36} {last.split(' - ')[0]}", flush=True)
            if code != 1:
                survivors.append(mutant.name)
    print(f"{len(chosen) - len(survivors)} of {len(chosen)} noticed" + (f"; not: {', '.join(survivors)}" if survivors else ""))
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
