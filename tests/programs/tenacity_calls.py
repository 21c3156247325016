# ruff: noqa
# mypy: ignore-errors
"""Calls wrapped by tenacity: retries with waits, a fallback answer when they are used up."""

from tenacity import (
    RetryError,
    retry,
    retry_if_exception_type,
    stop_after_attempt,
    wait_fixed,
    wait_random_exponential,
)

from programs.world import ModelError, OpenAI

client = OpenAI()


@retry(wait=wait_fixed(0), stop=stop_after_attempt(3), retry=retry_if_exception_type(ModelError))
def completion_with_backoff(**kwargs):
    return client.chat.completions.create(**kwargs)


@retry(wait=wait_random_exponential(min=0, max=0.0001), stop=stop_after_attempt(2), reraise=True)
def strict_completion(prompt):
    response = client.chat.completions.create(
        model="strict", messages=[{"role": "user", "content": prompt}], fail_rate=0.5
    )
    return response.choices[0].message.content


def ask(prompt):
    response = completion_with_backoff(
        model="small", messages=[{"role": "user", "content": prompt}], fail_rate=0.4
    )
    return response.choices[0].message.content


def main(workdir):
    answers, failures = {}, []
    for topic in ["rain", "snow", "wind", "fog", "hail", "sun"]:
        try:
            answers[topic] = ask(f"Tell me about {topic}")
        except RetryError as e:
            print("gave up on", topic, type(e.last_attempt.exception()).__name__)
            failures.append(topic)
            continue
        try:
            answers[topic] += " / " + strict_completion(f"More about {topic}, after {answers[topic]}")
        except ModelError as e:
            print("strict:", topic, e)
    print(len(answers), "answers,", len(failures), "failures")
    return answers
