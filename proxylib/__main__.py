"""`python -m proxylib`."""

from .cli import main

raise SystemExit(main())
