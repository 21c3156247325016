"""Runs plain sequential functions that call language models in parallel, with exactly the sequential observation."""

from xcs._adopt import adopt as adopt
from xcs._check import Check as Check
from xcs._check import Difference as Difference
from xcs._check import DifferenceError as DifferenceError
from xcs._check import check as check
from xcs._config import Config as Config
from xcs._config import config as config
from xcs._contracts import declare as declare
from xcs._contracts import op as op
from xcs._errors import LLMAnswerError as LLMAnswerError
from xcs._errors import LLMAuthenticationError as LLMAuthenticationError
from xcs._errors import LLMBillingError as LLMBillingError
from xcs._errors import LLMConnectionError as LLMConnectionError
from xcs._errors import LLMError as LLMError
from xcs._errors import LLMRateLimitError as LLMRateLimitError
from xcs._errors import LLMTimeoutError as LLMTimeoutError
from xcs._errors import StorageError as StorageError
from xcs._errors import UsageError as UsageError
from xcs._errors import XcsError as XcsError
from xcs._explain import Explanation as Explanation
from xcs._explain import explain as explain
from xcs._jit import Site as Site
from xcs._jit import Spent as Spent
from xcs._jit import Stats as Stats
from xcs._jit import jit as jit
from xcs._jit import stats as stats
from xcs._llm import LLMAnswer as LLMAnswer
from xcs._llm import LLMUsage as LLMUsage
from xcs._llm import Stream as Stream
from xcs._llm import ToolCall as ToolCall
from xcs._llm import embed as embed
from xcs._llm import llm as llm
from xcs._local_model import LocalModel as LocalModel
from xcs._prices import Price as Price
from xcs._prices import set_price as set_price
from xcs._simulator import Simulator as Simulator
from xcs._vmap import vmap as vmap

__version__ = "0.1.0"
