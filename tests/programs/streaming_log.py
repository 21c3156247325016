# ruff: noqa
# mypy: ignore-errors
"""A moderation service: rules as function values in a dict, getattr dispatch, logging with levels, warnings, counters."""

import logging
import os
import warnings

from programs.world import llm

POSTS = [
    "Buy now!!!",
    "Lovely weather",
    "You are a fool",
    "Meet me at the harbor",
    "WIN A PRIZE",
    "I disagree with you",
]


class Moderator:
    def __init__(self, log):
        self.log = log
        self.actions = []
        self.counts = {"allow": 0, "flag": 0, "remove": 0}

    def handle_allow(self, post, reason):
        self.log.debug("allowed %r", post)
        return post

    def handle_flag(self, post, reason):
        self.log.info("flagged %r: %s", post, reason)
        warning = llm(f"A gentle warning for: {post} ({reason})")
        return f"{post} [{warning.split()[0]}]"

    def handle_remove(self, post, reason):
        self.log.warning("removed %r: %s", post, reason)
        return None

    def moderate(self, post):
        for name, rule in RULES.items():
            if rule(post):
                self.log.info("rule %s applies to %r", name, post)
                action, reason = "remove", name
                break
        else:
            action = llm(f"Moderate: {post} [one of: allow | flag | remove]")
            reason = llm(f"Why {action}? {post}") if action != "allow" else ""
        self.counts[action] += 1
        self.actions.append(action)
        return getattr(self, "handle_" + action)(post, reason)


RULES = {
    "shouting": lambda text: text.isupper(),
    "exclamation": lambda text: text.count("!") > 2,
}


def make_logger(path):
    log = logging.getLogger("moderation")
    log.handlers.clear()
    handler = logging.FileHandler(path, mode="w")
    handler.setLevel(logging.INFO)
    handler.setFormatter(logging.Formatter("[%(levelname)s] %(message)s"))
    log.addHandler(handler)
    log.setLevel(logging.DEBUG)
    log.propagate = False
    return log


def main(workdir):
    log = make_logger(os.path.join(workdir, "moderation.log"))
    moderator = Moderator(log)
    published = []
    for post in POSTS:
        shown = moderator.moderate(post)
        if shown is not None:
            published.append(shown)
    if moderator.counts["remove"] > 1:
        log.error("%d posts removed", moderator.counts["remove"])
    for handler in log.handlers:
        handler.close()
    print(moderator.counts, moderator.actions)
    return published
