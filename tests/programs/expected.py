"""How many calls each program makes, how many stand on its critical path, and in how many rounds it is run."""

from __future__ import annotations

from typing import NamedTuple


class Expected(NamedTuple):
    """Of one program.

    Attributes:
        calls: Independent calls it makes.
        path: How many of them stand on the longest chain of calls that need each other.
        rounds: How many stand on the longest chain under jit, at most.
    """

    calls: int
    path: int
    rounds: int

    @property
    def reached(self) -> bool:
        """Whether nothing but what the calls need holds them up."""
        return self.rounds <= self.path


EXPECTED = {
    "augment_random": Expected(6, 1, 1),
    "backoff_calls": Expected(12, 2, 12),
    "batch_translate": Expected(8, 2, 2),
    "code_repair": Expected(7, 4, 7),
    "critic_rounds": Expected(39, 7, 19),
    "curriculum": Expected(11, 4, 11),
    "debate_panel": Expected(14, 3, 3),
    "dedupe_cluster": Expected(5, 2, 4),
    "disk_cache": Expected(4, 1, 1),
    "elo_arena": Expected(19, 2, 2),
    "eval_harness": Expected(7, 1, 1),
    "evol_instruct": Expected(23, 6, 6),
    "frame_apply": Expected(15, 2, 7),
    "interviews": Expected(31, 9, 9),
    "json_extract": Expected(7, 1, 1),
    "judge_tournament": Expected(19, 4, 4),
    "label_retry": Expected(12, 3, 3),
    "map_reduce_budget": Expected(16, 4, 4),
    "meeting_minutes": Expected(11, 2, 2),
    "memory_stream": Expected(20, 4, 5),
    "model_cascade": Expected(30, 6, 6),
    "multihop_cache": Expected(17, 5, 15),
    "persona_chat": Expected(12, 5, 5),
    "pipeline_class": Expected(12, 2, 2),
    "plan_execute": Expected(22, 6, 6),
    "prompt_search": Expected(22, 4, 5),
    "quiz_game": Expected(18, 5, 9),
    "rag_rerank": Expected(27, 3, 9),
    "raptor_tree": Expected(18, 4, 5),
    "react_agent": Expected(13, 8, 8),
    "recursive_summary": Expected(10, 4, 4),
    "report_table": Expected(10, 2, 2),
    "retry_decorator": Expected(16, 4, 10),
    "router_chain": Expected(24, 5, 20),
    "rubric_grading": Expected(13, 3, 2),
    "self_consistency": Expected(15, 1, 1),
    "self_refine": Expected(27, 7, 7),
    "skeleton": Expected(20, 4, 4),
    "software_team": Expected(12, 4, 12),
    "sqlite_store": Expected(12, 2, 2),
    "streaming_log": Expected(5, 2, 5),
    "tenacity_calls": Expected(18, 4, 16),
    "tool_calls": Expected(5, 2, 2),
    "tree_search": Expected(80, 6, 12),
    "usage_budget": Expected(13, 2, 3),
    "web_research": Expected(20, 5, 11),
}
