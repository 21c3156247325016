# ruff: noqa
# mypy: ignore-errors
"""A small data frame of one's own, in the manner of pandas: apply, iterrows, at, and columns filled by the model."""

from programs.world import llm


class Series:
    def __init__(self, values, name=None):
        self.values = list(values)
        self.name = name

    def apply(self, function):
        return Series([function(v) for v in self.values], self.name)

    def __iter__(self):
        return iter(self.values)

    def __len__(self):
        return len(self.values)

    def __getitem__(self, i):
        return self.values[i]

    def value_counts(self):
        counts = {}
        for v in self.values:
            counts[v] = counts.get(v, 0) + 1
        return dict(sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])))


class _At:
    def __init__(self, frame):
        self.frame = frame

    def __getitem__(self, key):
        row, column = key
        return self.frame.columns[column][row]

    def __setitem__(self, key, value):
        row, column = key
        self.frame.columns.setdefault(column, [None] * len(self.frame))[row] = value


class Frame:
    def __init__(self, columns):
        self.columns = {k: list(v) for k, v in columns.items()}
        self.at = _At(self)

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def __getitem__(self, name):
        return Series(self.columns[name], name)

    def __setitem__(self, name, series):
        self.columns[name] = list(series)

    def iterrows(self):
        for i in range(len(self)):
            yield i, {k: v[i] for k, v in self.columns.items()}

    def apply(self, function, axis=1):
        return Series([function(row) for _, row in self.iterrows()])


def main(workdir):
    df = Frame({"id": range(5), "text": ["red kite", "blue boat", "grey stone", "green hill", "white gull"]})
    df["summary"] = df["text"].apply(lambda t: llm(f"Summarise {t}").split()[0])
    df["length"] = df["summary"].apply(len)
    df["tone"] = df.apply(lambda row: llm(f"Tone of {row['text']} [one of: calm | loud]"))
    for i, row in df.iterrows():
        df.at[i, "checked"] = llm(f"Is {row['tone']} right for {row['text']}? [one of: yes | no]") == "yes"
        if not df.at[i, "checked"]:
            print("doubtful", i, row["text"], row["tone"])
    print(df["tone"].value_counts())
    return df.columns
