"""Simulates the users of a product: tasks, retries, ratings, newcomers, those who leave. Nothing here is real data."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from pydantic import Field
from scipy.special import expit, logit

from proxylib.settings import Frozen

COLUMNS = ("tasks", "completed", "retried", "rated", "up", "tokens")  # what a product counts
REGIONS, GROUPS = 8, 2  # users live in one of so many regions; the second group are novices
WEEK = 7
SECOND_TRY = -0.5  # logits: what failed once is harder than what is asked for the first time
MISTAKEN = 0.05  # of thumbs point the wrong way
WAVE = 14  # days that a wave of newcomers lasts
SURE = 0.995  # no model is right, or wrong, more surely
EVERYONE, HOLDOUT, STAGGERED = "everyone", "half of the users", "region by region"
APART = 5  # days between two regions


class Users(Frozen):
    """A product and its users, all of it assumed; logits are of completing a task."""

    users: int = Field(ge=16, description="on the first day")
    days: int = Field(ge=14, description="that are watched")
    update: int = Field(ge=7, description="day on which another model may come")
    tasks: float = Field(gt=0, description="tasks of a user and day, mean")
    abilities: float = Field(ge=0, description="logits, spread of users")
    novices: float = Field(ge=0, le=1, description="share of users on the first day")
    clumsy: float = Field(ge=0, description="logits by which a novice completes less")
    joining: float = Field(ge=0, description="new users a day, as a share of those of the first day")
    wave: float = Field(ge=0, description="times as many join in two weeks near the update, all of them novices")
    retry: float = Field(ge=0, le=1, description="chance that a failed task is asked again")
    rated: float = Field(gt=0, le=1, description="chance that a completed task is rated")
    vexed: float = Field(gt=0, description="times as likely is a failed one")
    churn: float = Field(ge=0, lt=1, description="chance of leaving on a day of use, whatever comes of it")
    disappointed: float = Field(ge=0, lt=1, description="added to it where all of the day's tasks failed, in proportion")
    weekend: float = Field(gt=0, description="tasks on a weekend as a share of another day's")
    season: float = Field(ge=0, description="logits, height of a wave of 91 days: other tasks at other times of the year")
    shock: float = Field(ge=0, description="logits, spread of a day's luck that all users share")
    memory: float = Field(ge=0, lt=1, description="of that luck from one day to the next")
    product: float = Field(ge=0, description="logits, spread of a change of the product within two weeks of the update")


class Models(NamedTuple):
    """Two models, the old one first.

    chances : [2, K] of completing a task of each kind at the first try, by an average user
    mixes : [2, K] what is asked, by the experienced and by novices
    lengths : [2] length of an answer
    """

    chances: np.ndarray
    mixes: np.ndarray
    lengths: np.ndarray


class Log(NamedTuple):
    """What a product would log, and what only a simulation knows.

    cells : [days, regions, groups, COLUMNS] sums
    weeks : [weeks, users, COLUMNS] sums of each user
    treated : [users] the first day with the new model; never where it is beyond the last day
    novice, joined, gone : [users] group, first day, and day of leaving, `days` where a user stayed
    satisfied : [users] chance to complete a task with the old model on an average day
    expected : [days, 2, 3] per model: share of tasks completed, thumbs up and ratings, of the same tasks
    arms : [days, 2, COLUMNS] sums of the two halves of the users; in a `HOLDOUT` the second has the new model
    """

    cells: np.ndarray
    weeks: np.ndarray
    treated: np.ndarray
    novice: np.ndarray
    joined: np.ndarray
    gone: np.ndarray
    satisfied: np.ndarray
    expected: np.ndarray
    arms: np.ndarray


def completes(first: np.ndarray, retry: float) -> np.ndarray:
    """Logits of completing at the first try -> chance of completing at the first or second."""
    once = expit(first)
    return once + (1 - once) * retry * expit(first + SECOND_TRY)


def simulate(settings: Users, models: Models, rollout: str, seed: int, logs_users: bool = True) -> Log:
    """One world. Worlds of one seed are alike in everything but what is changed, though their users' luck is not.

    Parameters
    ----------
    rollout : who gets the new model on the day of the update: `EVERYONE`, a `HOLDOUT` of half, or `STAGGERED`, region after
        region
    logs_users : whether `weeks` are summed; empty where not
    """
    outer = np.random.default_rng([seed, 0])  # first: the world is the same whoever gets the model
    common = _common(settings, outer)
    begins = settings.update + int(outer.integers(-WAVE, WAVE + 1))
    order = outer.permutation(REGIONS)
    rng = np.random.default_rng([seed, 1])
    joined, novice = _arrivals(settings, begins, rng)
    count = len(joined)
    ability = rng.normal(0, settings.abilities, count) - settings.clumsy * novice
    pace = rng.lognormal(-0.5, 1.0, count)  # tasks: few users ask most
    rates = rng.lognormal(-0.5, 1.0, count)  # ratings: few users rate most
    region, half = np.arange(count) % REGIONS, np.arange(count) // REGIONS % 2 == 1
    never = settings.days + 1
    treated = {
        EVERYONE: np.full(count, settings.update),
        HOLDOUT: np.where(half, settings.update, never),
        STAGGERED: settings.update + APART * np.argsort(order)[region],
    }[rollout]
    levels = logit(np.clip(models.chances, 1 - SURE, SURE))
    bounds = np.cumsum(models.mixes, 1)[:, :-1]
    gone = np.full(count, settings.days)
    cells = np.zeros((settings.days, REGIONS * GROUPS, len(COLUMNS)))
    weeks = np.zeros((-(-settings.days // WEEK), count, len(COLUMNS)) if logs_users else (0, count, len(COLUMNS)))
    expected = np.zeros((settings.days, 2, 3))
    arms = np.zeros((settings.days, 2, len(COLUMNS)))
    for day in range(settings.days):
        here = np.flatnonzero((joined <= day) & (gone > day))
        volume = settings.tasks * (settings.weekend if day % WEEK > 4 else 1.0)
        asked = rng.poisson(volume * pace[here])
        user = np.repeat(here, asked)
        kind = (rng.random(len(user))[:, None] > bounds[novice[user].astype(int)]).sum(1)
        first = levels[:, kind] + ability[user] + common[day]  # [2, tasks]: under either model
        new = day >= treated[user]
        used = np.where(new, first[1], first[0])
        done = rng.random(len(user)) < expit(used)
        again = ~done & (rng.random(len(user)) < settings.retry)
        done |= again & (rng.random(len(user)) < expit(used + SECOND_TRY))
        wish = settings.rated * rates[user]
        rated = rng.random(len(user)) < wish * np.where(done, 1.0, settings.vexed)
        up = rated & (done ^ (rng.random(len(user)) < MISTAKEN))
        tokens = (1 + again) * models.lengths[new.astype(int)]
        counted = np.stack([np.ones(len(user)), done, again, rated, up, tokens])
        cells[day] = _sums(counted, region[user] * GROUPS + novice[user], REGIONS * GROUPS)
        arms[day] = _sums(counted, half[user], 2)
        if logs_users:
            weeks[day // WEEK] += _sums(counted, user, count)
        chance = completes(first, settings.retry)
        voted = wish * np.array([chance, settings.vexed * (1 - chance)])  # [completed or not, model, tasks]
        ups = (1 - MISTAKEN) * voted[0] + MISTAKEN * voted[1]
        expected[day] = np.stack([chance.mean(1), ups.sum(1), voted.sum((0, 2))], 1) if len(user) else 0.0
        failed = asked - np.bincount(user[done], minlength=count)[here]
        share = np.divide(failed, asked, out=np.zeros(len(here)), where=asked > 0)
        leaves = rng.random(len(here)) < (asked > 0) * (settings.churn + settings.disappointed * share)
        gone[here[leaves]] = day + 1
    satisfied = (completes(levels[0] + ability[:, None], settings.retry) * models.mixes[novice.astype(int)]).sum(1)
    shape = settings.days, REGIONS, GROUPS, len(COLUMNS)
    return Log(cells.reshape(shape), weeks, treated, novice, joined, gone, satisfied, expected, arms)


def _common(settings: Users, rng: np.random.Generator) -> np.ndarray:
    """[days] logits that all users share: season, luck of the day, and a change of the product."""
    days = np.arange(settings.days)
    season = settings.season * np.sin(2 * np.pi * (days / 91 + rng.random()))
    luck = np.zeros(settings.days)
    steps = rng.normal(0, settings.shock * np.sqrt(1 - settings.memory**2), settings.days)
    luck[0] = rng.normal(0, settings.shock)
    for day in days[1:]:
        luck[day] = settings.memory * luck[day - 1] + steps[day]
    changed = settings.update + rng.integers(-WAVE, WAVE + 1)
    return season + luck + rng.normal(0, settings.product) * (days >= changed)


def _arrivals(settings: Users, begins: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """First day of every user, and whether a novice; those of a wave all are, and half of other newcomers."""
    daily = settings.users * settings.joining
    usual = rng.poisson(daily, settings.days)
    days = np.arange(settings.days)
    extra = rng.poisson(daily * settings.wave * ((days >= begins) & (days < begins + WAVE)))
    usual[0] += settings.users
    joined = np.concatenate([np.repeat(days, usual), np.repeat(days, extra)])
    novice = np.concatenate([rng.random(usual.sum()) < np.repeat(_shares(settings), usual), np.ones(extra.sum(), bool)])
    mixed = rng.permutation(len(joined))
    return joined[mixed], novice[mixed]


def _shares(settings: Users) -> np.ndarray:
    """[days] share of novices among those who come."""
    return np.where(np.arange(settings.days) == 0, settings.novices, 0.5)


def _sums(counted: np.ndarray, place: np.ndarray, places: int) -> np.ndarray:
    """[columns, tasks] -> [places, columns]."""
    return np.stack([np.bincount(place, row, places) for row in counted], 1)
