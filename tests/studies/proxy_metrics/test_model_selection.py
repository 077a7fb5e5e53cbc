"""Setting 1 put together: methods see what they may see, tables and sentences turn with the numbers."""

import numpy as np
import pandas as pd
import pytest

from proxylib.measure import features, proxies
from proxylib.ranking import panel as panel_
from proxylib.ranking import summaries
from proxylib.report import tables
from proxylib.runs.config import ROOT
from proxylib.stats import Bootstrap
from proxylib.studies.proxy_metrics import model_selection

BOOTSTRAP = Bootstrap(draws=200, level=0.95, seed=1)
TASKS = ("a", "b", "c", "d")


def population(seeds=(2, 3), families=4, seed=0, noise=0.1):
    """A population whose eighty proxies all follow accuracy and whose other features are noise."""
    rng = np.random.default_rng(seed)
    accuracy, values, answers = [], [], []
    for training in seeds:
        for family in range(families):
            for size in range(3):
                name = f"f{family}-{size}"
                keys = {"member": f"{name}-seed{training}", "model": name, "family": f"f{family}"}
                for task in TASKS:
                    skill = np.clip(0.15 + 0.3 * size + 0.1 * rng.normal(), 0.02, 0.98)
                    right = rng.random(60) < skill
                    answers += [keys | {"task": task, "id": str(i), "correct": bool(r)} for i, r in enumerate(right)]
                    accuracy.append(keys | {"seed": training, "task": task, "estimate": right.mean()})
                    row = {"member": keys["member"], "task": task}
                    signs = model_selection.SIGNS
                    for prefix in ("", features.BY_BYTE):
                        row |= {
                            prefix + n: s * (skill + noise * rng.normal()) for n, s in zip(proxies.NAMES, signs, strict=True)
                        }
                    row |= {n: s * (skill + rng.normal()) for n, s in features.BASELINES.items()}
                    values.append(row)
    return pd.DataFrame(values), pd.DataFrame(accuracy), pd.DataFrame(answers).drop(columns=["model", "family"])


@pytest.fixture(scope="module")
def made():
    values, accuracy, answers = population()
    columns = (list(features.BASELINES), list(proxies.NAMES), model_selection._by_byte())
    panels = [model_selection.panels(values, accuracy, TASKS, names) for names in columns]
    per_seed = [model_selection.predictions(*own) for own in zip(*panels, strict=True)]
    by_method = {name: [found[name] for found in per_seed] for name in per_seed[0]}
    baselines = (model_selection.PROSE, model_selection.PER_BYTE, model_selection.PER_TOKEN, model_selection.HELD_IN)
    return panels, by_method, summaries.summary(panels[1], by_method, BOOTSTRAP, baselines=baselines), values, accuracy, answers


def test_panels_hold_every_model_of_a_seed_in_the_same_order_whatever_the_order_of_rows(made):
    panels, _, _, values, accuracy, _ = made
    shuffled = model_selection.panels(values.sample(frac=1, random_state=3), accuracy, TASKS, list(proxies.NAMES))
    assert [panel.models for panel in panels[1]] == [panels[1][0].models] * 2 and len(panels[1][0].models) == 12
    for one, other in zip(panels[1], shuffled, strict=True):
        assert np.array_equal(one.features, other.features) and np.array_equal(one.accuracy, other.accuracy)
    own = values[(values["member"] == f"{panels[1][0].models[5]}-seed2") & (values["task"] == "c")]
    assert panels[1][0].features[5, 2, 7] == own[proxies.NAMES[7]].iloc[0]


def test_every_method_of_the_issue_is_there(made):
    _, by_method, summary, *_ = made
    assert set(model_selection.REPORTED) <= set(by_method)
    assert set(model_selection.OURS) <= set(by_method)
    assert {"parameters", "training compute", "rank-surprisal ratio", model_selection.HELD_IN} <= set(by_method)


def test_what_needs_other_scores_has_no_value_for_an_unseen_family(made):
    summary = made[2]
    for method in (model_selection.HELD_IN, "first component of held-in scores", "oracle 3-sparse"):
        assert tables.rows(summary, method=method, protocol="leave-family-out").empty
    assert tables.rows(summary, method="regression on other tasks' scores", protocol="leave-tasks-out").empty


def correlation(summary, method):
    return tables.row(summary, method=method, protocol="leave-tasks-out", quantity="rho")["estimate"]


def test_proxies_that_follow_accuracy_beat_features_that_do_not(made):
    summary = made[2]
    good = correlation(summary, model_selection.NAMED)
    bad = correlation(summary, model_selection.PROSE)
    assert good > 0.8 and bad < 0.6
    gap = tables.row(
        summary, method=model_selection.NAMED, protocol="leave-tasks-out", quantity=f"rho minus that of {model_selection.PROSE}"
    )
    assert gap["estimate"] == pytest.approx(good - bad)


def test_estimates_name_claims_of_the_scoreboard(made):
    claims = pd.read_csv(ROOT / "proxylib" / "report" / "claims.csv")
    known = set(claims.loc[claims["stage"] == "ranking", "id"])
    assert set(model_selection.estimates(made[2], BOOTSTRAP)["claim"]) == known


def test_ranks_are_one_for_the_best(made):
    panels, by_method, *_ = made
    table = model_selection.ranks(panels[1], by_method[model_selection.LINEAR])
    assert len(table) == 2 * 4 * 12
    best = table.sort_values("actual").groupby(["seed_index", "task"]).first()
    assert (best["actual"] <= 2).all() and table["predicted"].corr(table["actual"]) > 0.7


def test_a_task_on_which_all_models_of_a_seed_score_alike_is_not_usable():
    _, accuracy, _ = population()
    accuracy.loc[(accuracy["task"] == "b") & (accuracy["seed"] == 3), "estimate"] = 0.5
    assert panel_.usable(accuracy, TASKS) == ("a", "c", "d")


def test_shrinking_moves_towards_the_line_and_orders_better_than_few_answers_alone(made):
    *_, values, accuracy, answers = made
    found = model_selection.bought_answers(values, answers, accuracy, TASKS, BOOTSTRAP)
    summary = found.set_index(["answers", "signal"])["estimate"]
    assert summary[5, "answers and proxy"] > summary[5, "answers"]
    gain = found[(found["signal"] == model_selection.GAIN) & (found["answers"] == 5)].iloc[0]
    assert gain["estimate"] == pytest.approx(summary[5, "answers and proxy"] - summary[5, "answers"])
    assert gain["low"] <= gain["estimate"] <= gain["high"]
    assert summary[20, "answers"] > summary[5, "answers"]
    assert (5, "proxy") in summary.index and (50, "proxy") not in summary.index  # 50 of 60 would leave ten to judge by


def test_shrunk_by_hand():
    proxy = np.array([0.0, 1.0, 2.0, 3.0])
    alike = np.repeat([[0.0], [1.0], [1.0], [0.0]], 5, 1)  # every problem says the same: no noise, nothing to shrink
    assert model_selection.shrunk(alike, proxy) == pytest.approx(alike.mean(1))
    assert (model_selection.shrunk(alike, np.ones(4)) == alike.mean(1)).all()
    one = alike * [1, 1, 0, 1, 1]
    one[0, 4] = 1.0
    got, line = one.mean(1), np.polyval(np.polyfit(proxy, one.mean(1), 1), proxy)
    model, problem = np.indices(one.shape)
    design = np.hstack([np.eye(4)[model.ravel()], np.eye(5)[problem.ravel()]])  # two-way analysis of variance, written out
    rest = one.ravel() - design @ np.linalg.lstsq(design, one.ravel(), rcond=None)[0]
    noise = (rest @ rest) / (3 * 4) / 5
    spread = max(0, ((got - line) ** 2).sum() / 2 - noise)
    assert model_selection.shrunk(one, proxy) == pytest.approx(line + spread / (spread + noise) * (got - line))
    coins = np.array([[1.0, 0], [0, 1], [1, 0], [0, 1]])  # scatter below its noise: all the way to the line
    assert model_selection.shrunk(coins, proxy) == pytest.approx(np.full(4, 0.5))
