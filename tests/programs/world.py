# ruff: noqa
# mypy: ignore-errors
"""What the programs of this folder reach outside: a model, embeddings, a search engine, a web server, and clients.

Every answer comes from the deterministic model of tests/patterns, which logs each call, so that one place sees all of
them. On top of its directives a prompt may ask for `[json: name=kind, ...]` (kind: number, list, word, or A|B) and for
`[action: search | lookup | finish]`.
"""

import hashlib
import json
import re
import time
from dataclasses import dataclass, field

from patterns import model
from patterns.model import ModelError

_JSON = re.compile(r"\[json: ([^\]]+)\]")
_ACTION = re.compile(r"\[action: ([^\]]+)\]")

# How long calls take: None, or a seed from which the latency of each call is drawn.
SEED = None


class RateLimitError(ModelError):
    """Too many requests."""


def _number(*parts):
    return int.from_bytes(hashlib.sha256("\x1f".join(parts).encode()).digest()[:4], "big")


def _field(kind, text, words, i):
    if kind == "number":
        return _number(text, str(i)) % 10
    if kind == "list":
        return words[i : i + 3]
    if "|" in kind:
        options = kind.split("|")
        return options[_number(text, str(i)) % len(options)]
    return words[i % len(words)]


def _shaped(prompt, text):
    if text.startswith("N/A"):
        return text
    words = text.split()
    if found := _JSON.findall(prompt):
        fields = [part.strip().partition("=") for part in found[-1].split(",")]
        return json.dumps({name: _field(kind, text, words, i) for i, (name, _, kind) in enumerate(fields)})
    if found := _ACTION.findall(prompt):
        options = [option.strip() for option in found[-1].split("|")]
        name = options[_number(text, "action") % len(options)]
        return f"Thought: {' '.join(words[:4])}\nAction: {name}[{words[4]} {words[5]}]"
    return text


def _call(prompt, **options):
    if SEED is not None:
        time.sleep(_number(str(SEED), prompt) % 5 / 1000)
    return model.llm(prompt, **options)


def llm(prompt, **options):
    return _shaped(prompt, _call(prompt, **options))


def embed(text):
    digest = hashlib.sha256(_call("EMBED " + text).encode()).digest()
    return [byte / 255 - 0.5 for byte in digest[:8]]


def search(query, k=3):
    words = _call("SEARCH " + query).split()
    return [
        {
            "title": words[i],
            "url": f"https://{words[i]}.org/{words[i + 3]}",
            "snippet": " ".join(words[i : i + 4]),
        }
        for i in range(k)
    ]


# --- A client like those of the model providers --------------------------------------------------------------------


@dataclass
class Message:
    role: str
    content: str | None
    tool_calls: list | None = None


@dataclass
class Function:
    name: str
    arguments: str


@dataclass
class ToolCall:
    id: str
    function: Function
    type: str = "function"


@dataclass
class Choice:
    index: int
    message: Message
    finish_reason: str = "stop"


@dataclass
class Usage:
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


@dataclass
class ChatCompletion:
    id: str
    model: str
    choices: list
    usage: Usage


def _transcript(messages):
    return "\n".join(f"{m['role']}: {m.get('content') or m.get('tool_calls')}" for m in messages)


def _tool_message(tools, prompt, text):
    pick = _number(text, "tool") % (len(tools) + 1)
    if pick == len(tools):
        return Message("assistant", text)
    words = text.split()
    call = ToolCall(
        "call_" + words[0], Function(tools[pick]["function"]["name"], json.dumps({"query": words[1]}))
    )
    return Message("assistant", None, [call])


class Completions:
    def create(
        self, *, model, messages, temperature=0.0, max_tokens=None, n=1, tools=None, seed=None, **options
    ):
        prompt = _transcript(messages)
        if seed is not None:
            options["seed"] = seed
        text = _call(f"{model}: {prompt}", **options)
        choices = []
        for i in range(n):
            words = text.split()
            turn = i % len(words)
            one = text if i == 0 else " ".join(words[turn:] + words[:turn])
            if tools:
                choices.append(Choice(i, _tool_message(tools, prompt, one)))
            else:
                choices.append(Choice(i, Message("assistant", _shaped(prompt, one))))
        asked, said = len(prompt.split()), len(text.split()) * n
        return ChatCompletion(f"chatcmpl-{_number(prompt)}", model, choices, Usage(asked, said, asked + said))


@dataclass
class Embedding:
    index: int
    embedding: list


@dataclass
class EmbeddingResponse:
    data: list


class Embeddings:
    def create(self, *, model, input):
        texts = [input] if isinstance(input, str) else input
        return EmbeddingResponse([Embedding(i, embed(text)) for i, text in enumerate(texts)])


class Chat:
    def __init__(self):
        self.completions = Completions()


class OpenAI:
    def __init__(self, api_key=None, base_url=None):
        self.api_key = api_key
        self.base_url = base_url
        self.chat = Chat()
        self.embeddings = Embeddings()


# --- A web server --------------------------------------------------------------------------------------------------


class HTTPError(Exception):
    pass


class Response:
    def __init__(self, status_code, text):
        self.status_code = status_code
        self.text = text

    def json(self):
        return json.loads(self.text)

    def raise_for_status(self):
        if self.status_code >= 400:
            raise HTTPError(f"{self.status_code} for the page")


class Session:
    def __init__(self):
        self.headers = {}

    def get(self, url, params=None, timeout=None):
        words = _call(f"GET {url} {json.dumps(params)} {self.headers.get('Authorization')}").split()
        if _number(url, "status") % 7 == 0:
            return Response(404, "")
        links = [f"https://{word}.org/" for word in words[:2]]
        return Response(200, json.dumps({"title": words[2], "links": links, "body": " ".join(words[3:])}))


INDEPENDENT = (llm, embed, search, Completions.create, Embeddings.create, Session.get)
