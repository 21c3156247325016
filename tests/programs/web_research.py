# ruff: noqa
# mypy: ignore-errors
"""A crawler that reads pages breadth first, keeps what is relevant, and writes it up; a session as with requests."""

from collections import deque
from urllib.parse import urljoin, urlparse

from programs.world import HTTPError, Session, llm

START = ["https://harbor.org/", "https://ledger.org/"]


class Crawler:
    def __init__(self, session, max_pages=8, max_depth=2):
        self.session = session
        self.max_pages = max_pages
        self.max_depth = max_depth
        self.visited = set()
        self.errors = []
        self.pages = []

    def fetch(self, url):
        response = self.session.get(url, timeout=10)
        response.raise_for_status()
        return response.json()

    def crawl(self, urls):
        frontier = deque((url, 0) for url in urls)
        while frontier and len(self.pages) < self.max_pages:
            url, depth = frontier.popleft()
            if url in self.visited:
                continue
            self.visited.add(url)
            try:
                page = self.fetch(url)
            except HTTPError as e:
                self.errors.append((url, str(e)))
                print("  failed:", url)
                continue
            self.pages.append({"url": url, "host": urlparse(url).netloc, **page})
            if depth < self.max_depth:
                for link in page["links"]:
                    frontier.append((urljoin(url, link), depth + 1))
        return self.pages


def main(workdir):
    session = Session()
    session.headers["Authorization"] = "Bearer none"
    crawler = Crawler(session)
    pages = crawler.crawl(START)
    notes = []
    for page in pages:
        verdict = llm(f"Is {page['title']} about the sea? {page['body']} [one of: yes | no]")
        if verdict != "yes":
            continue
        note = llm(f"Notes on {page['body']}")
        notes.append(f"{page['host']}: {note}")
    article = llm("Write up:\n" + "\n".join(notes)) if notes else "nothing found"
    print(len(pages), "pages,", len(notes), "notes,", len(crawler.errors), "errors")
    return article, [p["url"] for p in pages]
