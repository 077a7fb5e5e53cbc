"""Where templates run: a fixed day, no chance, little time, little memory, and limits that leave nothing behind."""

import random
import resource
import signal
import time

import pytest

from proxylib.models import sandbox


def shown(source, **context):
    return sandbox.render(sandbox.compiled(source), context, "PROMPT")


def test_dates_and_choices_are_the_same_in_every_call():
    llama = "{% if not date_string is defined %}{% set date_string = strftime_now('%d %b %Y') %}{% endif %}{{ date_string }}"
    assert shown(llama) == "01 Jan 2026" and shown(llama, date_string="x") == "x"
    choice = "{{ range(1000) | random }} {{ lipsum(1, html=false) }}"
    random.seed(3)
    first, state = shown(choice), random.getstate()
    random.seed(4)
    assert shown(choice) == first
    random.seed(3)
    assert random.getstate() == state  # the caller's own chance is left alone


HOSTILE = {
    "raises": "{{ raise_exception('no') }}",
    "zero": "{{ 1/0 }}",
    "escape": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "globals": "{{ cycler.__init__.__globals__.os.system('true') }}",
    "changes messages": "{{ messages.append(1) }}",
    "undefined": "{{ nothing.here }}",
    "recursion": "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
    "range": "{% for i in range(10**9) %}{% endfor %}",
    "power": "{{ 9**(9**9) }}",
    "memory": "{{ ('x' * 10**10) | length }}",
    "constant": "{{ ('x' * 10000000000) | length }}",
    "doubling": "{% set ns = namespace(x='x') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "format": "{{ '%10000000000d' | format(1) }}",
    "include": "{% include '/etc/passwd' %}",
    "datetime": "{{ datetime.now() }}",
}


@pytest.mark.parametrize("source", HOSTILE.values(), ids=HOSTILE)
def test_what_is_hostile_raises_and_leaves_no_limit_behind(source):
    limits, handler = resource.getrlimit(resource.RLIMIT_AS), signal.getsignal(signal.SIGALRM)
    with pytest.raises(Exception):  # noqa: B017  which one is the template's affair
        shown(source)
    assert resource.getrlimit(resource.RLIMIT_AS) == limits and signal.getsignal(signal.SIGALRM) is handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_template_without_an_end_is_stopped(monkeypatch):
    monkeypatch.setattr(sandbox, "SECONDS", 0.2)
    began = time.perf_counter()
    with pytest.raises(TimeoutError, match="no end after 0.2 s"):
        shown("{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}")
    assert time.perf_counter() - began < 2
