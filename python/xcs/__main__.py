"""python -m xcs."""

import sys

from xcs._cli import main

sys.exit(main())
