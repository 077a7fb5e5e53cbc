"""What the study of production scale runs."""

from __future__ import annotations

from proxylib.data.published import registry
from proxylib.runs.config import config_folder
from proxylib.runs.files import sha256
from proxylib.runs.step import Declaration, Request, Resources, Study
from proxylib.settings import read_yaml, validated
from proxylib.studies.scale import claim, prices
from proxylib.studies.scale.settings import Grid, ScaleSettings, Section

study = Study("scale", Section)
SETS = ("olmo_ladder", "gadre_scaling", "gemstones")
READ = {"shapes": prices.SHAPES, "throughputs": prices.THROUGHPUTS, "exponents": claim.EXPONENTS, "reported": claim.REPORTED}


@study.stage(version=1, builder="proxylib.studies.scale.fits:build", resources=Resources(minutes=0.3), whole=False)
def scale(d: Declaration) -> Request:
    """What would the post's grid cost, and what would have to hold for its claim about production scale?"""
    hub = read_yaml(config_folder() / "hub.yaml")["hub"]
    grid = validated(Grid, {name: hub[name] for name in Grid.model_fields}, "hub.yaml")
    settings = ScaleSettings(scale=d.profile.scale, grid=grid, bootstrap=d.profile.bootstrap)
    return Request(settings, {"loss_fits": d.step("loss_fits")}, {name: sha256(path) for name, path in READ.items()})


@study.stage(
    version=1, builder="proxylib.studies.scale.published:build", resources=Resources(minutes=0.3), shared=True, whole=False
)
def published_scale(d: Declaration) -> Request:
    """Does a line of score on loss hold for published models several times larger than those it was fitted to? No row of the
    published data enters the run.
    """
    return Request(d.profile.bootstrap, outside={name: registry.fingerprint(name) for name in SETS})


@study.page("production_scale")
def production_scale(d: Declaration) -> Request:
    """What the page production_scale reads."""
    return Request(None, {name: d.step(name) for name in ("scale", "published_scale")})
