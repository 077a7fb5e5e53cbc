"""What is looked at: held-out documents of every source, and checkpoints in log steps."""

import numpy as np
from models.small_training import MATERIAL

from proxylib.measure import domains
from proxylib.studies.validation import watched


def test_documents_of_all_tasks_are_one_domain():
    texts, parts = watched.held_out(MATERIAL, 3), domains.documents(MATERIAL, 3)
    assert texts[watched.EXPERT] == parts["sorting"] + parts["counting"]
    assert set(texts) == {"expert", "other", "answer", "prose", "code"}


def test_checkpoints_are_even_in_log_steps_and_end_with_the_run():
    at = watched.checkpoints(520, 20)
    assert len(at) == 20 and at[-1] == 520 and at[0] == round(520 / watched.FROM)
    ratios = np.diff(np.log(at))[5:]
    assert ratios.std() < 0.02
    assert watched.checkpoints(3, 20) == [1, 2, 3]
