"""Runs plain sequential functions that call language models in parallel, with exactly the sequential observation."""

from xcs._config import Config as Config
from xcs._config import config as config
from xcs._contracts import declare as declare
from xcs._contracts import op as op
from xcs._errors import UsageError as UsageError
from xcs._errors import XcsError as XcsError
from xcs._jit import Site as Site
from xcs._jit import Stats as Stats
from xcs._jit import jit as jit
from xcs._jit import stats as stats
